"""Which engine computes a map: the list of engines and the cost model, in one place.

Costs are counted in cycles of one core. The direct engine computes whole strips, halos included, and packs its input and
the weights; the im2col engine computes what is needed, but writes and reads the column matrix, and leaves the products to
BLAS, which is called with small matrices. The cells engine pads cells, and the thin engine filters to whole vectors; the
first writes rows of a stride's length, the second adds columns up or makes them. ``CONVT_CPU_ALGORITHM`` forces one for all
that it can do; the rest goes to im2col.
"""

from __future__ import annotations

from functools import lru_cache
from math import inf, prod
from typing import TYPE_CHECKING, Any

from . import im2col
from ._environment import variable
from ._kernels import vector_length
from .cells._engine import run as run_cells
from .cells.plan import cells_plan
from .direct._engine import run as run_direct
from .direct.plan import direct_plan
from .engine import Engine, Map, Order
from .isa import available
from .thin._engine import run as run_thin
from .thin.plan import thin_plan

if TYPE_CHECKING:
    from convt.problem import Problem

    from .cells._engine import CellsPlan
    from .direct._engine import DirectPlan
    from .thin._engine import ThinPlan

__all__ = ["ENGINES", "FALLBACK", "choose"]

_PACKED = 1.0  # cycles for an element of a packed strip
_WEIGHT = 2.2  # cycles for a packed weight, which comes from far away
_ELEMENT = 1.3  # cycles for an element of the arrays
_BLAS = 1.4  # time of BLAS for a multiply-add in a tile's small product, relative to a direct kernel's
_COLUMN = 1.2  # cycles for an element of the column matrix
_BLAS_WEIGHT = 1.2
_BLAS_ELEMENT = 2.0
_COPIED = 0.5  # cycles for an element that is packed in rows
_ROW = 10.0  # cycles for each row of a cell
_MOVED = 1.0  # cycles for an element of columns that is gathered or added up
_THIN = {"scatter": 1.2, "gather": 1.6, "correlate": 1.15}  # its time for a multiply-add, likewise
_FEW = {"scatter": 64, "gather": 1024, "correlate": 256}  # positions up to which the thin engine has been measured
_MANY = 2**18  # weights from which on it has
_STREAMED = 0.2  # cycles for a byte of weights that is read or written where it lies


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


def _im2col_cycles(plan: im2col.Plan, problem: Problem, isa: str) -> float:
    columns = problem.batch * prod(problem.coarse_shape) * problem.fine_channels * prod(problem.kernel_shape)
    # BLAS chooses its own instruction set, the best one.
    products = plan.multiply_adds * _BLAS / _per_cycle(problem, available()[0])
    copying = columns * _COLUMN + prod(problem.kernel_array_shape) * _BLAS_WEIGHT
    return products + copying + _elements(problem) * _BLAS_ELEMENT


def _elements(problem: Problem) -> int:
    """Of the fine and the coarse array."""
    return prod(problem.fine_array_shape) + prod(problem.coarse_array_shape)


def _cells_cycles(plan: CellsPlan, problem: Problem, isa: str) -> float:
    return plan.multiply_adds / _per_cycle(problem, isa) + plan.tables.packed * _COPIED + plan.tables.rows * _ROW


def _thin_cycles(plan: ThinPlan, problem: Problem, isa: str) -> float:
    tables, count = plan.tables, prod(problem.kernel_array_shape)
    if problem.groups > 1 or count < _MANY or tables.positions > _FEW[tables.data_map]:
        return inf
    weights = count * problem.dtype.itemsize
    copying = plan.tables.moved * _MOVED + weights * _STREAMED + _elements(problem) * _ELEMENT
    return plan.multiply_adds * _THIN[plan.tables.data_map] / _per_cycle(problem, isa) + copying


def _per_cycle(problem: Problem, isa: str) -> int:
    """Multiply-adds of one core."""
    return 2 * vector_length(isa, problem.dtype.itemsize)


ENGINES = {
    "direct": Engine(direct_plan, run_direct, _direct_cycles),
    "cells": Engine(cells_plan, run_cells, _cells_cycles),
    "thin": Engine(thin_plan, run_thin, _thin_cycles),
    "im2col": Engine(im2col.plan, im2col.run, _im2col_cycles),
}
FALLBACK = ENGINES["im2col"]  # can do everything
