"""Plans of upsampling: the tables with which rows are interpolated, repeated or collected.

Rows are cut into blocks of columns, so that the tables stay small however long a row is. The tables of nearby sizes are
cached.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from ._rows import BLOCKS, COPY, INDEX, PERMUTE, Rows, permuted_lanes

__all__ = ["plans"]

_BLOCK = 1 << 15  # fine elements of a row that are done with one set of tables
_TASK = 1 << 14  # fine elements of a task

_FUNCTIONS = {"bilinear": ("interpolate", "collect"), "nearest": ("repeat", "collect"), "bed_of_nails": ("nails", "pick")}

Array = np.ndarray


def plans(
    size: tuple[int, ...], scale: tuple[int, ...], mode: str, align_corners: bool, backward: bool, outer: int, inner: int,
    isa: str, itemsize: int,
) -> Iterator[Rows]:  # fmt: skip
    """The parts of a map, one for each block of columns, for arrays (outer, *spatial, inner) of three spatial axes."""
    key = (size, scale, mode, align_corners, backward, outer, inner, isa, itemsize)
    step = max(1, _BLOCK // (scale[2] * inner))
    if (step >= size[2] or mode == "bed_of_nails") and size[0] * scale[0] + size[1] * scale[1] <= _BLOCK:
        yield _cached(*key)
        return
    for first in range(0, size[2], step if mode != "bed_of_nails" else size[2]):
        yield Rows(_plan(*key, first, min(first + step, size[2])))


@lru_cache(maxsize=256)
def _cached(*key: Any) -> Rows:
    return Rows(_plan(*key, 0, key[0][2]))


def _plan(
    size: tuple[int, ...], scale: tuple[int, ...], mode: str, align_corners: bool, backward: bool, outer: int, inner: int,
    isa: str, itemsize: int, first: int, last: int,
) -> SimpleNamespace:  # fmt: skip
    """The plan for the coarse columns from first to last; see resampling.h for the names."""
    dtype = np.dtype(f"f{itemsize}")
    fine = tuple(n * k for n, k in zip(size, scale, strict=True))
    plan = SimpleNamespace(
        isa=isa, itemsize=itemsize, outer=outer, inner=inner, coarse=size, fine=fine, scale=scale,
        function=_FUNCTIONS[mode][backward], plain=mode == "nearest",
    )  # fmt: skip
    axes = [_neighbours(n, k, mode, align_corners, 0, n * k) for n, k in zip(size[:2], scale[:2], strict=True)]
    plan.low, plan.high, plan.part = map(list, zip(*axes, strict=True))
    supports = [_supports(0, n, *axis) for n, axis in zip(size[:2], axes, strict=True)]
    plan.start, plan.end, plan.weight = map(list, zip(*supports, strict=True))
    plan.reach = [weight.shape[1] for _, _, weight in supports]
    of_all = np.prod(size[:2]) * outer
    plan.rows = int(of_all * scale[0] * scale[1] if plan.function == "interpolate" else of_all)
    per_row = fine[2] * inner * (1 if plan.function == "interpolate" else scale[0] * scale[1])
    plan.chunk = max(1, _TASK // per_row)
    if mode == "bed_of_nails":
        _add_no_columns(plan)
    else:
        _add_columns(plan, mode, align_corners, first, last, dtype)
    return plan


def _add_no_columns(plan: Any) -> None:
    plan.columns, plan.how, plan.scratch = [0] * 4, COPY, 64
    plan.reach.append(1)
    for name in ("at", "base", "first", "second", "keep", "take", "column_start", "column_count", "column_weight"):
        setattr(plan, name, np.zeros(0, np.int64))


def _add_columns(plan: Any, mode: str, align_corners: bool, first: int, last: int, dtype: np.dtype) -> None:
    inner, scale = plan.inner, plan.scale[2]
    begin, stop = max(0, (first - 2) * scale), min(plan.fine[2], (last + 3) * scale)  # has all that the block needs
    axis = _neighbours(plan.coarse[2], scale, mode, align_corners, begin, stop)
    start, end, weight = _supports(first, last, *axis)
    start, end = start + begin, end + begin
    plan.reach.append(weight.shape[1])
    low, high, part = (each[first * scale - begin : last * scale - begin] for each in axis)
    if plan.function == "collect":
        coarse_at, fine_at = (first, last), (int(start[0]), int(end[-1]))
    else:
        coarse_at, fine_at = (int(low[0]), int(high[-1]) + 1), (first * scale, last * scale)
    plan.columns = [
        coarse_at[0] * inner, (coarse_at[1] - coarse_at[0]) * inner, fine_at[0] * inner, (fine_at[1] - fine_at[0]) * inner
    ]  # fmt: skip
    plan.column_start, plan.column_count = (start - fine_at[0]) * inner, end - start
    plan.column_weight = np.ascontiguousarray(weight, dtype)
    low, high = low - coarse_at[0], high - coarse_at[0]
    # Where there is no second neighbour, two halves of the first: no zero times infinity.
    keep, take = np.where(part == 0, 0.5, 1 - part), np.where(part == 0, 0.5, part)
    lanes = permuted_lanes(plan.isa, plan.itemsize)
    plan.how = COPY if scale == 1 else BLOCKS
    plan.at = plan.base = np.zeros(0, np.int64)
    if scale > 1 and inner <= max(lanes, 4) // 2:
        low, high = (_spread(each, inner) for each in (low, high))
        keep, take = np.repeat(keep, inner), np.repeat(take, inner)
        plan.how = INDEX
        if lanes:
            _try_to_permute(plan, low, high, lanes)
    else:
        low, high = low * inner, high * inner
    if plan.how == PERMUTE:
        order = _groups(len(low), lanes)
        low, high = low[order] - np.repeat(plan.base, lanes), high[order] - np.repeat(plan.base, lanes)
        keep, take = keep[order], take[order]
        bits = np.dtype(f"i{plan.itemsize}")
        low, high = low.astype(bits), high.astype(bits)
    plan.first, plan.second = np.ascontiguousarray(low), np.ascontiguousarray(high)
    plan.keep, plan.take = keep.astype(dtype), take.astype(dtype)
    scratch = plan.columns[3] if plan.function == "collect" else plan.columns[1]
    plan.scratch = (scratch + 16) * plan.itemsize + 64


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


def _neighbours(size: int, scale: int, mode: str, align_corners: bool, begin: int, stop: int) -> tuple[Array, Array, Array]:
    """For the fine elements of an axis from begin to stop, their two coarse neighbours and the part of the second."""
    j = np.arange(begin, stop)
    if mode != "bilinear":
        return j // scale, j // scale, np.zeros(len(j))
    if align_corners:  # in whole numbers, so that what meets an element meets it exactly
        numerator, denominator = j * (size - 1), max(size * scale - 1, 1)
    else:
        numerator, denominator = np.clip(2 * j + 1 - scale, 0, 2 * scale * (size - 1)), 2 * scale
    low, rest = np.divmod(numerator, denominator)
    return low, low + (rest > 0), rest / denominator


def _supports(first: int, last: int, low: Array, high: Array, part: Array) -> tuple[Array, Array, Array]:
    """For the coarse elements from first to last, the fine ones that have a part of them, from start to end; the weights."""
    i = np.arange(first, last)
    start, end = np.searchsorted(high, i), np.searchsorted(low, i, "right")
    offset = np.arange(int((end - start).max()))
    j = np.minimum(start[:, None] + offset, len(low) - 1)
    weight = np.where(low[j] == i[:, None], 1 - part[j], part[j])
    return start, end, np.where(offset < (end - start)[:, None], weight, 0.0)
