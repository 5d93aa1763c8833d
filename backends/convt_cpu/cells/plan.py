"""Plans of the cells engine: the cells of a problem, and how lanes and positions are cut into tasks.

Sizes follow from the problem and the instruction set, never from the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING

from .._kernels import kernels, vector_length
from ..sizes import aligned, ceil_div, three_axes
from ._engine import CellsPlan

if TYPE_CHECKING:
    from convt.problem import Problem

    from ..engine import Map, Order

__all__ = ["Tables", "cells_plan"]

_ROWS = 1024  # of a block: inputs times cells; their sums start from zero
_PANELS = 256 * 1024  # bytes of a task's panels, in the L2 cache
_MOST_PANELS = 2 * 1024 * 1024
_SUMS = 512 * 1024  # bytes of the sums that wait for further blocks
_WAVE = 12 * 1024 * 1024  # bytes of the packed positions of a wave
_MOST_AT_ONCE = 32  # CONVT_MAX_PANELS
_TASKS = 16  # keep some cores busy to the end
_MOST = 24 * 1024 * 1024  # bytes of scratch memory with one thread


@dataclass(frozen=True, eq=False)
class Tables:
    """A plan before it goes to C; ``kernels/cells_plan.h`` says what the fields up to `tiles` are.

    The tiles of a group are packed in waves of `wave` tiles; in each, `parts` x `blocks` tasks take some tiles and some
    panels each. `packed` elements are copied, in panels and tiles; `rows` is how many pieces of rows are copied or written.
    Scratch memory is counted in bytes, `scratch` of each thread and `shared` of all together.
    """

    isa: str
    order: tuple[int, ...]
    size: int
    batch: int
    groups: int
    inputs: int
    outputs: int
    coarse: tuple[int, ...]
    fine: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    taps: tuple[int, ...]
    first: tuple[int, ...]
    cells: tuple[int, ...]
    positions: int
    lanes: int
    unit: int
    width: int
    block: int
    panels: int
    tiles: int
    wave: int
    parts: int
    blocks: int
    multiply_adds: int
    packed: int
    rows: int
    scratch: int
    shared: int


@lru_cache(maxsize=1024)
def cells_plan(problem: Problem, data_map: Map, order: Order, isa: str) -> CellsPlan | None:
    """The plan of scatter, its spatial axes walked in `order`.

    None for the other maps, for dilated filters, for strides of 1, and where buffers would grow too large.
    """
    size = problem.dtype.itemsize
    dilated = any(d > 1 and k > 1 for d, k in zip(problem.dilation, problem.kernel_shape, strict=True))
    if data_map != "scatter" or dilated or prod(problem.stride) == 1:
        return None
    coarse, fine, kernel, stride, padding = (
        three_axes(shape, order, missing)
        for shape, missing in (
            (problem.coarse_shape, 1),
            (problem.fine_shape, 1),
            (problem.kernel_shape, 1),
            (problem.stride, 1),
            (problem.padding, 0),
        )
    )
    inputs, outputs = problem.coarse_channels // problem.groups, problem.fine_channels // problem.groups
    taps = tuple(map(ceil_div, kernel, stride))
    first = tuple(p // s for p, s in zip(padding, stride, strict=True))
    cells = tuple((f + p - 1) // s + 1 - at for f, p, s, at in zip(fine, padding, stride, first, strict=True))
    positions, lanes = problem.batch * prod(cells), outputs * prod(stride)

    shapes = kernels(isa)
    unit = ceil_div(positions, ceil_div(positions, max(rows for rows, _ in shapes)))
    vector = vector_length(isa, size)
    vectors = ceil_div(lanes, vector)
    width = vector * max(v for rows, v in shapes if rows == unit and v <= vectors)
    depth = inputs * prod(taps)
    block = ceil_div(inputs, ceil_div(depth, _ROWS))
    panel = block * prod(taps) * width * size
    all_panels, all_tiles = ceil_div(lanes, width), ceil_div(positions, unit)
    tile_rows = depth * unit * size
    if panel > _MOST_PANELS or tile_rows > _WAVE:
        return None
    wave = ceil_div(all_tiles, ceil_div(all_tiles * tile_rows, _WAVE))
    panels = max(1, min(_PANELS // panel, all_panels // _TASKS, _MOST_AT_ONCE))
    blocks = ceil_div(all_panels, panels)
    sums = unit * width * size * panels
    parts = min(wave, ceil_div(_TASKS, blocks))
    if block < inputs:
        parts = min(wave, max(parts, ceil_div(wave * sums, _SUMS)))
    tiles = ceil_div(wave, parts)
    parts = ceil_div(wave, tiles)
    packed_lanes = depth * all_panels * width * ceil_div(all_tiles, tiles)
    scratch = panels * panel + sums * (tiles if block < inputs else 1)
    shared = wave * tile_rows
    if scratch + shared > _MOST:
        return None
    return CellsPlan(
        Tables(
            isa=isa,
            order=order,
            size=size,
            batch=problem.batch,
            groups=problem.groups,
            inputs=inputs,
            outputs=outputs,
            coarse=coarse,
            fine=fine,
            kernel=kernel,
            stride=stride,
            padding=padding,
            taps=taps,
            first=first,
            cells=cells,
            positions=positions,
            lanes=lanes,
            unit=unit,
            width=width,
            block=block,
            panels=panels,
            tiles=tiles,
            wave=wave,
            parts=parts,
            blocks=blocks,
            multiply_adds=problem.groups * all_tiles * unit * all_panels * width * depth,
            packed=problem.groups * (depth * all_tiles * unit + packed_lanes),
            rows=problem.groups * (positions * lanes + packed_lanes) // stride[2],
            scratch=aligned(scratch),
            shared=aligned(shared),
        )
    )
