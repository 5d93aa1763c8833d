"""The cost model: what a map costs with each engine, in cycles of one core. All its constants are fitted to measured times.

An engine pays for its multiply-adds, relative to those of a direct kernel, and for what it does besides:

- direct computes whole strips, halos included, and packs its input and the weights;
- winograd multiplies less, but transforms windows of its input, its results and the weights;
- depthwise packs only its input, but loads a vector for every multiply-add;
- cells pads cells to whole vectors, and writes rows of a stride's length;
- thin leaves the weights where they lie, and adds up columns or makes them;
- windows packs its input once per task, fills rows of filters up to whole vectors, and adds up the lanes of each result;
- correlate and winograd_correlate count for themselves, in their ``_plan.pyx``, where the sizes of strips are at hand;
- im2col computes what is needed, but writes and reads the column matrix, and calls BLAS with small matrices.

What is moved costs by its bytes: the constants are those of elements of 4 bytes.

Engines for special problems say first, by a rule of thumb, whether a problem is one: that takes less time than a plan.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from ._kernels import vector_length
from .isa import available
from .sizes import ceil_div

if TYPE_CHECKING:
    from convt.problem import Problem

    from . import im2col
    from .cells._engine import CellsPlan
    from .correlate._plan import CorrelatePlan
    from .depthwise._plan import DepthwisePlan
    from .direct._plan import DirectPlan
    from .engine import Map
    from .thin._engine import ThinPlan
    from .windows._engine import WindowsPlan
    from .winograd._plan import WinogradPlan
    from .winograd_correlate._plan import WinogradCorrelatePlan

__all__ = [
    "cells_cycles",
    "cells_suits",
    "correlate_cycles",
    "depthwise_cycles",
    "depthwise_suits",
    "direct_cycles",
    "im2col_cycles",
    "thin_cycles",
    "thin_suits",
    "windows_cycles",
    "windows_suits",
    "winograd_cycles",
    "winograd_suits",
]

_DIRECT_PACKED = 0.6  # for an element of a packed strip
_DIRECT_AGAIN = 0.35  # for one that a pass reads from far away
_DIRECT_WEIGHT = 2.2  # for a packed weight, which comes from far away
_DIRECT_ELEMENT = 1.3  # for an element of the arrays


def direct_cycles(plan: DirectPlan, problem: Problem, isa: str) -> float:
    packing = plan.packed * _DIRECT_PACKED + plan.read_again * _DIRECT_AGAIN + _weights(problem) * _DIRECT_WEIGHT
    moving = packing + _elements(problem) * _DIRECT_ELEMENT
    return plan.multiply_adds / _per_cycle(problem, isa) + moving * _words(problem)


_WINOGRAD_SUM = 1.25  # time of a multiply-add
_WINOGRAD_WINDOW = 0.6  # for an element of a transformed window, or of the products of a tile
_WINOGRAD_WEIGHT = 1.2  # for a transformed weight
_WINOGRAD_FETCHED = 5.0  # for a weight that is going to be transformed
_WINOGRAD_ELEMENT = 2.0  # for an element of the arrays, which are reached by tables
_WINOGRAD_CHANNELS = 16  # on either side, so that products outweigh transforms


def winograd_suits(problem: Problem, data_map: Map) -> bool:
    return min(problem.coarse_channels, problem.fine_channels) >= _WINOGRAD_CHANNELS * problem.groups


def winograd_cycles(plan: WinogradPlan, problem: Problem, isa: str) -> float:
    products = plan.multiply_adds * _WINOGRAD_SUM / _per_cycle(problem, isa)
    weights = plan.weights * _WINOGRAD_WEIGHT + plan.waves * _weights(problem) * _WINOGRAD_FETCHED
    moving = weights + plan.transformed * _WINOGRAD_WINDOW + _elements(problem) * _WINOGRAD_ELEMENT
    return products + moving * _words(problem)


_DEPTHWISE_SUM = 1.5  # time of a multiply-add
_DEPTHWISE_SUM_OF_MANY = {"scatter": 3.2, "gather": 3.2, "correlate": 5.5}  # where direct kernels would share loads
_DEPTHWISE_FEW = 8  # channels of one side of a group, if the other side has one
_DEPTHWISE_ELEMENT = 0.9
_DEPTHWISE_WORK = 2**17  # multiply-adds of a problem that is worth its tables


def depthwise_suits(problem: Problem, data_map: Map) -> bool:
    return problem.batch * prod(problem.coarse_shape) * _weights(problem) >= _DEPTHWISE_WORK


def depthwise_cycles(plan: DepthwisePlan, problem: Problem, isa: str) -> float:
    fewer, more = sorted((problem.coarse_channels // problem.groups, problem.fine_channels // problem.groups))
    many = fewer > 1 or more > _DEPTHWISE_FEW
    load = _DEPTHWISE_SUM_OF_MANY[plan.data_map] if many else _DEPTHWISE_SUM
    sums = load * plan.multiply_adds / _per_cycle(problem, isa)
    return sums + _elements(problem) * _DEPTHWISE_ELEMENT * _words(problem)


_CELLS_PACKED = 0.5  # for an element that is packed in rows
_CELLS_ROW = 10.0  # for each row of a cell
_CELLS_STRIDE = 4


def cells_suits(problem: Problem, data_map: Map) -> bool:
    return data_map == "scatter" and max(problem.stride) >= _CELLS_STRIDE


def cells_cycles(plan: CellsPlan, problem: Problem, isa: str) -> float:
    moving = plan.tables.packed * _CELLS_PACKED + plan.tables.rows * _CELLS_ROW
    return plan.multiply_adds / _per_cycle(problem, isa) + moving * _words(problem)


_THIN_SUM = {"scatter": 1.2, "gather": 2.0, "correlate": 1.15}  # time of a multiply-add
_THIN_MOVED = 1.0  # for an element of columns that is gathered or added up
_THIN_WEIGHT = 0.8  # for a weight that is read or written where it lies
_THIN_POSITIONS = {"scatter": 128, "gather": 1024, "correlate": 256}  # at most,
_THIN_WEIGHTS = 2**18  # and at least


def thin_suits(problem: Problem, data_map: Map) -> bool:
    if problem.groups > 1 or _weights(problem) < _THIN_WEIGHTS:
        return False
    return problem.batch * prod(problem.coarse_shape) <= _THIN_POSITIONS[data_map]


def thin_cycles(plan: ThinPlan, problem: Problem, isa: str) -> float:
    tables = plan.tables
    sums = plan.multiply_adds * _THIN_SUM[tables.data_map] / _per_cycle(problem, isa)
    streaming = _weights(problem) * _THIN_WEIGHT + _elements(problem) * _DIRECT_ELEMENT
    return sums + (streaming + tables.moved * _THIN_MOVED) * _words(problem)


_WINDOWS_SUM = 1.1  # time of a multiply-add
_WINDOWS_PACKED = 0.3  # for an element of a packed row or filter
_WINDOWS_RESULT = 8.0  # for the sum of a vector's lanes
_WINDOWS_KERNEL = 8  # elements of a row of a filter, at least


def windows_suits(problem: Problem, data_map: Map) -> bool:
    return data_map == "gather" and max(problem.kernel_shape) >= _WINDOWS_KERNEL


def windows_cycles(plan: WindowsPlan, problem: Problem, isa: str) -> float:
    sums = plan.multiply_adds * _WINDOWS_SUM / _per_cycle(problem, isa) + prod(problem.coarse_array_shape) * _WINDOWS_RESULT
    return sums + plan.tables.packed * _WINDOWS_PACKED * _words(problem)


def correlate_cycles(plan: CorrelatePlan | WinogradCorrelatePlan, problem: Problem, isa: str) -> float:
    return plan.cycles


_IM2COL_SUM = 2.0  # time of BLAS for a multiply-add in a tile's small product
_IM2COL_COLUMN = 1.2  # for an element of the column matrix
_IM2COL_WEIGHT = 1.2
_IM2COL_ELEMENT = 2.0
_IM2COL_LONG_SUM = 2.2  # the same in correlate, whose products are long sums
_IM2COL_LONG_COLUMN = 3.0
_IM2COL_LONG_COARSE = 2.9  # for a packed element of the coarse array
_IM2COL_LONG_WEIGHT = 21.0  # for an element of the result


def im2col_cycles(plan: im2col.Plan, problem: Problem, isa: str) -> float:
    # BLAS chooses its own instruction set, the best one.
    multiply_adds = plan.multiply_adds / _per_cycle(problem, available()[0])
    positions = problem.batch * prod(problem.coarse_shape)
    rows = problem.fine_channels * prod(problem.kernel_shape)
    if plan.data_map == "correlate":
        # Both operands are packed again for every block of the kernel.
        columns = positions * rows * ceil_div(problem.coarse_channels // problem.groups, plan.channels)
        coarse = positions * problem.coarse_channels * ceil_div(rows // problem.groups, plan.rows)
        packing = columns * _IM2COL_LONG_COLUMN + coarse * _IM2COL_LONG_COARSE
        moving = packing + _weights(problem) * _IM2COL_LONG_WEIGHT
        return multiply_adds * _IM2COL_LONG_SUM + moving * _words(problem)
    copying = positions * rows * _IM2COL_COLUMN + _weights(problem) * _IM2COL_WEIGHT
    return multiply_adds * _IM2COL_SUM + (copying + _elements(problem) * _IM2COL_ELEMENT) * _words(problem)


def _weights(problem: Problem) -> int:
    return problem.coarse_channels * (problem.fine_channels // problem.groups) * prod(problem.kernel_shape)


def _elements(problem: Problem) -> int:
    """Of the fine and the coarse array."""
    fine, coarse = prod(problem.fine_shape), prod(problem.coarse_shape)
    return problem.batch * (problem.fine_channels * fine + problem.coarse_channels * coarse)


def _words(problem: Problem) -> float:
    """The size of an element, in units of 4 bytes."""
    return problem.dtype.itemsize / 4


def _per_cycle(problem: Problem, isa: str) -> int:
    """Multiply-adds of one core."""
    return 2 * vector_length(isa, problem.dtype.itemsize)
