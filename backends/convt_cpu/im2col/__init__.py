"""The im2col engine: the three maps as matrix products by BLAS, tile by tile.

`_plan.pyx` cuts the work into tiles and tasks, the other modules do it::

    _scatter.pyx  _gather.pyx  _correlate.pyx     the three maps
    _columns.pxd  _pixels.pxd  _panels.pxd        the three matrices of a tile
    _gemm.pxd                                     their product, by BLAS
    _geometry.pxd                                 boxes and runs of coarse positions
    _repair.pyx                                   where the zeros of padding met an infinity
"""

from __future__ import annotations

from typing import Any

from ..blas import single_threaded_blas
from ._correlate import correlate
from ._gather import gather
from ._plan import Im2colPlan, im2col_plan
from ._repair import repair_correlate, repair_gather
from ._scatter import scatter

__all__ = ["im2col_plan", "run"]

_MAPS = {"scatter": scatter, "gather": gather, "correlate": correlate}
_REPAIRS = {"gather": repair_gather, "correlate": repair_correlate}
_BLAS_IS_SERIAL_BELOW = 200_000  # multiply-adds


def run(plan: Im2colPlan, *arrays_and_threads: Any) -> bool:
    """See `convt_cpu.engine.Engine`."""
    if plan.multiply_adds < _BLAS_IS_SERIAL_BELOW:
        _MAPS[plan.data_map](plan, *arrays_and_threads)
    else:
        with single_threaded_blas:
            _MAPS[plan.data_map](plan, *arrays_and_threads)
    if plan.data_map in _REPAIRS:
        _REPAIRS[plan.data_map](plan, *arrays_and_threads)
    return True
