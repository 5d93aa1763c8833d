"""Plans of the thin engine: how lanes, channels and positions are cut into tasks.

Sizes follow from the problem and the instruction set, never from the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING

from .._kernels import kernels, vector_length
from ..sizes import LINE, aligned, ceil_div, three_axes
from ._engine import ThinPlan

if TYPE_CHECKING:
    from convt.problem import Problem

    from ..engine import Map, Order

__all__ = ["Tables", "thin_plan"]

_LANES = 4096  # bytes of a task's lanes of one channel: a page, which is fetched from memory ahead
_COLUMNS = 256 * 1024  # bytes of a task's columns, in the L2 cache
_MOST_COLUMNS = 2 * 1024 * 1024
_CHANNELS = 16  # that scatter reads before the next lanes
_PANEL = 128 * 1024  # bytes of the weights that scatter copies, in the L2 cache
_BLOCK = 128 * 1024  # bytes of the columns that gather reads before the next channels
_LEAST_BLOCK = 4096  # bytes of one column of them
_RUN = 48  # positions of a task of gather
_DOTS = 4  # channels of a kernel of gather
_MOST_CHANNELS = 32  # of a task of gather
_TASKS = 16  # keep some cores busy to the end
_SHARED = 12 * 1024 * 1024  # bytes of what all tasks read: rows or columns


@dataclass(frozen=True, eq=False)
class Tables:
    """A plan before it goes to C; ``kernels/thin_plan.h`` says what the fields up to `run` are.

    Gather packs the columns of `wave` positions at a time. `moved` counts the elements of all columns.
    Scratch memory is counted in bytes, `scratch` of each thread and `shared` of all together.
    """

    isa: str
    order: tuple[int, ...]
    data_map: Map
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
    dilation: tuple[int, ...]
    taps: int
    positions: int
    part: int
    pitch: int
    unit: int
    width: int
    block: int
    channels: int
    run: int
    wave: int
    tasks: int
    multiply_adds: int
    moved: int
    scratch: int
    shared: int


@lru_cache(maxsize=1024)
def thin_plan(problem: Problem, data_map: Map, order: Order, isa: str) -> ThinPlan | None:
    """The plan of a map, its spatial axes walked in `order`; None where buffers would grow too large."""
    sizes = _gather_sizes(problem, isa) if data_map == "gather" else _lane_sizes(problem, data_map, isa)
    if sizes is None or sizes["shared"] > _SHARED:
        return None
    scratch, shared = (aligned(sizes.pop(name)) for name in ("scratch", "shared"))
    shapes = {
        name: three_axes(shape, order, missing)
        for name, shape, missing in (
            ("coarse", problem.coarse_shape, 1),
            ("fine", problem.fine_shape, 1),
            ("kernel", problem.kernel_shape, 1),
            ("stride", problem.stride, 1),
            ("padding", problem.padding, 0),
            ("dilation", problem.dilation, 1),
        )
    }
    positions, taps = problem.batch * prod(problem.coarse_shape), prod(problem.kernel_shape)
    return ThinPlan(
        Tables(
            isa=isa,
            order=order,
            data_map=data_map,
            size=problem.dtype.itemsize,
            batch=problem.batch,
            groups=problem.groups,
            inputs=problem.coarse_channels // problem.groups,
            outputs=problem.fine_channels // problem.groups,
            taps=taps,
            positions=positions,
            moved=positions * problem.fine_channels * taps,
            scratch=scratch,
            shared=shared,
            **shapes,
            **sizes,
        )
    )


def _lane_sizes(problem: Problem, data_map: Map, isa: str) -> dict[str, int] | None:
    """Of scatter and correlate, whose tasks own the lanes of some fine channels."""
    size, vector = problem.dtype.itemsize, vector_length(isa, problem.dtype.itemsize)
    inputs, outputs = problem.coarse_channels // problem.groups, problem.fine_channels // problem.groups
    positions, taps = problem.batch * prod(problem.coarse_shape), prod(problem.kernel_shape)
    shapes = kernels(isa)
    rows = positions if data_map == "scatter" else inputs
    unit = ceil_div(rows, ceil_div(rows, max(most for most, _ in shapes)))
    tiles = ceil_div(rows, unit)
    all_positions = tiles * unit if data_map == "scatter" else positions

    fitting = min(_LANES, _COLUMNS // all_positions) // (taps * size)
    part = max(1, min(fitting, outputs // _TASKS))
    lanes = part * taps
    vectors = [v for most, v in shapes if most == unit and v <= ceil_div(lanes, vector)]
    width = vector * max((v for v in vectors if lanes % (v * vector) == 0), default=max(vectors))
    padded = ceil_div(lanes, width) * width
    pitch = padded + LINE // size  # positions, else 4 KB apart, would meet in few sets of the caches
    block = _CHANNELS if tiles == 1 else max(_CHANNELS, _PANEL // (pitch * size))
    columns = all_positions * pitch
    if columns * size > _MOST_COLUMNS:
        return None
    parts = ceil_div(outputs, part)
    more = min(block, inputs) * pitch if data_map == "scatter" else unit * width
    return {
        "part": part,
        "pitch": pitch,
        "unit": unit,
        "width": width,
        "block": min(block, inputs),
        "channels": 0,
        "run": 0,
        "wave": tiles,
        "tasks": problem.groups * parts,
        "multiply_adds": problem.groups * parts * padded * tiles * unit * (inputs if data_map == "scatter" else positions),
        "scratch": (columns + more) * size,
        "shared": tiles * unit * (inputs if data_map == "scatter" else positions) * size,
    }


def _gather_sizes(problem: Problem, isa: str) -> dict[str, int] | None:
    """Of gather, whose tasks own some coarse channels at some positions."""
    size, vector = problem.dtype.itemsize, vector_length(isa, problem.dtype.itemsize)
    inputs, outputs = problem.coarse_channels // problem.groups, problem.fine_channels // problem.groups
    positions, lanes = problem.batch * prod(problem.coarse_shape), outputs * prod(problem.kernel_shape)
    pitch = ceil_div(lanes, vector) * vector + LINE // size
    column = pitch * size
    wave = ceil_div(positions, ceil_div(positions, max(1, _SHARED // column)))
    run = ceil_div(wave, ceil_div(wave, _RUN))
    channels = min(_MOST_CHANNELS, ceil_div(ceil_div(inputs, _TASKS), _DOTS) * _DOTS)
    block = max(_LEAST_BLOCK, _BLOCK // run) // size // vector * vector
    return {
        "part": outputs,
        "pitch": pitch,
        "unit": 1,
        "width": vector,
        "block": block,
        "channels": channels,
        "run": run,
        "wave": wave,
        "tasks": ceil_div(inputs, channels) * ceil_div(wave, run),
        "multiply_adds": positions * pitch * ceil_div(inputs, _DOTS) * _DOTS * problem.groups,
        "scratch": (channels * run * vector + _DOTS * block) * size,
        "shared": wave * column,
    }
