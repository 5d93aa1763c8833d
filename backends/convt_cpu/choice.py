"""Which engine computes a map: the cost model, in one place.

Costs are counted in multiply-adds of one vector lane. The direct engine computes whole strips, halos included, and reads
nothing else; the im2col engine computes what is needed, but moves each element of the column matrix twice through memory
and leaves the products to BLAS, which is called with small matrices. ``CONVT_CPU_ALGORITHM`` forces one.
"""

from __future__ import annotations

import os
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Literal

from .direct.plan import direct_plan
from .im2col.plan import multiply_adds
from .isa import available

if TYPE_CHECKING:
    from convt.problem import Problem

    from .direct._engine import DirectPlan

__all__ = ["ALGORITHMS", "choose"]

ALGORITHMS = ("direct", "im2col")

_BLAS = 1.6  # time of BLAS for a multiply-add in a tile's small product, relative to a direct kernel's
_COLUMN = 2.0  # cycles of one core for an element of the column matrix, written and read


def choose(problem: Problem, data_map: Literal["scatter", "gather"], order: tuple[int, ...], isa: str) -> DirectPlan | None:
    """The plan of the direct engine, or None for im2col.

    Raises
    ------
    ValueError
        ``CONVT_CPU_ALGORITHM`` names no engine, or one that cannot do this call.
    """
    forced = os.environ.get("CONVT_CPU_ALGORITHM")
    if not forced:
        return _cheaper(problem, data_map, order, isa)
    if forced not in ALGORITHMS:
        raise ValueError(f"CONVT_CPU_ALGORITHM must be one of {', '.join(ALGORITHMS)}, got {forced!r}")
    plan = direct_plan(problem, data_map, order, isa) if forced == "direct" else None
    if forced == "direct" and plan is None:
        raise ValueError("CONVT_CPU_ALGORITHM must be im2col for this call, whose strips outgrow the caches, got 'direct'")
    return plan


@lru_cache(maxsize=1024)
def _cheaper(
    problem: Problem, data_map: Literal["scatter", "gather"], order: tuple[int, ...], isa: str
) -> DirectPlan | None:
    plan = direct_plan(problem, data_map, order, isa)
    return plan if plan is not None and plan.cost < _im2col_cost(problem, isa) else None


def _im2col_cost(problem: Problem, isa: str) -> float:
    # BLAS chooses its own instruction set, which may be a better one than ours.
    faster = 2 ** available().index(isa)
    lanes = 64 // problem.dtype.itemsize // faster
    columns = problem.batch * prod(problem.coarse_shape) * problem.fine_channels * prod(problem.kernel_shape)
    return multiply_adds(problem) * _BLAS / faster + columns * _COLUMN * 2 * lanes
