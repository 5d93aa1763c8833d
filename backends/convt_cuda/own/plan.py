"""Which kernels of our own can compute a map, and in what grid; `cost.py` says what they take.

All sizes follow from the problem and the strides, so that a plan's results keep their bits from one device to the next,
but for those of tensor cores. `storage` is the arrays' type in memory, and part of the kernels' names; the workspace
holds sums, which have the problem's dtype.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd, prod
from typing import TYPE_CHECKING

from ..counts import fits_int
from ..engine import Launches, Map, Strides
from ..launch import Launch
from . import cost
from .parameters import Parameters, correlation, dense_strides, reduction, scatter_or_gather, sum_of_channels

if TYPE_CHECKING:
    from convt.backend import Problem

__all__ = ["channel_sums_plan", "direct_plans", "guard_plan", "tensor_plans", "tile_plans"]

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
_THREADS = 256  # of a block
_REPEAT = 4  # REPEAT of kernels/direct.cuh
_INT = 2**30
_MOST_DIRECT_BLOCKS = 4096  # which do several pieces each

_SECTOR = 32  # bytes that memory moves at once


def tile_plans(problem: Problem, data_map: Map, strides: Strides, storage: str) -> Iterator[Launches]:
    """Implicit matrix products: phase by phase, or of cells."""
    return _products(problem, data_map, strides, storage, _TILES[storage], tensor=False)


def tensor_plans(problem: Problem, data_map: Map, strides: Strides, storage: str) -> Iterator[Launches]:
    """Implicit matrix products by tensor cores, where there are such and factors are short enough or may be rounded."""
    return _products(problem, data_map, strides, storage, () if storage == "float64" else _TENSOR_TILES, tensor=True)


def _products(
    problem: Problem, data_map: Map, strides: Strides, storage: str, sizes: tuple[tuple[int, int], ...], tensor: bool
) -> Iterator[Launches]:
    if data_map == "correlate":
        forms, sizes = (_correlate_tile,), sizes if tensor else sizes[:1]
    else:
        forms = _FORMS
    for form in forms:
        for size in sizes:
            plan = form(problem, data_map, strides, storage, *size, tensor=tensor)
            if plan is not None:
                yield plan


def direct_plans(problem: Problem, data_map: Map, strides: Strides, storage: str) -> Iterator[Launches]:
    """Every problem, without tiles: the plan that there always is."""
    if data_map == "correlate":
        yield _correlate_direct(problem, strides, storage)
        return
    outputs = prod(problem.fine_array_shape if data_map == "scatter" else problem.coarse_array_shape)
    takes = cost.direct(outputs, _multiply_adds(problem), _channels(problem, data_map)[0])
    yield Launches((_direct(problem, data_map, strides, storage),), 0, takes)


def guard_plan(problem: Problem, strides: Strides, storage: str) -> Launches:
    """scatter where weights are not finite: the look at them, and the map without tiles, which that starts by "guard"."""
    shape = problem.kernel_array_shape
    weights, in_order = prod(shape), strides[1] == dense_strides(shape)
    look = scatter_or_gather(problem, True, strides, line=int(in_order), guarded=True)
    launches = (
        _launch(f"find_not_finite_{storage}", min(_grid(weights), _MOST_DIRECT_BLOCKS), look),
        _direct(problem, "scatter", strides, storage, guarded=True),
    )
    return Launches(launches, 0, 3 * cost.START + weights * _BYTES[storage] * cost.COPIED_BYTE)


def _direct(problem: Problem, data_map: Map, strides: Strides, storage: str, guarded: bool = False) -> Launch:
    outputs = _channels(problem, data_map)[1]
    size = problem.fine_shape if data_map == "scatter" else problem.coarse_shape
    many, order = 4 if outputs > 1 else 1, _densest(strides[2])
    stacks = problem.groups * _up(outputs, many)
    dense = stacks if order == "channels" else size[-1]
    lanes = _lanes(dense)
    lines = problem.batch * stacks * prod(size) // dense
    pieces = _up(dense, lanes * _REPEAT) * _up(lines, _THREADS // lanes)
    kernel = f"{data_map}_{'direct' if _near(problem, strides) else 'far'}{many}_{order}_{storage}"
    parameters = scatter_or_gather(problem, data_map == "scatter", strides, (lanes, 0), guarded=guarded)
    return _launch(kernel, min(pieces, _MOST_DIRECT_BLOCKS), parameters)


def _near(problem: Problem, strides: Strides) -> bool:
    """Whether an int counts all places inside of an image, of the kernel, and those beside them that taps reach."""
    taps = [(k - 1) * d + s for k, d, s in zip(problem.kernel_shape, problem.dilation, problem.stride, strict=True)]
    reach = [f + abs(p) + t for f, p, t in zip(problem.fine_shape, problem.padding, taps, strict=True)]
    channels = max(problem.fine_channels, problem.coarse_channels)
    places = (sum(n * abs(step) for n, step in zip((channels, *reach), each[1:], strict=True)) for each in strides)
    return max(*reach, *places) < _INT


def _lanes(dense: int) -> int:
    """How many neighbouring threads lie along an axis of direct: a power of two, a warp at least if there is so much."""
    enough = min(max(_up(dense, _REPEAT), 32), dense)
    return min(1 << (enough - 1).bit_length(), _THREADS)


def channel_sums_plan(shape: tuple[int, ...], strides: tuple[int, ...], sums_stride: int, storage: str) -> Launches:
    """The sum of each channel: parts of it, then those together."""
    elements = shape[0] * prod(shape[2:])
    splits, per_split = _split(elements, 4096, shape[1], 1)
    sums = _launch(f"channel_sums_{storage}", shape[1] * splits, sum_of_channels(shape, strides, splits, per_split))
    total = _launch(f"add_parts_{storage}", _grid(shape[1]), reduction((shape[1],), (sums_stride,), splits))
    moved = cost.COPIED_BYTE * elements * shape[1] * _BYTES[storage]
    return Launches((sums, total), splits * shape[1] * _SUM_BYTES[storage], 2 * cost.START + moved)


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
    takes = cost.tile(
        "tensor tile" if tensor else "tile",
        (rows, columns),
        storage,
        blocks,
        depth * taps / phases,
        packed,
        _moved_again(problem, data_map, strides, storage, beside),
    )
    return Launches(launches, packed * problem.dtype.itemsize, takes)


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
    form, depth = "tensor cells" if tensor else "cells", _up(inputs, _DEPTH) * _DEPTH
    return Launches((launch,), 0, cost.tile(form, (rows, columns), storage, blocks, depth))


def _taps_touch(problem: Problem) -> bool:
    return all(d == 1 or k == 1 for d, k in zip(problem.dilation, problem.kernel_shape, strict=True))


def _cells_of(problem: Problem) -> tuple[int, ...]:
    """How many cells the fine array meets along each axis, also beyond the coarse array."""
    return tuple(
        (f - 1 + p) // s - p // s + 1 for f, p, s in zip(problem.fine_shape, problem.padding, problem.stride, strict=True)
    )


def _correlate_tile(
    problem: Problem, data_map: Map, strides: Strides, storage: str, rows: int, columns: int, tensor: bool = False
) -> Launches | None:
    fine, coarse = problem.fine_channels // problem.groups, problem.coarse_channels // problem.groups
    tiles = _up(coarse, rows) * _up(fine * prod(problem.kernel_shape), columns) * problem.groups
    splits, per_split = _split(problem.batch * prod(problem.coarse_shape), 256, tiles, 16)
    if tiles * splits > _LARGEST_GRID:
        return None
    kernel = f"correlate_{'tensor' * tensor}{rows}x{columns}_{storage}"
    launches, workspace = _in_parts(problem, strides, storage, kernel, tiles * splits, splits, per_split)
    takes = cost.correlate_tile((rows, columns), tensor, storage, tiles * splits, per_split, workspace)
    return Launches(launches, workspace, takes)


def _correlate_direct(problem: Problem, strides: Strides, storage: str) -> Launches:
    weights = prod(problem.kernel_array_shape)
    positions = problem.batch * prod(problem.coarse_shape)
    splits, per_split = _split(positions, 4096, weights, 1)
    form = "direct" if fits_int(problem.coarse_shape) else "far"
    blocks, kernel = min(weights * splits, _LARGEST_GRID), f"correlate_{form}_{storage}"
    launches, workspace = _in_parts(problem, strides, storage, kernel, blocks, splits, per_split)
    return Launches(launches, workspace, cost.direct_correlation(weights * max(positions, _THREADS)))


def _in_parts(
    problem: Problem, strides: Strides, storage: str, kernel: str, blocks: int, splits: int, per_split: int
) -> tuple[tuple[Launch, ...], int]:
    """One kernel where the positions are not split; else the parts go to the workspace and are added up."""
    out = "out" if splits == 1 else "work"
    launch = _launch(kernel, blocks, correlation(problem, strides, out, splits, per_split))
    if splits == 1:
        return (launch,), 0
    shape = problem.kernel_array_shape
    total = _launch(f"add_parts_{storage}", _grid(prod(shape)), reduction(shape, strides[2], splits))
    return (launch, total), splits * prod(shape) * problem.dtype.itemsize


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


_FORMS = (_tile, _cells)
_BYTES = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}
_SUM_BYTES = {"float16": 4, "bfloat16": 4, "float32": 4, "float64": 8}
