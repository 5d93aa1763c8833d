"""Which engine computes a map: the list of engines and the cost model, in one place.

Costs are counted in cycles of one core. The direct engine computes whole strips, halos included, and packs its input and
the weights; the im2col engine computes what is needed, but writes and reads the column matrix, and leaves the products to
BLAS, which is called with small matrices. ``CONVT_CPU_ALGORITHM`` forces one for all that it
can do; the rest goes to im2col.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

from . import im2col
from ._environment import variable
from ._kernels import vector_length
from .direct._engine import run as run_direct
from .direct.plan import direct_plan
from .engine import Engine, Map, Order
from .isa import available

if TYPE_CHECKING:
    from convt.problem import Problem

    from .direct._engine import DirectPlan

__all__ = ["ENGINES", "FALLBACK", "choose", "forced_engine"]

_PACKED = 1.0  # cycles for an element of a packed strip
_WEIGHT = 2.2  # cycles for a packed weight, which comes from far away
_ELEMENT = 1.3  # cycles for an element of the arrays
_BLAS = 1.4  # time of BLAS for a multiply-add in a tile's small product, relative to a direct kernel's
_COLUMN = 1.2  # cycles for an element of the column matrix
_BLAS_WEIGHT = 1.2
_BLAS_ELEMENT = 2.0


def forced_engine() -> str | None:
    """The engine that ``CONVT_CPU_ALGORITHM`` names, read at every call; None leaves the choice to the cost model."""
    return variable(b"CONVT_CPU_ALGORITHM")


@lru_cache(maxsize=1024)
def choose(problem: Problem, data_map: Map, order: Order, isa: str, forced: str | None) -> tuple[Engine, Any]:
    """The engine of a map, and its plan.

    Raises
    ------
    ValueError
        ``CONVT_CPU_ALGORITHM`` names no engine.
    """
    if forced is not None:
        if forced not in ENGINES:
            raise ValueError(f"CONVT_CPU_ALGORITHM must be one of {', '.join(ENGINES)}, got {forced!r}")
        plan = ENGINES[forced].plan(problem, data_map, order, isa)
        return (FALLBACK, FALLBACK.plan(problem, data_map, order, isa)) if plan is None else (ENGINES[forced], plan)
    able = [(engine, engine.plan(problem, data_map, order, isa)) for engine in ENGINES.values()]
    return min(
        ((engine, plan) for engine, plan in able if plan is not None),
        key=lambda pair: pair[0].cycles(pair[1], problem, isa),
    )


def _direct_cycles(plan: DirectPlan, problem: Problem, isa: str) -> float:
    packing = plan.packed * _PACKED + prod(problem.kernel_array_shape) * _WEIGHT
    return plan.multiply_adds / _per_cycle(problem, isa) + packing + _elements(problem) * _ELEMENT


def _im2col_cycles(plan: im2col.Plan, problem: Problem, isa: str) -> float:
    columns = problem.batch * prod(problem.coarse_shape) * problem.fine_channels * prod(problem.kernel_shape)
    # BLAS chooses its own instruction set, the best one.
    products = plan.multiply_adds * _BLAS / _per_cycle(problem, available()[0])
    copying = columns * _COLUMN + prod(problem.kernel_array_shape) * _BLAS_WEIGHT
    return products + copying + _elements(problem) * _BLAS_ELEMENT


def _elements(problem: Problem) -> int:
    """Of the fine and the coarse array."""
    return prod(problem.fine_array_shape) + prod(problem.coarse_array_shape)


def _per_cycle(problem: Problem, isa: str) -> int:
    """Multiply-adds of one core."""
    return 2 * vector_length(isa, problem.dtype.itemsize)


ENGINES = {
    "direct": Engine(direct_plan, run_direct, _direct_cycles),
    "im2col": Engine(im2col.plan, im2col.run, _im2col_cycles),
}
FALLBACK = ENGINES["im2col"]  # can do everything
