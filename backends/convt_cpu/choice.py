"""Which engine computes a map: the list of engines and the cost model, in one place.

Costs are counted in cycles of one core. The direct engine computes whole strips, halos included, and packs its input and
the weights. The depthwise engine packs only its input, but loads a vector for every multiply-add. The correlate engine
counts for itself, in `correlate/plan.py`. The im2col engine computes what is needed, but writes and reads the column
matrix, and leaves the products to BLAS, which is called with small matrices.
``CONVT_CPU_ALGORITHM`` forces one for all that it can do; the rest goes to im2col.
the weights; the Winograd engine multiplies less, but transforms its input, its results and the weights; the im2col engine
computes what is needed, but writes and reads the column matrix, and leaves the products to BLAS, which is called with small
matrices. ``CONVT_CPU_ALGORITHM`` forces one for all that it can do; the rest goes to im2col.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

from . import im2col
from ._environment import variable
from ._kernels import vector_length
from .correlate._engine import run as run_correlate
from .correlate.plan import correlate_plan
from .depthwise._engine import run as run_depthwise
from .depthwise.plan import depthwise_plan
from .direct._engine import run as run_direct
from .direct.plan import direct_plan
from .engine import Engine, Map, Order
from .isa import available
from .winograd._engine import run as run_winograd
from .winograd.plan import winograd_plan

if TYPE_CHECKING:
    from convt.problem import Problem

    from .correlate._plan import CorrelatePlan
    from .depthwise._engine import DepthwisePlan
    from .direct._engine import DirectPlan
    from .winograd._engine import WinogradPlan

__all__ = ["ENGINES", "FALLBACK", "choose"]

_PACKED = 1.0  # cycles for an element of a packed strip
_WEIGHT = 2.2  # cycles for a packed weight, which comes from far away
_ELEMENT = 1.3  # cycles for an element of the arrays
_LOADED = 1.5  # time of a multiply-add in the depthwise engine, relative to a direct kernel's: each loads a vector
_LOADED_AGAIN = 3.2  # with several channels on both sides of a group, where direct kernels share loads among outputs
_COPIED = 0.9  # cycles for an element of the arrays
_FREQUENCY = 1.25  # time of a multiply-add of the Winograd engine, relative to a direct kernel's
_TRANSFORMED = 1.0  # cycles for an element of a transformed window, or of the products of a tile
_TRANSFORMED_WEIGHT = 1.2  # cycles for a transformed weight
_FETCHED_WEIGHT = 5.0  # cycles for a weight that is going to be transformed
_WRITTEN = 2.0  # cycles for an element of the arrays, which the Winograd engine reaches by tables
_BLAS = 1.4  # time of BLAS for a multiply-add in a tile's small product, relative to a direct kernel's
_COLUMN = 1.2  # cycles for an element of the column matrix
_BLAS_WEIGHT = 1.2
_BLAS_ELEMENT = 2.0
_SUM = 2.2  # the like of _BLAS in a filter gradient, whose products are long sums
_SUM_COLUMN = 3.0
_SUM_COARSE = 2.9  # cycles for a packed element of the coarse array
_SUM_WEIGHT = 21.0  # cycles for an element of the result


def choose(problem: Problem, data_map: Map, order: Order, isa: str) -> tuple[Engine, Any]:
    """The engine of a map, and its plan.

    Raises
    ------
    ValueError
        ``CONVT_CPU_ALGORITHM`` names no engine.
    """
    forced = variable(b"CONVT_CPU_ALGORITHM")
    if forced is None:
        return _cheapest(problem, data_map, order, isa)
    if forced not in ENGINES:
        raise ValueError(f"CONVT_CPU_ALGORITHM must be one of {', '.join(ENGINES)}, got {forced!r}")
    return _forced(forced, problem, data_map, order, isa)


@lru_cache(maxsize=1024)
def _cheapest(problem: Problem, data_map: Map, order: Order, isa: str) -> tuple[Engine, Any]:
    able = [(engine, engine.plan(problem, data_map, order, isa)) for engine in ENGINES.values()]
    return min(
        ((engine, plan) for engine, plan in able if plan is not None),
        key=lambda pair: pair[0].cycles(pair[1], problem, isa),
    )


@lru_cache(maxsize=1024)
def _forced(name: str, problem: Problem, data_map: Map, order: Order, isa: str) -> tuple[Engine, Any]:
    plan = ENGINES[name].plan(problem, data_map, order, isa)
    return (FALLBACK, FALLBACK.plan(problem, data_map, order, isa)) if plan is None else (ENGINES[name], plan)


def _direct_cycles(plan: DirectPlan, problem: Problem, isa: str) -> float:
    packing = plan.packed * _PACKED + prod(problem.kernel_array_shape) * _WEIGHT
    return plan.multiply_adds / _per_cycle(problem, isa) + packing + _elements(problem) * _ELEMENT


def _depthwise_cycles(plan: DepthwisePlan, problem: Problem, isa: str) -> float:
    several = min(problem.coarse_channels, problem.fine_channels) > problem.groups
    load = _LOADED_AGAIN if several else _LOADED
    return load * plan.multiply_adds / _per_cycle(problem, isa) + _elements(problem) * _COPIED


def _correlate_cycles(plan: CorrelatePlan, problem: Problem, isa: str) -> float:
    return plan.tables.cycles
def _winograd_cycles(plan: WinogradPlan, problem: Problem, isa: str) -> float:
    weights = plan.weights * _TRANSFORMED_WEIGHT + plan.waves * prod(problem.kernel_array_shape) * _FETCHED_WEIGHT
    products = plan.multiply_adds * _FREQUENCY / _per_cycle(problem, isa)
    return products + plan.transformed * _TRANSFORMED + weights + _elements(problem) * _WRITTEN


def _im2col_cycles(plan: im2col.Plan, problem: Problem, isa: str) -> float:
    if plan.data_map == "correlate":
        return _im2col_sum_cycles(plan, problem)
    columns = problem.batch * prod(problem.coarse_shape) * problem.fine_channels * prod(problem.kernel_shape)
    # BLAS chooses its own instruction set, the best one.
    products = plan.multiply_adds * _BLAS / _per_cycle(problem, available()[0])
    copying = columns * _COLUMN + prod(problem.kernel_array_shape) * _BLAS_WEIGHT
    return products + copying + _elements(problem) * _BLAS_ELEMENT


def _im2col_sum_cycles(plan: im2col.Plan, problem: Problem) -> float:
    """Of correlate, which packs both operands again for every block of the kernel."""
    positions = problem.batch * prod(problem.coarse_shape)
    rows = problem.fine_channels * prod(problem.kernel_shape)
    packed_columns = positions * rows * -(-problem.coarse_channels // problem.groups // plan.tiling.channels)
    packed_coarse = positions * problem.coarse_channels * -(-rows // problem.groups // plan.tiling.rows)
    products = plan.multiply_adds * _SUM / _per_cycle(problem, available()[0])
    copying = packed_columns * _SUM_COLUMN + packed_coarse * _SUM_COARSE
    return products + copying + prod(problem.kernel_array_shape) * _SUM_WEIGHT


def _elements(problem: Problem) -> int:
    """Of the fine and the coarse array."""
    return prod(problem.fine_array_shape) + prod(problem.coarse_array_shape)


def _per_cycle(problem: Problem, isa: str) -> int:
    """Multiply-adds of one core."""
    return 2 * vector_length(isa, problem.dtype.itemsize)


ENGINES = {
    "direct": Engine(direct_plan, run_direct, _direct_cycles),
    "depthwise": Engine(depthwise_plan, run_depthwise, _depthwise_cycles),
    "correlate": Engine(correlate_plan, run_correlate, _correlate_cycles),
    "winograd": Engine(winograd_plan, run_winograd, _winograd_cycles),
    "im2col": Engine(im2col.plan, im2col.run, _im2col_cycles),
}
FALLBACK = ENGINES["im2col"]  # can do everything
