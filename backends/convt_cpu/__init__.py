"""convt's cpu backend: Cython, OpenMP and BLAS.

`backend.py` implements the protocol, `plan.py` cuts the work into tiles and tasks, the Cython modules do it::

    _scatter.pyx  _gather.pyx  _correlate.pyx     the three maps
    _columns.pxd  _pixels.pxd  _panels.pxd        the three matrices of a tile
    _gemm.pxd                                     their product, by BLAS
    _sums.pyx                                     the gradient of the bias
    threads.py  blas.py                           how many threads; BLAS kept to one
"""

from .backend import CpuBackend

__all__ = ["CpuBackend", "backend"]

backend = CpuBackend()
