"""Plans of the depthwise engine: planes, taps and boxes of a problem, as the tables of ``kernels/depthwise_plan.h``.

Sizes follow from the problem and the instruction set, never from the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from .._kernels import vector_length
from ..sizes import LINE, ceil_div, int64_table, three_axes
from ._engine import DepthwisePlan

if TYPE_CHECKING:
    from convt.problem import Problem

    from ..engine import Map, Order

__all__ = ["Tables", "depthwise_plan"]

_PACKED = 192 * 1024  # bytes of a unit's packed input, in the L2 cache
_ROW = 4096  # bytes of a packed row
_SUMS = 8 * 1024  # bytes of the sums of a chunk, in the L1 cache
_TASK = 64 * 1024  # bytes that a task reads and writes at least
_TASKS = 16  # that keep some cores busy
_MOST_CHANNELS = 64  # pairs of channels of a group
_MOST_TAPS = 4096
_CHANNELS = 16  # that fill vectors of any instruction set, where lanes are channels,
_CHANNEL_TAPS = 512  # and the most taps there, CONVT_CHANNEL_TAPS
_FILTERS = 1024 * 1024  # and bytes of all filters
_MOST = 8 * 1024 * 1024  # bytes of scratch memory of one thread, and of all together


@dataclass(frozen=True, eq=False)
class Tables:
    """A plan before it goes to C; ``kernels/depthwise_plan.h`` says what its fields are.

    `channel_rows` counts the output rows of a task where lanes are channels, 0 if that is out of the question. Scratch
    memory is counted in bytes, `scratch` of each thread and `shared` of all together; `packed` counts elements.
    """

    data_map: str
    isa: str
    order: tuple[int, ...]
    size: int
    batch: int
    groups: int
    inputs: int
    outputs: int
    in_size: tuple[int, ...]
    out_size: tuple[int, ...]
    in_stride: tuple[int, ...]
    out_stride: tuple[int, ...]
    in_phase: np.ndarray
    first_tap: np.ndarray
    taps: np.ndarray
    reach: np.ndarray
    offsets: np.ndarray
    low: tuple[int, ...]
    count: tuple[int, ...]
    boxes: tuple[int, ...]
    rows: tuple[int, ...]
    slide: int
    plane_size: int
    channel_size: int
    chunk: int
    chunk_size: int
    units: int
    splits: int
    channel_rows: int
    tasks: int
    multiply_adds: int
    packed: int
    scratch: int
    shared: int


@lru_cache(maxsize=1024)
def depthwise_plan(problem: Problem, data_map: Map, order: Order, isa: str) -> DepthwisePlan | None:
    """The plan of a map, its spatial axes walked in `order`; None for groups of many channels and for large filters."""
    size = problem.dtype.itemsize
    scatters = data_map == "scatter"
    fine, coarse, kernel, stride, padding, dilation = (
        three_axes(values, order, missing)
        for values, missing in (
            (problem.fine_shape, 1),
            (problem.coarse_shape, 1),
            (problem.kernel_shape, 1),
            (problem.stride, 1),
            (problem.padding, 0),
            (problem.dilation, 1),
        )
    )
    channels = problem.coarse_channels // problem.groups, problem.fine_channels // problem.groups
    if prod(channels) > _MOST_CHANNELS or prod(channels) * prod(kernel) > _MOST_TAPS or prod(stride) > _MOST_TAPS:
        return None
    inputs, outputs = channels if scatters else channels[::-1]
    ones = (1, 1, 1)
    in_size, out_size = (coarse, fine) if scatters else (fine, coarse)
    in_stride, out_stride = (ones, stride) if scatters else (stride, ones)

    # Tap t of coarse position q meets fine position q + steps of a phase.
    taps = np.indices(kernel).reshape(3, -1).T
    steps, phases = np.divmod(taps * dilation - np.array(padding), stride)
    shifts = -steps if scatters else steps
    low, halo = shifts.min(axis=0), np.ptp(shifts, axis=0)
    if scatters:
        in_planes, in_plane = np.zeros((1, 3), np.int64), np.zeros(len(taps), np.int64)
        reach = shifts
        out_plane = np.ravel_multi_index(tuple(phases.T), stride)
    else:
        in_planes, in_plane = np.unique(phases, axis=0, return_inverse=True)
        reach = taps * dilation - np.array(padding)
        out_plane = np.zeros(len(taps), np.int64)
    sorting = np.argsort(out_plane, kind="stable")
    first_tap = np.searchsorted(out_plane[sorting], np.arange(prod(out_stride) + 1))

    lanes = vector_length(isa, size)
    planes = tuple(ceil_div(o, s) for o, s in zip(out_size, out_stride, strict=True))
    ways = out_stride[2]
    row = min(_ROW, 2 * _SUMS // ways) // size
    padded = prod(p + int(h) for p, h in zip(planes, halo, strict=True))
    room = min(
        _PACKED // (size * inputs * len(in_planes)), ceil_div(padded, ceil_div(_TASKS // 2, problem.batch * problem.groups))
    )
    count, boxes = _boxes(planes, halo, row, room)
    rows = tuple(c + int(h) for c, h in zip(count, halo, strict=True))
    slide = 0
    if boxes[1] == boxes[2] == 1:
        slide = count[0] * rows[1]
    elif boxes[2] == 1 and rows[0] == 1:
        slide = count[1]
    plane_size = prod(rows) + lanes
    channel_size = len(in_planes) * plane_size
    chunk = max(1, min(count[1], _SUMS // (size * ways) // rows[2]))
    chunk_size = ceil_div((chunk - 1) * rows[2] + count[2], lanes) * lanes
    within = in_plane.reshape(-1) * plane_size + (shifts - low) @ (rows[1] * rows[2], rows[2], 1)
    offsets = [c * channel_size + within[sorting[first:last]] for first, last in pairwise(first_tap) for c in range(inputs)]

    of_group = problem.batch * prod(boxes)
    all_units = of_group * problem.groups
    weights = inputs * outputs * len(taps)
    channel_rows = 0
    if data_map == "correlate":
        units = 0
        splits = min(of_group, ceil_div(_TASKS, problem.groups))
        tasks = problem.groups * splits
        scratch = weights * lanes + chunk_size + inputs * channel_size
        shared = tasks * weights
    else:
        of_unit = prod(count) * (inputs * len(in_planes) + outputs * prod(out_stride)) * size
        units = max(1, min(max(_TASK // of_unit, prod(boxes)), all_units // _TASKS))
        splits = 0
        tasks = ceil_div(all_units, units)
        scratch = weights + ways * chunk_size + inputs * channel_size
        shared = 0
        filters = weights * problem.groups
        if weights == len(taps) <= _CHANNEL_TAPS and problem.groups >= _CHANNELS and filters * size <= _FILTERS:
            channel_rows = max(1, _TASK // (out_size[2] * problem.groups * size))
            shared = filters
    if max(scratch, shared) * size > _MOST:
        return None
    return DepthwisePlan(
        Tables(
            data_map=data_map,
            isa=isa,
            order=order,
            size=size,
            batch=problem.batch,
            groups=problem.groups,
            inputs=inputs,
            outputs=outputs,
            in_size=in_size,
            out_size=out_size,
            in_stride=in_stride,
            out_stride=out_stride,
            in_phase=int64_table(in_planes),
            first_tap=int64_table(first_tap),
            taps=int64_table(taps[sorting]),
            reach=int64_table(reach[sorting]),
            offsets=int64_table(np.concatenate(offsets)),
            low=tuple(int(shift) for shift in low),
            count=count,
            boxes=boxes,
            rows=rows,
            slide=slide,
            plane_size=plane_size,
            channel_size=channel_size,
            chunk=chunk,
            chunk_size=chunk_size,
            units=units,
            splits=splits,
            channel_rows=channel_rows,
            tasks=tasks,
            multiply_adds=all_units * count[0] * ceil_div(count[1], chunk) * chunk_size * weights,
            packed=all_units * inputs * channel_size,
            scratch=scratch * size + LINE,
            shared=shared * size,
        )
    )


def _boxes(planes: tuple[int, ...], halo: np.ndarray, row: int, room: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Positions of a box, and how many boxes there are: `room` positions filled from the last axis on."""
    count = [1, 1, 1]
    room_of = [room, room, min(room, row)]
    for axis in (2, 1, 0):
        most = max(1, room_of[axis] - int(halo[axis]))
        count[axis] = ceil_div(planes[axis], ceil_div(planes[axis], most))
        for other in range(axis):
            room_of[other] //= count[axis] + int(halo[axis])
    boxes = tuple(ceil_div(p, c) for p, c in zip(planes, count, strict=True))
    return tuple(count), boxes
