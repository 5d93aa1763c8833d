"""How a map is cut into tiles and tasks: the cost model of the im2col engine, in one place.

Everything here follows from the problem alone, never from the number of threads, so that results keep their bits. A tile's
column buffer stays in a core's L2 cache; the buffers of `_maps.pyx` have these sizes per thread::

    columns   rows x pixels        pixels   channels x pixels        panel   channels x rows
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from ..sizes import ceil_div
from ._plan import Plan

if TYPE_CHECKING:
    from convt.problem import Problem

__all__ = ["Tiling", "correlate_plan", "gather_plan", "scatter_plan"]

_COLUMNS = 256 * 1024  # bytes
_OPERAND = 512 * 1024  # bytes, of pixels and of a panel
_TILE_PIXELS = 256
_TILE_CHANNELS = 512
_TASKS = 16  # enough to keep some cores busy to the end; more would read the same data more often


class Tiling(NamedTuple):
    """Sizes of tiles and of tasks.

    Attributes
    ----------
    rows, pixels, channels : int
        Of a tile: (fine channel, tap) pairs, coarse positions, coarse channels per group.
    tasks : int
        Parallel pieces of work.
    multiply_adds : int
        Of the whole map, borders included.
    fine_block, images, part_axis, parts : int
        Of a scatter task: fine channels, images, and one of so many parts of the fine array along an axis.
    splits : int
        Of a correlate: partial sums over the coarse positions, added up in the end.
    """

    rows: int
    pixels: int
    channels: int
    tasks: int
    multiply_adds: int
    fine_block: int = 1
    images: int = 1
    part_axis: int = 0
    parts: int = 1
    splits: int = 1


@lru_cache(maxsize=1024)
def scatter_plan(problem: Problem, order: tuple[int, ...]) -> Plan:
    """Tasks own fine channels of some images, or of a part of one image."""
    fine, _coarse, taps = _per_group(problem)
    positions = prod(problem.coarse_shape)
    images = min(problem.batch, ceil_div(_TILE_PIXELS, positions))
    rows, pixels, channels = _tile(problem, images * positions)
    fine_block = min(fine, max(1, rows // taps))
    tasks = problem.groups * ceil_div(fine, fine_block) * ceil_div(problem.batch, images)
    part_axis, parts = _parts(problem, order, ceil_div(_TASKS, tasks))
    tiling = Tiling(rows, pixels, channels, tasks * parts, _multiply_adds(problem), fine_block, images, part_axis, parts)
    return Plan("scatter", problem, order, tiling)


@lru_cache(maxsize=1024)
def gather_plan(problem: Problem, order: tuple[int, ...]) -> Plan:
    """Tasks own a tile of coarse positions and some of their channels."""
    _fine, coarse, _taps = _per_group(problem)
    positions = problem.batch * prod(problem.coarse_shape)
    rows, pixels, channels = _tile(problem, positions)
    tiles = ceil_div(positions, pixels)
    # Fewer channels per task mean more tasks, each of which gathers the same columns again.
    channels = min(channels, max(128, ceil_div(coarse, ceil_div(_TASKS, problem.groups * tiles))))
    tasks = problem.groups * ceil_div(coarse, channels) * tiles
    return Plan("gather", problem, order, Tiling(rows, pixels, channels, tasks, _multiply_adds(problem)))


@lru_cache(maxsize=1024)
def correlate_plan(problem: Problem, order: tuple[int, ...]) -> Plan:
    """Tasks own a block of the kernel, or a partial sum of one."""
    fine, coarse, taps = _per_group(problem)
    positions = problem.batch * prod(problem.coarse_shape)
    rows, pixels, channels = _tile(problem, positions)
    channels = min(channels, 256)
    blocks = problem.groups * ceil_div(coarse, channels) * ceil_div(fine * taps, rows)
    splits = min(ceil_div(_TASKS, blocks), ceil_div(positions, pixels))
    tiling = Tiling(rows, pixels, channels, blocks * splits, _multiply_adds(problem), splits=splits)
    return Plan("correlate", problem, order, tiling)


def _tile(problem: Problem, positions: int) -> tuple[int, int, int]:
    """Rows, pixels and channels of a tile: few of the one leave room for more of the other."""
    fine, coarse, taps = _per_group(problem)
    size = problem.dtype.itemsize
    channels = min(coarse, _TILE_CHANNELS)
    pixels = min(positions, _TILE_PIXELS)
    rows = min(fine * taps, _COLUMNS // size // pixels, _OPERAND // size // channels)
    pixels = min(positions, _COLUMNS // size // rows, _OPERAND // size // channels)
    return rows, pixels, channels


def _parts(problem: Problem, order: tuple[int, ...], wanted: int) -> tuple[int, int]:
    """The axis along which scatter cuts the fine array, and in how many parts.

    Neighbouring parts both compute the coarse elements that reach into both; these stay below a quarter of a part.
    """
    index = next((i for i, axis in enumerate(order) if problem.coarse_shape[axis] > 1), len(order) - 1)
    axis = order[index]
    shared = (problem.kernel_shape[axis] - 1) * problem.dilation[axis] // problem.stride[axis]
    most = min(problem.coarse_shape[axis] // max(1, 4 * shared), problem.fine_shape[axis])
    return index, max(1, min(wanted, most))


def _multiply_adds(problem: Problem) -> int:
    """The multiplications of any of the three maps, borders included."""
    return (
        problem.batch
        * problem.coarse_channels
        * (problem.fine_channels // problem.groups)
        * prod(problem.coarse_shape)
        * prod(problem.kernel_shape)
    )


def _per_group(problem: Problem) -> tuple[int, int, int]:
    groups = problem.groups
    return problem.fine_channels // groups, problem.coarse_channels // groups, prod(problem.kernel_shape)
