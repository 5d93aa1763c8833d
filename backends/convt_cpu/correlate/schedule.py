"""The two schedules of a correlate plan: who packs which positions, and who sums which block of the kernel.

Where the sums fit the L2 cache, each task packs and sums some strips of positions by itself, and the sums of all tasks are
added in the end. Where they do not, all threads pack a strip of many positions together, then each task sums it for one
block of the kernel. Sizes follow from the problem and the instruction set, never from the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple

from ..sizes import ceil_div
from .layout import Layout

__all__ = ["Schedule", "schedule"]

_OWN_SUMS = 1024 * 1024  # bytes of the sums of one task
_ALL_SUMS = 8 * 1024 * 1024  # bytes of the sums of all tasks
_STRIP = 320 * 1024  # bytes of a strip that one thread packs for itself, in the L2 cache
_WAVE = 14 * 1024 * 1024  # bytes of a strip that all threads pack
_BLOCK = 192 * 1024  # bytes of the sums of a block
_LEAST = 64  # positions of a strip that make up for loading and storing the sums
_TASKS = 16  # enough to keep some cores busy to the end
_MUCH = 10_000_000  # multiply-adds that are worth more than one task


class Schedule(NamedTuple):
    """`count` images and positions of a strip; the rest as in `plan.Tables`."""

    together: bool
    splits: int
    wave: int
    count: tuple[int, ...]
    block_coarse: int
    block_runs: int
    scratch: int
    shared: int


def schedule(layout: Layout, groups: int, multiply_adds: int) -> Schedule:
    """The one that suits the size of the sums, and gives enough tasks.

    Parameters
    ----------
    layout : Layout
        Of one group.
    groups : int
    multiply_adds : int
        Of all groups.
    """
    sums = layout.blocks * layout.sums(layout.coarse, layout.runs)
    few = groups * prod(layout.positions) < _TASKS * _LEAST and multiply_adds > _MUCH
    return _together(layout) if few or sums > _OWN_SUMS or groups * sums > _ALL_SUMS else _apart(layout, groups)


def _apart(layout: Layout, groups: int) -> Schedule:
    """Each task packs strips of its own, one block of fine channels at a time."""
    sizes, coarse = layout.positions, layout.coarse
    most = max(_LEAST, ceil_div(prod(sizes), _TASKS))

    def packed(count: tuple[int, ...]) -> int:
        return layout.packed_coarse(count, coarse) + layout.packed_fine(count)

    count = _box(sizes, lambda count: prod(count) <= most and packed(count) <= _STRIP)
    strips = prod(ceil_div(n, c) for n, c in zip(sizes, count, strict=True))
    sums = groups * layout.blocks * layout.sums(coarse, layout.runs)
    splits = max(1, min(ceil_div(_TASKS, groups), strips, _ALL_SUMS // sums))
    scratch = max(packed(count), layout.written(layout.runs))
    return Schedule(False, splits, layout.blocks, count, coarse, layout.runs, scratch, splits * sums)


def _together(layout: Layout) -> Schedule:
    """All threads pack a strip; a task sums a block, which is small enough for the cache, while others sum other blocks."""
    sizes, blocks, shape = layout.positions, layout.blocks, layout.shape
    unit = min(layout.coarse, shape.unit if shape.fine_lanes else shape.tile * layout.lanes)
    units, wanted = ceil_div(layout.coarse, unit), ceil_div(_TASKS, blocks)
    at_once = max(1, min(ceil_div(units, wanted), _BLOCK // layout.sums(unit, layout.runs)))
    coarse = min(layout.coarse, ceil_div(units, ceil_div(units, at_once)) * unit)
    wanted = ceil_div(wanted, ceil_div(layout.coarse, coarse))
    runs = max(1, min(ceil_div(layout.runs, wanted), layout.runs * _BLOCK // layout.sums(coarse, layout.runs)))
    runs = ceil_div(layout.runs, ceil_div(layout.runs, runs))

    def packed_coarse(count: tuple[int, ...]) -> int:
        return ceil_div(layout.coarse, coarse) * layout.packed_coarse(count, coarse)

    wave = min(blocks, (_WAVE - packed_coarse(sizes)) // layout.packed_fine(sizes))
    if wave < 1:  # then several strips
        wave = blocks
    count = _box(sizes, lambda count: packed_coarse(count) + wave * layout.packed_fine(count) <= _WAVE)
    shared = packed_coarse(count) + wave * layout.packed_fine(count)
    return Schedule(True, 1, wave, count, coarse, runs, layout.sums(coarse, runs) + layout.written(runs), shared)


def _box(sizes: tuple[int, ...], fits: Callable[[tuple[int, ...]], bool]) -> tuple[int, ...]:
    """Images and positions of a strip, as many from the last axis on as fit."""
    count = [1] * len(sizes)
    for axis in reversed(range(len(sizes))):
        low, high = 1, sizes[axis]
        while low < high:
            count[axis] = (low + high + 1) // 2
            low, high = (count[axis], high) if fits(tuple(count)) else (low, count[axis] - 1)
        count[axis] = ceil_div(sizes[axis], ceil_div(sizes[axis], low))
        if low < sizes[axis]:
            break
    return tuple(count)
