"""Which kernels run, in what grid, and what they cost: the cost model of our own engines, in one place.

Costs count multiply-adds, those on padding included, at the rate of a full tile, and what is moved between memory and the
GPU more often than once. They are estimates: nothing was measured. All sizes follow from the problem and the strides, so
that results keep their bits from one device to the next, but for those of tensor cores. `storage` is the arrays' type in
memory, and part of the kernels' names; the workspace holds sums, which have the problem's dtype.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd, prod
from typing import TYPE_CHECKING

from ..engine import Launch, Launches, Map, Strides
from .parameters import Parameters, correlation, reduction, scatter_or_gather, sum_of_channels

if TYPE_CHECKING:
    from convt.problem import Problem

__all__ = ["channel_sums_plan", "direct_plan", "tensor_plan", "tile_plan"]

_DEPTH = 8  # channels that a tile reads at a time
_TILES: dict[str, tuple[tuple[int, int], ...]] = {
    "float16": ((64, 64),),
    "bfloat16": ((64, 64),),
    "float32": ((64, 64), (32, 128), (128, 128)),
    "float64": ((64, 64), (32, 128)),
}
_TENSOR_TILES = ((64, 64), (128, 128))
_LARGEST_GRID = 2**31 - 1
_ENOUGH_BLOCKS = 512  # to keep a large GPU busy

_TILE_RATE = {(64, 64): 1.5, (32, 128): 1.8, (128, 128): 1.0}  # small tiles load more for a multiply-add
_TENSOR_RATE = {(64, 64): 0.8, (128, 128): 0.4}
_DIRECT_RATE = {1: 12.0, 4: 5.0}  # by outputs of a thread
_CORRELATE_RATE = {(64, 64): 2.0}
_CORRELATE_TENSOR_RATE = {(64, 64): 1.2, (128, 128): 0.7}  # both read each input once per tap
_CORRELATE_DIRECT_RATE = 24.0
_START = 500_000.0  # a launch, in multiply-adds
_BYTE = 10.0  # one that is moved: about what a large GPU multiplies and adds in the time it takes
_SECTOR = 32  # bytes that memory moves at once


def tile_plan(problem: Problem, data_map: Map, strides: Strides, storage: str) -> Launches | None:
    """Implicit matrix products: phase by phase, or of cells."""
    if data_map == "correlate":
        return _correlate_tile(problem, strides, storage, 64, 64)
    return _cheapest(form(problem, data_map, strides, storage, *size) for form in _FORMS for size in _TILES[storage])


def tensor_plan(problem: Problem, data_map: Map, strides: Strides, storage: str) -> Launches | None:
    """Implicit matrix products by tensor cores, where there are such and factors are short enough or may be rounded."""
    if storage == "float64":
        return None
    if data_map == "correlate":
        return _cheapest(_correlate_tile(problem, strides, storage, *size, tensor=True) for size in _TENSOR_TILES)
    return _cheapest(
        form(problem, data_map, strides, storage, *size, tensor=True) for form in _FORMS for size in _TENSOR_TILES
    )


def direct_plan(problem: Problem, data_map: Map, strides: Strides, storage: str) -> Launches:
    """Every problem, without tiles."""
    if data_map == "correlate":
        return _correlate_direct(problem, strides, storage)
    outputs = _channels(problem, data_map)[1]
    size = problem.fine_shape if data_map == "scatter" else problem.coarse_shape
    many = 4 if outputs > 1 else 1
    items = problem.batch * problem.groups * _up(outputs, many) * prod(size)
    kernel = f"{data_map}_direct{many}_{_densest(strides[2])}_{storage}"
    launch = _launch(kernel, _grid(items), scatter_or_gather(problem, data_map == "scatter", strides))
    work = _multiply_adds(problem) * (_up(outputs, many) * many / outputs)
    return Launches((launch,), 0, _START + work * _DIRECT_RATE[many])


def channel_sums_plan(shape: tuple[int, ...], strides: tuple[int, ...], sums_stride: int, storage: str) -> Launches:
    """The sum of each channel: parts of it, then those together."""
    elements = shape[0] * prod(shape[2:])
    splits, per_split = _split(elements, 4096, shape[1], 1)
    sums = _launch(f"channel_sums_{storage}", shape[1] * splits, sum_of_channels(shape, strides, splits, per_split))
    total = _launch(f"add_parts_{storage}", _grid(shape[1]), reduction((shape[1],), (sums_stride,), splits))
    return Launches((sums, total), splits * shape[1] * _SUM_BYTES[storage], float(elements * shape[1]))


def _tile(
    problem: Problem, data_map: Map, strides: Strides, storage: str, rows: int, columns: int, tensor: bool = False
) -> Launches | None:
    inputs, outputs = _channels(problem, data_map)
    row_tiles = _up(outputs, rows)
    beside = _taps_beside(problem, data_map, strides)
    depth = _up(inputs * beside, _DEPTH) * _DEPTH
    if data_map == "scatter":
        phases = prod(min(s, f) for s, f in zip(problem.stride, problem.fine_shape, strict=True))
        per_phase = problem.batch * prod(_up(f, s) for s, f in zip(problem.stride, problem.fine_shape, strict=True))
    else:
        phases, per_phase = 1, problem.batch * prod(problem.coarse_shape)
    column_tiles = _up(per_phase, columns)
    blocks = row_tiles * column_tiles * problem.groups * phases
    if blocks > _LARGEST_GRID:
        return None
    taps = prod(problem.kernel_shape) // beside  # each, or so many together, belongs to one phase of each axis
    packed = problem.groups * taps * depth * row_tiles * rows
    parameters = scatter_or_gather(problem, data_map == "scatter", strides, (row_tiles, column_tiles), beside)
    name, form = f"{rows}x{columns}", "channels" if beside > 1 else _densest(strides[0])
    launches = (
        _launch(f"pack_{name}_{storage}", _grid(packed), parameters),
        _launch(f"{data_map}_{'tensor' * tensor}{name}_{form}_{storage}", blocks, parameters),
    )
    work = row_tiles * rows * column_tiles * columns * problem.groups * depth * taps
    rate = (_TENSOR_RATE if tensor else _TILE_RATE)[rows, columns]
    cost = 2 * _START + packed + work * rate * max(1.0, _ENOUGH_BLOCKS / 4 / blocks)
    cost += _moved_again(problem, data_map, strides, storage, beside) * _BYTE
    return Launches(launches, packed * problem.dtype.itemsize, cost)


def _taps_beside(problem: Problem, data_map: Map, strides: Strides) -> int:
    """How many taps of the last axis are taken together, so that what lies between the strides is not skipped."""
    if data_map == "scatter" or problem.stride[-1] == 1 or _densest(strides[0]) == "channels":
        return 1
    return gcd(problem.kernel_shape[-1], _DEPTH)


def _moved_again(problem: Problem, data_map: Map, strides: Strides, storage: str, beside: int) -> int:
    """Bytes that phases move more often than once: stride by stride in what is fine, all of the coarse array each."""
    size = _BYTES[storage]
    fine, stride = strides[2] if data_map == "scatter" else strides[0], min(problem.stride[-1], problem.fine_shape[-1])
    bytes_again = 0
    if _densest(fine) == "pixels":
        times = min(_up(stride, beside), max(1, _SECTOR // size))
        bytes_again += (times - 1) * prod(problem.fine_array_shape) * size
    if data_map == "scatter":
        passes = prod(map(min, problem.stride, problem.kernel_shape, problem.fine_shape))
        bytes_again += (passes - 1) * prod(problem.coarse_array_shape) * size
    return bytes_again


def _cells(
    problem: Problem, data_map: Map, strides: Strides, storage: str, rows: int, columns: int, tensor: bool = False
) -> Launches | None:
    """Scatter where the kernel is as large as the stride: one product for all taps, of the weights as they lie."""
    if data_map != "scatter" or problem.kernel_shape != problem.stride or not _taps_touch(problem):
        return None
    inputs, outputs = _channels(problem, data_map)
    line = problem.kernel_shape[-1] if _densest(strides[2]) == "pixels" else 0
    if line > rows:
        return None
    row_tiles = _up(outputs * prod(problem.kernel_shape), rows // line * line if line else rows)
    column_tiles = _up(problem.batch * prod(_cells_of(problem)), columns)
    blocks = row_tiles * column_tiles * problem.groups
    if blocks > _LARGEST_GRID:
        return None
    kernel = f"scatter_cells_{'tensor' * tensor}{rows}x{columns}_{_densest(strides[0])}_{storage}"
    launch = _launch(kernel, blocks, scatter_or_gather(problem, True, strides, (row_tiles, column_tiles), line=line))
    work = row_tiles * rows * column_tiles * columns * problem.groups * _up(inputs, _DEPTH) * _DEPTH
    rate = (_TENSOR_RATE if tensor else _TILE_RATE)[rows, columns]
    return Launches((launch,), 0, _START + work * rate * max(1.0, _ENOUGH_BLOCKS / 4 / blocks))


def _taps_touch(problem: Problem) -> bool:
    return all(d == 1 or k == 1 for d, k in zip(problem.dilation, problem.kernel_shape, strict=True))


def _cells_of(problem: Problem) -> tuple[int, ...]:
    """How many cells the fine array meets along each axis, also beyond the coarse array."""
    return tuple(
        (f - 1 + p) // s - p // s + 1 for f, p, s in zip(problem.fine_shape, problem.padding, problem.stride, strict=True)
    )


def _correlate_tile(
    problem: Problem, strides: Strides, storage: str, rows: int, columns: int, tensor: bool = False
) -> Launches | None:
    fine, coarse = problem.fine_channels // problem.groups, problem.coarse_channels // problem.groups
    tiles = _up(coarse, rows) * _up(fine * prod(problem.kernel_shape), columns) * problem.groups
    positions = problem.batch * prod(problem.coarse_shape)
    splits, per_split = _split(positions, 256, tiles, 16)
    if tiles * splits > _LARGEST_GRID:
        return None
    rate = (_CORRELATE_TENSOR_RATE if tensor else _CORRELATE_RATE)[rows, columns]
    work = tiles * rows * columns * positions * rate * max(1.0, _ENOUGH_BLOCKS / 4 / (tiles * splits))
    kernel = f"correlate_{'tensor' * tensor}{rows}x{columns}_{storage}"
    return _in_parts(problem, strides, storage, kernel, tiles * splits, splits, per_split, work)


def _correlate_direct(problem: Problem, strides: Strides, storage: str) -> Launches:
    weights = prod(problem.kernel_array_shape)
    positions = problem.batch * prod(problem.coarse_shape)
    splits, per_split = _split(positions, 4096, weights, 1)
    work = weights * max(positions, 256) * _CORRELATE_DIRECT_RATE
    kernel = f"correlate_direct_{storage}"
    return _in_parts(problem, strides, storage, kernel, min(weights * splits, _LARGEST_GRID), splits, per_split, work)


def _in_parts(
    problem: Problem,
    strides: Strides,
    storage: str,
    kernel: str,
    blocks: int,
    splits: int,
    per_split: int,
    work: float,
) -> Launches:
    """One kernel where the positions are not split; else the parts go to the workspace and are added up."""
    out = "out" if splits == 1 else "work"
    launch = _launch(kernel, blocks, correlation(problem, strides, out, splits, per_split))
    if splits == 1:
        return Launches((launch,), 0, _START + work)
    shape = problem.kernel_array_shape
    total = _launch(f"add_parts_{storage}", _grid(prod(shape)), reduction(shape, strides[2], splits))
    return Launches((launch, total), splits * prod(shape) * problem.dtype.itemsize, 2 * _START + work)


def _split(length: int, least: int, blocks: int, step: int) -> tuple[int, int]:
    """Into how many parts a sum is cut, and their length: enough for all of the GPU, none too short to be worth a block."""
    wanted = max(1, min(_up(_ENOUGH_BLOCKS, blocks), length // least))
    per_split = _up(_up(length, wanted), step) * step
    return _up(length, per_split), per_split


def _channels(problem: Problem, data_map: Map) -> tuple[int, int]:
    """Inputs and outputs of a group."""
    fine, coarse = problem.fine_channels // problem.groups, problem.coarse_channels // problem.groups
    return (coarse, fine) if data_map == "scatter" else (fine, coarse)


def _densest(strides: tuple[int, ...]) -> str:
    """Along what neighbouring threads should go."""
    return "channels" if abs(strides[1]) < abs(strides[-1]) else "pixels"


def _multiply_adds(problem: Problem) -> int:
    """Of any of the three maps, borders included."""
    taps, positions = prod(problem.kernel_shape), problem.batch * prod(problem.coarse_shape)
    return positions * problem.coarse_channels * (problem.fine_channels // problem.groups) * taps


def _grid(items: int) -> int:
    return min(_up(items, 256), _LARGEST_GRID)


def _launch(kernel: str, blocks: int, parameters: Parameters) -> Launch:
    return Launch(kernel, min(blocks, _LARGEST_GRID), parameters.values, parameters.pointers)


def _up(a: int, b: int) -> int:
    return -(-a // b)


def _cheapest(plans: Iterable[Launches | None]) -> Launches | None:
    return min((plan for plan in plans if plan is not None), key=lambda plan: plan.cost, default=None)


_FORMS = (_tile, _cells)
_BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}
_SUM_BYTES = {"float16": 4, "bfloat16": 4, "float32": 4, "float64": 8}
