"""The im2col engine: the three maps as matrix products by BLAS, tile by tile.

`plan.py` cuts the work into tiles and tasks, the Cython modules do it::

    _scatter.pyx  _gather.pyx  _correlate.pyx     the three maps
    _columns.pxd  _pixels.pxd  _panels.pxd        the three matrices of a tile
    _gemm.pxd                                     their product, by BLAS
    _geometry.pxd  _plan.pyx                      a problem in C
"""
