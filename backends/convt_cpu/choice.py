"""Which engine computes a map: the cost model, in one place.

Costs are counted in cycles of one core. The direct engine computes whole strips, halos included, and packs its input and
the weights; the im2col engine computes what is needed, but writes and reads the column matrix, and leaves the products to
BLAS, which is called with small matrices. ``CONVT_CPU_ALGORITHM`` forces one.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Literal

from ._environment import variable
from .direct._engine import vector_length
from .direct.plan import direct_plan
from .im2col.plan import multiply_adds
from .isa import available

if TYPE_CHECKING:
    from convt.problem import Problem

    from .direct._engine import DirectPlan

__all__ = ["ALGORITHMS", "choose"]

ALGORITHMS = ("direct", "im2col")

_PACKED = 2.0  # cycles for an element of a packed strip
_WEIGHT = 4.0  # cycles for a packed weight, which comes from far away
_COLUMN = 2.0  # cycles for an element of the column matrix
_BLAS = 1.3  # time of BLAS for a multiply-add in a tile's small product, relative to a direct kernel's


def choose(problem: Problem, data_map: Literal["scatter", "gather"], order: tuple[int, ...], isa: str) -> DirectPlan | None:
    """The plan of the direct engine, or None for im2col.

    Raises
    ------
    ValueError
        ``CONVT_CPU_ALGORITHM`` names no engine, or one that cannot do this call.
    """
    forced = variable(b"CONVT_CPU_ALGORITHM")
    if forced is None:
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
    return plan if plan is not None and _direct_cost(plan, problem, isa) < _im2col_cost(problem) else None


def _direct_cost(plan: DirectPlan, problem: Problem, isa: str) -> float:
    weights = prod(problem.kernel_array_shape)
    return plan.multiply_adds / _per_cycle(problem, isa) + plan.packed * _PACKED + weights * _WEIGHT


def _im2col_cost(problem: Problem) -> float:
    columns = problem.batch * prod(problem.coarse_shape) * problem.fine_channels * prod(problem.kernel_shape)
    # BLAS chooses its own instruction set, the best one.
    return multiply_adds(problem) * _BLAS / _per_cycle(problem, available()[0]) + columns * _COLUMN


def _per_cycle(problem: Problem, isa: str) -> int:
    """Multiply-adds of one core."""
    return 2 * vector_length(isa, problem.dtype.itemsize)
