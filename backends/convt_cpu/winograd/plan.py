"""Plans of the Winograd engine: tiles, windows and blocks of a problem, as ``kernels/winograd_plan.h`` describes them.

Along each axis the kernel counts as stride * taps long. In padded fine positions F = fine + padding, scatter's phase p at
position u, F = stride * u + p, meets tap p + stride * j at the coarse position u - j; gather's output u meets tap
p + stride * j at F = stride * (u + j) + p.

Sizes follow from the problem and the instruction set, never from the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING

from .._kernels import kernels, vector_length
from ..sizes import LINE, aligned, ceil_div
from ._engine import WinogradPlan

if TYPE_CHECKING:
    from convt.problem import Problem

    from ..engine import Map, Order

__all__ = ["Tables", "winograd_plan"]

_FREQUENCIES = 16
_FEWEST_INPUTS = 16  # a result's error is that of its whole tile, which is like its own where each sum has many terms
_PIECE = 16 * 1024  # bytes of V that a kernel takes at once, in the L1 cache
_TILES = 640 * 1024  # bytes of V of a block of tiles, in the L2 cache beside ...
_PASS = 320 * 1024  # ... bytes of M of a pass
_SUMS = 2 * 1024 * 1024  # bytes of M of all blocks that are packed together, of one pass
_WAVE = 12 * 1024 * 1024  # bytes of V of all blocks that are packed together
_MOST_WEIGHTS = 10 * 1024 * 1024  # bytes of U that are packed before the work starts
_MOST = 20 * 1024 * 1024  # bytes of scratch memory with one thread
_MOST_TILES = 96  # CONVT_WINOGRAD_TILES
_MOST_STRIDE = 2  # CONVT_WINOGRAD_STRIDE
_TASKS = 8  # that keep some cores busy


@dataclass(frozen=True, eq=False)
class Tables:
    """A plan before it goes to C; ``kernels/winograd_plan.h`` says what its fields are.

    `by_outputs` is the schedule, `wave` the blocks of tiles that it packs together, `waves` how often it does so, and packs
    the weights; scratch memory is counted in bytes,
    `scratch` of each thread and `shared` of all together.
    """

    isa: str
    order: tuple[int, ...]
    scatters: bool
    size: int
    batch: int
    groups: int
    inputs: int
    outputs: int
    in_size: tuple[int, ...]
    out_size: tuple[int, ...]
    kernel: tuple[int, ...]
    in_stride: tuple[int, ...]
    out_stride: tuple[int, ...]
    in_first: tuple[int, ...]
    out_first: tuple[int, ...]
    taps: tuple[int, ...]
    results: tuple[int, ...]
    lattices: tuple[int, ...]
    tiles: tuple[int, ...]
    in_phases: int
    out_phases: int
    block_tiles: int
    pitch: int
    block_channels: int
    tile: int
    unit: int
    pass_: int
    v_size: int
    u_size: int
    by_outputs: bool
    wave: int
    blocks: int
    multiply_adds: int
    transformed: int
    weights: int
    waves: int
    scratch: int
    shared: int


@lru_cache(maxsize=1024)
def winograd_plan(problem: Problem, data_map: Map, order: Order, isa: str) -> WinogradPlan | None:
    """The plan of a map, its spatial axes walked in `order`; None where there is nothing to gain or too much to store."""
    if data_map == "correlate" or len(order) != 2 or max(problem.stride) > _MOST_STRIDE:
        return None
    scatters = data_map == "scatter"
    size = problem.dtype.itemsize
    fine, coarse, kernel, stride, padding, dilation = (
        tuple(values[axis] for axis in order)
        for values in (
            problem.fine_shape,
            problem.coarse_shape,
            problem.kernel_shape,
            problem.stride,
            problem.padding,
            problem.dilation,
        )
    )
    taps = tuple(map(ceil_div, kernel, stride))
    if any(d > 1 and s > 1 for d, s in zip(dilation, stride, strict=True)) or not set(taps) <= {2, 3}:
        return None
    if not all(map(_all_meet, fine, coarse, kernel, stride, padding, dilation)):
        return None
    results = tuple(5 - t for t in taps)
    if scatters:
        skipped = tuple(p // s for p, s in zip(padding, stride, strict=True))
        in_size, out_size, in_stride, out_stride = coarse, fine, (1, 1), stride
        in_first = tuple(b - (t - 1) * d for b, t, d in zip(skipped, taps, dilation, strict=True))
        out_first = tuple(b * s - p for b, s, p in zip(skipped, stride, padding, strict=True))
    else:
        in_size, out_size, in_stride, out_stride = fine, coarse, stride, (1, 1)
        in_first, out_first = tuple(-p for p in padding), (0, 0)
    tiles = tuple(
        ceil_div(ceil_div(o - first, d), m * s)
        for o, first, d, m, s in zip(out_size, out_first, dilation, results, out_stride, strict=True)
    )
    channels = problem.coarse_channels // problem.groups, problem.fine_channels // problem.groups
    inputs, outputs = channels if scatters else channels[::-1]
    if inputs < _FEWEST_INPUTS:
        return None
    in_phases, out_phases = prod(in_stride), prod(out_stride)

    lanes = vector_length(isa, size)
    shapes = kernels(isa)
    unit = ceil_div(outputs, ceil_div(outputs, max(rows for rows, _ in shapes)))
    units = ceil_div(outputs, unit)
    tile = max(vectors for rows, vectors in shapes if rows == unit)
    step = tile * lanes
    block_channels = ceil_div(inputs, ceil_div(inputs, max(1, _PIECE // (step * size * in_phases))))
    channel_blocks = ceil_div(inputs, block_channels)
    u_size = ceil_div(block_channels * in_phases * unit + lanes, lanes) * lanes
    u_unit = _FREQUENCIES * out_phases * u_size  # of one block of channels
    weights = problem.groups * channel_blocks * units * u_unit * size
    all_tiles = problem.batch * prod(dilation) * prod(tiles)
    row = _FREQUENCIES * inputs * in_phases * size  # bytes of V of a tile
    sums = _FREQUENCIES * out_phases * unit * size  # bytes of M of a tile, of one unit
    most = min(_MOST_TILES, ceil_div(all_tiles, lanes) * lanes)
    in_cache = most if most * row <= _TILES else _TILES // row // step * step
    by_outputs = (
        weights > _MOST_WEIGHTS or 2 * in_cache < most or ceil_div(all_tiles, in_cache) * problem.groups < _TASKS < units
    )
    block_tiles = in_cache
    if by_outputs:
        block_tiles = most if most < 2 * step else max(1, min(most, 2 * _PASS // sums) // step) * step
    pass_ = max(1, min(_PASS // (sums * block_tiles), units // _TASKS if by_outputs else units))
    blocks = ceil_div(all_tiles, block_tiles)
    pitch = block_tiles
    if pitch * size % 256 == 0 and pitch > step:
        pitch += LINE // size  # channels at such distances would meet in the L1 cache
    v_size = _odd_lines(block_channels * in_phases * pitch, size)
    m_block = pass_ * sums * block_tiles
    v_block = channel_blocks * _FREQUENCIES * v_size * size
    if by_outputs:
        wave = min(blocks, max(1, min(_WAVE // v_block, _SUMS // m_block)))
        shared = wave * v_block
        scratch = pass_ * u_unit * size + wave * m_block
    else:
        wave = 1
        shared = weights
        scratch = v_block + m_block
    if scratch + shared > _MOST:
        return None
    transformed_weights = problem.groups * _FREQUENCIES * inputs * in_phases * outputs * out_phases
    return WinogradPlan(
        Tables(
            isa=isa,
            order=order,
            scatters=scatters,
            size=size,
            batch=problem.batch,
            groups=problem.groups,
            inputs=inputs,
            outputs=outputs,
            in_size=in_size,
            out_size=out_size,
            kernel=kernel,
            in_stride=in_stride,
            out_stride=out_stride,
            in_first=in_first,
            out_first=out_first,
            taps=taps,
            results=results,
            lattices=dilation,
            tiles=tiles,
            in_phases=in_phases,
            out_phases=out_phases,
            block_tiles=block_tiles,
            pitch=pitch,
            block_channels=block_channels,
            tile=tile,
            unit=unit,
            pass_=pass_,
            v_size=v_size,
            u_size=u_size,
            by_outputs=by_outputs,
            wave=wave,
            blocks=blocks,
            multiply_adds=transformed_weights * ceil_div(all_tiles, lanes) * lanes,
            transformed=problem.groups * all_tiles * _FREQUENCIES * (inputs * in_phases + outputs * out_phases),
            weights=transformed_weights * (ceil_div(blocks, wave) if by_outputs else 1),
            waves=ceil_div(blocks, wave) if by_outputs else 1,
            scratch=aligned(scratch),
            shared=aligned(shared),
        )
    )


def _all_meet(fine: int, coarse: int, kernel: int, stride: int, padding: int, dilation: int) -> bool:
    """Whether along an axis each element of both sides meets one of the other: what meets none would not be exactly zero."""
    length = (kernel - 1) * dilation + 1
    reached = (coarse - 1) * stride - padding  # by the last coarse element's first tap
    return 0 <= padding < length and reached < fine <= reached + length and dilation <= min(fine, coarse)


def _odd_lines(elements: int, size: int) -> int:
    """At least so many elements, in an odd number of cache lines: matrices at such distances do not meet in the L1 cache."""
    return (ceil_div(elements * size, LINE) | 1) * LINE // size
