"""Plans of the windows engine: how positions and coarse channels are cut into tasks.

Sizes follow from the problem and the instruction set, never from the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from .._kernels import vector_length
from ..sizes import aligned, ceil_div, three_axes
from ._engine import WindowsPlan

if TYPE_CHECKING:
    from collections.abc import Callable

    from convt.problem import Problem

    from ..engine import Map, Order

__all__ = ["Tables", "windows_plan"]

_ROWS = 384 * 1024  # bytes of the packed rows of a box, in the L2 cache
_SUMS = 192 * 1024  # bytes of the sums of a task
_BLOCK = 4096  # bytes of a filter whose products are added in one go, with those of the windows in the L1 cache
_STEPS = 64  # of the fine channels that are packed at a time, at least
_DOTS = 4  # filters of a kernel
_FILTERS = 32  # of a task, at most: CONVT_FILTERS
_WINDOWS = 128  # of a task, at most: CONVT_WINDOWS
_TASKS = 4  # keep some cores busy
_MOST_STEPS = 4096
_MOST = 6 * 1024 * 1024  # bytes of scratch memory of one thread


@dataclass(frozen=True, eq=False)
class Tables:
    """A plan before it goes to C; ``kernels/windows_plan.h`` says what the fields up to `offsets` are.

    `packed` counts the elements of all packed rows and filters, `scratch` the bytes of each thread's memory.
    """

    isa: str
    order: tuple[int, ...]
    size: int
    batch: int
    groups: int
    inputs: int
    outputs: int
    fine: tuple[int, ...]
    coarse: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    count: tuple[int, ...]
    boxes: tuple[int, ...]
    rows: tuple[int, ...]
    part: int
    chunk: int
    vectors: int
    steps: int
    block: int
    offsets: np.ndarray
    tasks: int
    multiply_adds: int
    packed: int
    scratch: int


@lru_cache(maxsize=1024)
def windows_plan(problem: Problem, data_map: Map, order: Order, isa: str) -> WindowsPlan | None:
    """The plan of a gather, its spatial axes walked in `order`; None where rows are short or buffers large."""
    size = problem.dtype.itemsize
    lanes = vector_length(isa, size)
    fine, coarse, kernel, stride, padding, dilation = (
        three_axes(shape, order, missing)
        for shape, missing in (
            (problem.fine_shape, 1),
            (problem.coarse_shape, 1),
            (problem.kernel_shape, 1),
            (problem.stride, 1),
            (problem.padding, 0),
            (problem.dilation, 1),
        )
    )
    vectors = ceil_div(kernel[2], lanes)
    steps = kernel[0] * kernel[1] * vectors
    if data_map != "gather" or dilation[2] > 1 or kernel[2] < lanes // 2 or steps > _MOST_STEPS:
        return None
    inputs, outputs = problem.fine_channels // problem.groups, problem.coarse_channels // problem.groups
    parts = ceil_div(outputs, _FILTERS)
    part = min(_FILTERS, ceil_div(ceil_div(outputs, parts), _DOTS) * _DOTS)

    def rows_of(count: tuple[int, ...]) -> tuple[int, ...]:
        z, y = (
            (c - 1) * s + (k - 1) * d + 1 for c, s, k, d in zip(count[:2], stride[:2], kernel[:2], dilation[:2], strict=True)
        )
        return z, y, ceil_div((count[2] - 1) * stride[2] + vectors * lanes, lanes) * lanes

    chunk = min(inputs, ceil_div(_STEPS, steps))
    most = max(1, min(_WINDOWS, _SUMS // (part * lanes * size), problem.batch * prod(coarse) * parts // _TASKS))
    count = _box(coarse, most, lambda box: chunk * prod(rows_of(box)) * size <= _ROWS)
    rows = rows_of(count)
    boxes = tuple(map(ceil_div, coarse, count))
    tasks = problem.groups * parts * problem.batch * prod(boxes)
    elements = chunk * prod(rows) + (part + _DOTS) * prod(count) * lanes + chunk * part * steps * lanes
    if elements * size > _MOST:
        return None
    offsets = [
        ((k * rows[0] + z * dilation[0]) * rows[1] + y * dilation[1]) * rows[2] + v * lanes
        for k, z, y, v in product(range(chunk), range(kernel[0]), range(kernel[1]), range(vectors))
    ]
    return WindowsPlan(
        Tables(
            isa=isa,
            order=order,
            size=size,
            batch=problem.batch,
            groups=problem.groups,
            inputs=inputs,
            outputs=outputs,
            fine=fine,
            coarse=coarse,
            kernel=kernel,
            stride=stride,
            padding=padding,
            dilation=dilation,
            count=count,
            boxes=boxes,
            rows=rows,
            part=part,
            chunk=chunk,
            vectors=vectors,
            steps=steps,
            block=max(1, _BLOCK // (lanes * size)),
            offsets=np.array(offsets, np.int64),
            tasks=tasks,
            multiply_adds=tasks * inputs * steps * lanes * part * prod(count),
            packed=tasks * inputs * (prod(rows) + part * steps * lanes),
            scratch=aligned(elements * size),
        )
    )


def _box(sizes: tuple[int, ...], most: int, fits: Callable[[tuple[int, ...]], bool]) -> tuple[int, ...]:
    """At most so many positions, filled from the last axis on, in equal parts along each; as many as fit, or one."""
    box = (1, 1, 1)
    for axis in (2, 1, 0):
        room = min(sizes[axis], most // prod(box))
        tried = ((*box[:axis], count, *box[axis + 1 :]) for count in range(room, 0, -1))
        box = next(filter(fits, tried), box)
        whole = box[axis]
        box = (*box[:axis], ceil_div(sizes[axis], ceil_div(sizes[axis], whole)), *box[axis + 1 :])
        if whole < sizes[axis]:
            break
    return box
