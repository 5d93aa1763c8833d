"""Plans of upsampling: the tables with which rows are interpolated, repeated or collected.

Axes are cut into parts, so that tables and scratch memory stay small however long they are. Where one coarse element has too
many fine ones for a part, it takes several; what they collect is added up. Where one part is all, its plan is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from math import prod
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from ..caches import bounded_cache
from ._rows import BLOCKS, COPY, INDEX, PERMUTE, Rows, permuted_lanes

__all__ = ["plans"]

_BLOCK = 1 << 15  # fine elements of a row that are done with one set of tables, and fine rows
_WIDTH = 1 << 13  # elements of `inner` that are done at once
_TASK = 1 << 14  # fine elements of a task
_KEPT = 1 << 25  # bytes of all plans that are kept

_FUNCTIONS = {"bilinear": ("interpolate", "collect"), "nearest": ("repeat", "collect"), "bed_of_nails": ("nails", "pick")}

Array = np.ndarray


class _Part(NamedTuple):
    """Of an axis: the coarse elements from first to last, and fine ones from begin to stop, among which are theirs."""

    first: int
    last: int
    begin: int
    stop: int
    add: bool  # whether earlier fine elements were collected before


class _Map(NamedTuple):
    """One map, of arrays (outer, *spatial, inner) of three spatial axes."""

    size: tuple[int, ...]
    scale: tuple[int, ...]
    mode: str
    align_corners: bool
    backward: bool
    outer: int
    inner: int
    isa: str
    itemsize: int

    @property
    def function(self) -> str:
        return _FUNCTIONS[self.mode][self.backward]

    @property
    def width(self) -> int:
        return max(1, min(self.inner, _WIDTH))


def plans(
    size: tuple[int, ...], scale: tuple[int, ...], mode: str, align_corners: bool, backward: bool, outer: int, inner: int,
    isa: str, itemsize: int,
) -> Iterator[Rows]:  # fmt: skip
    """The parts of a map, one for each block, for arrays (outer, *spatial, inner) of three spatial axes."""
    key = (size, scale, mode, align_corners, backward, outer, inner, isa, itemsize)
    rows = _cached(*key)
    if rows is not None:
        yield rows
        return
    whole = _Map(*key)
    for z in _parts(whole, 0):
        for y in _parts(whole, 1):
            for x in _parts(whole, 2):
                yield Rows(_plan(whole, (z, y, x)))


@bounded_cache(256, _KEPT, lambda rows: rows.nbytes if rows else 0)
def _cached(*key: Any) -> Rows | None:
    """The only part, if there is one only."""
    whole = _Map(*key)
    parts = [list(islice(_parts(whole, axis), 2)) for axis in range(3)]
    return Rows(_plan(whole, [part for (part,) in parts])) if all(len(each) == 1 for each in parts) else None


def _parts(whole: _Map, axis: int) -> Iterator[_Part]:
    """Parts of an axis, as large as a block may be."""
    size, scale = whole.size[axis], whole.scale[axis]
    most, collects = max(1, _BLOCK // whole.width) if axis == 2 else _BLOCK, whole.function == "collect"
    if size * scale <= most or whole.mode == "bed_of_nails" or (axis < 2 and whole.function == "repeat"):  # no tables
        yield _Part(0, size, 0, size * scale, False)
        return
    step, before, behind = max(1, most // scale), 2 * collects, 3 * collects
    for first in range(0, size, step):
        last = min(first + step, size)
        begin, stop = max(0, first - before) * scale, min(last + behind, size) * scale
        if scale <= most:
            yield _Part(first, last, begin, stop, False)
            continue
        add = False
        for at in range(begin, stop, most):
            part = _Part(first, last, at, min(at + most, stop), add)
            if not collects or _has_any(whole, axis, part):
                yield part
                add = collects


def _has_any(whole: _Map, axis: int, part: _Part) -> bool:
    """Whether one of the fine elements has a part of the only coarse one."""
    ends = [_neighbours(whole, axis, at, at + 1) for at in (part.begin, part.stop - 1)]
    return bool(ends[0][0][0] <= part.first <= ends[1][1][0])


def _plan(whole: _Map, parts: Any) -> SimpleNamespace:
    """The plan for a part of each axis; see resampling.h for the names."""
    size, scale, inner = whole.size, whole.scale, whole.inner
    plan = SimpleNamespace(
        isa=whole.isa, itemsize=whole.itemsize, outer=whole.outer, inner=inner, width=whole.width, coarse=size,
        fine=tuple(n * k for n, k in zip(size, scale, strict=True)), scale=scale, function=whole.function,
        plain=whole.mode == "nearest", add=any(part.add for part in parts),
        origin=[0, 0], box=list(size[:2]), reach=[1, 1],
    )  # fmt: skip
    plan.low = plan.high = plan.start = plan.end = [np.zeros(0, np.int64)] * 2
    plan.part = plan.weight = [np.zeros(0)] * 2
    if plan.function == "interpolate":
        axes = [_neighbours(whole, axis, part.begin, part.stop) for axis, part in enumerate(parts[:2])]
        plan.low, plan.high, plan.part = map(list, zip(*axes, strict=True))
        plan.origin, plan.box = [part.begin for part in parts[:2]], [part.stop - part.begin for part in parts[:2]]
    elif plan.function == "collect":
        supports = [_supports(whole, axis, part) for axis, part in enumerate(parts[:2])]
        plan.start, plan.end, plan.weight = map(list, zip(*supports, strict=True))
        plan.reach = [weight.shape[1] for weight in plan.weight]
        plan.origin, plan.box = [part.first for part in parts[:2]], [part.last - part.first for part in parts[:2]]
    plan.rows = prod(plan.box) * whole.outer
    per_row = plan.fine[2] * inner * (1 if plan.function == "interpolate" else scale[0] * scale[1])
    plan.chunk = max(1, _TASK // per_row)
    if whole.mode == "bed_of_nails":
        _add_no_columns(plan)
    else:
        _add_columns(plan, whole, parts[2])
    plan.nbytes = sum(table.nbytes for table in _tables(plan))
    return plan


def _tables(plan: Any) -> Iterator[Array]:
    for value in vars(plan).values():
        yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, np.ndarray))


def _add_no_columns(plan: Any) -> None:
    plan.columns, plan.how, plan.scratch = [0] * 4, COPY, 64
    plan.reach.append(1)
    for name in ("at", "base", "first", "second", "keep", "take", "column_start", "column_count", "column_weight"):
        setattr(plan, name, np.zeros(0, np.int64))


def _add_columns(plan: Any, whole: _Map, columns: _Part) -> None:
    inner, scale, dtype = whole.inner, whole.scale[2], np.dtype(f"f{whole.itemsize}")
    plan.column_start = plan.column_count = plan.at = plan.base = plan.first = plan.second = np.zeros(0, np.int64)
    plan.column_weight = plan.keep = plan.take = np.zeros(0, dtype)
    plan.how = COPY if scale == 1 else BLOCKS
    plan.reach.append(1)
    if plan.function == "collect":
        start, end, weight = _supports(whole, 2, columns)
        coarse_at, fine_at = (columns.first, columns.last), (int(start[0]), int(end[-1]))
        plan.column_start, plan.column_count = start - fine_at[0], end - start
        plan.column_weight, plan.reach[2] = np.ascontiguousarray(weight, dtype), weight.shape[1]
    else:
        low, high, part = _neighbours(whole, 2, columns.begin, columns.stop)
        coarse_at, fine_at = (int(low[0]), int(high[-1]) + 1), (columns.begin, columns.stop)
    coarse, fine = coarse_at[1] - coarse_at[0], fine_at[1] - fine_at[0]
    plan.columns = [coarse_at[0] * inner, coarse * inner, fine_at[0] * inner, fine * inner]
    plan.scratch = ((fine if plan.function == "collect" else coarse) * plan.width + 16) * whole.itemsize + 64
    if plan.function != "collect" and scale > 1:
        _find_neighbours(plan, low - coarse_at[0], high - coarse_at[0], part, dtype)


def _find_neighbours(plan: Any, low: Array, high: Array, part: Array, dtype: np.dtype) -> None:
    """For each fine element of the block its two neighbours within the block, and their weights."""
    # Where there is no second neighbour, two halves of the first: no zero times infinity.
    keep, take = np.where(part == 0, 0.5, 1 - part), np.where(part == 0, 0.5, part)
    lanes = permuted_lanes(plan.isa, plan.itemsize)
    if plan.inner <= max(lanes, 4) // 2:
        low, high = (_spread(each, plan.inner) for each in (low, high))
        keep, take = np.repeat(keep, plan.inner), np.repeat(take, plan.inner)
        plan.how = INDEX
        if lanes:
            _try_to_permute(plan, low, high, lanes)
    if plan.how == PERMUTE:
        order = _groups(len(low), lanes)
        low, high = low[order] - np.repeat(plan.base, lanes), high[order] - np.repeat(plan.base, lanes)
        keep, take = keep[order], take[order]
        bits = np.dtype(f"i{plan.itemsize}")
        low, high = low.astype(bits), high.astype(bits)
    plan.first, plan.second = np.ascontiguousarray(low), np.ascontiguousarray(high)
    plan.keep, plan.take = keep.astype(dtype), take.astype(dtype)


def _try_to_permute(plan: Any, low: Array, high: Array, lanes: int) -> None:
    """Find a coarse vector for each fine one, if there is one."""
    order = _groups(len(low), lanes).reshape(-1, lanes)
    base = np.minimum(low[order].min(axis=1), max(plan.columns[1] - lanes, 0))
    if (high[order].max(axis=1) - base < lanes).all():
        plan.how, plan.base = PERMUTE, base
        plan.at = np.ascontiguousarray(order[:, 0])


def _groups(count: int, lanes: int) -> Array:
    """The fine elements of each vector; the last one overlaps the one before it, or repeats the last element."""
    starts = np.arange(0, count, lanes)
    starts[-1] = max(0, count - lanes)
    return np.minimum(np.add.outer(starts, np.arange(lanes)), count - 1).ravel()


def _spread(places: Array, inner: int) -> Array:
    return np.add.outer(places * inner, np.arange(inner)).ravel()


def _neighbours(whole: _Map, axis: int, begin: int, stop: int) -> tuple[Array, Array, Array]:
    """For the fine elements of an axis from begin to stop, their two coarse neighbours and the part of the second."""
    size, scale = whole.size[axis], whole.scale[axis]
    j = np.arange(begin, stop)
    if whole.mode != "bilinear":
        return j // scale, j // scale, np.zeros(len(j))
    if whole.align_corners:  # in whole numbers, so that what meets an element meets it exactly
        denominator = max(size * scale - 1, 1)
        first, rest = divmod(
            begin * (size - 1), denominator
        )  # and small ones, for the product of two sizes may have 65 bits
        low, rest = np.divmod((j - begin) * (size - 1) + rest, denominator)
        low += first
    else:
        denominator = 2 * scale
        low, rest = np.divmod(np.clip(2 * j + 1 - scale, 0, 2 * scale * (size - 1)), denominator)
    return low, low + (rest > 0), rest / denominator


def _supports(whole: _Map, axis: int, of: _Part) -> tuple[Array, Array, Array]:
    """For the coarse elements of a part, the fine ones that have a part of them, from start to end; the weights."""
    low, high, part = _neighbours(whole, axis, of.begin, of.stop)
    i = np.arange(of.first, of.last)
    start, end = np.searchsorted(high, i), np.searchsorted(low, i, "right")
    offset = np.arange(int((end - start).max()))
    j = np.minimum(start[:, None] + offset, len(low) - 1)
    weight = np.where(low[j] == i[:, None], 1 - part[j], part[j])
    return start + of.begin, end + of.begin, np.where(offset < (end - start)[:, None], weight, 0.0)
