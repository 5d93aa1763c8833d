"""The im2col engine: the three maps as matrix products by BLAS, tile by tile.

`_plan.pyx` cuts the work into tiles and tasks, ``_stages.pyx`` has the stages for both element types::

    _scatter.pxd  _gather.pxd  _correlate.pxd     the three maps
    _columns.pxd  _pixels.pxd  _panels.pxd        the three matrices of a tile
    _gemm.pxd                                     their product, by BLAS
    _geometry.pxd                                 boxes and runs of coarse positions
    _repair.pxd                                   where the zeros of padding met an infinity
"""

from ._plan import Im2colPlan, im2col_plan

__all__ = ["Im2colPlan", "im2col_plan"]
