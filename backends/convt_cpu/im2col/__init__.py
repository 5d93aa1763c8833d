"""The im2col engine: the three maps as matrix products by BLAS, tile by tile.

`plan.py` cuts the work into tiles and tasks, the Cython modules do it::

    _scatter.pyx  _gather.pyx  _correlate.pyx     the three maps
    _columns.pxd  _pixels.pxd  _panels.pxd        the three matrices of a tile
    _gemm.pxd                                     their product, by BLAS
    _geometry.pxd  _plan.pyx                      a problem in C
    _repair.pyx                                   where the zeros of padding met an infinity
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..blas import single_threaded_blas
from ._correlate import correlate
from ._gather import gather
from ._plan import Plan
from ._repair import repair_correlate, repair_gather
from ._scatter import scatter
from .plan import correlate_plan, gather_plan, scatter_plan

if TYPE_CHECKING:
    from convt.problem import Problem

    from ..engine import Map, Order

__all__ = ["Plan", "plan", "run"]

_PLANS = {"scatter": scatter_plan, "gather": gather_plan, "correlate": correlate_plan}
_MAPS = {"scatter": scatter, "gather": gather, "correlate": correlate}
_REPAIRS = {"gather": repair_gather, "correlate": repair_correlate}
_BLAS_IS_SERIAL_BELOW = 200_000  # multiply-adds


def plan(problem: Problem, data_map: Map, order: Order, isa: str) -> Plan:
    """See `convt_cpu.engine.Engine`; BLAS chooses its own instruction set."""
    return _PLANS[data_map](problem, order)


def run(plan: Plan, *arrays_and_threads: Any) -> bool:
    """See `convt_cpu.engine.Engine`."""
    if plan.multiply_adds < _BLAS_IS_SERIAL_BELOW:
        _MAPS[plan.data_map](plan, *arrays_and_threads)
    else:
        with single_threaded_blas:
            _MAPS[plan.data_map](plan, *arrays_and_threads)
    if plan.data_map in _REPAIRS:
        _REPAIRS[plan.data_map](plan, *arrays_and_threads)
    return True
