"""The positions of y, cut into blocks that are copies of a template.

Away from the borders of x, neighbouring positions along an axis meet the same taps at columns that are shifted by a
constant. So the first of them, with all positions that belong to it on later axes, is the template of a whole stretch. Near
the borders each block is its own template.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import NamedTuple

import numpy as np

from ..core.problem import Problem
from .pattern import Indices, Level, spatial_levels

__all__ = ["Block", "blocks"]

_TEMPLATE = 2**17  # meetings in a block's template: few enough that its arrays stay in the cache
_STRETCH = 2**12  # meetings of a stretch with its copies: enough to outweigh the calls that it takes


class Block(NamedTuple):
    """``copies * size`` positions from `first` on: the template of `size` positions, and shifted copies of it.

    Attributes
    ----------
    first, size, copies : int
        In flat indices of y's positions.
    shift : int
        What the flat indices into x grow by from each copy to the next.
    levels : list of Level
        The spatial levels of the template.
    """

    first: int
    size: int
    copies: int
    shift: int
    levels: list[Level]


def blocks(problem: Problem, channels: int) -> Iterator[Block]:
    """Cut all positions, in their order.

    Parameters
    ----------
    problem : Problem
    channels : int
        How many elements of a template each meeting makes.
    """
    levels, coarse = spatial_levels(problem), problem.coarse_shape
    sizes = [_sizes(levels, axis, channels) for axis in range(len(levels))]
    axis = next((axis for axis, size in enumerate(sizes) if size.max() <= _TEMPLATE), len(levels) - 1)
    inner = prod(coarse[axis + 1 :])
    shift = problem.stride[axis] * prod(problem.fine_shape[axis + 1 :])
    cuts = list(_cut(levels[axis], sizes[axis]))
    for outer in range(0, prod(coarse[: axis + 1]), coarse[axis]):
        for begin, end, copies in cuts:
            first, size = (outer + begin) * inner, (end - begin) // copies * inner
            where = np.unravel_index(np.arange(first, first + size), coarse)
            at = [level.at(index) for level, index in zip(levels, where, strict=True)]
            yield Block(first, size, copies, shift, at)


def _sizes(levels: Sequence[Level], axis: int, channels: int) -> Indices:
    """For each position along an axis, an upper bound of the length of a template's arrays."""
    positions = prod(len(level.count) for level in levels[axis + 1 :])
    outer = prod(int(level.count.max()) for level in levels[:axis])
    inner = prod(int(level.count.sum()) for level in levels[axis + 1 :])
    return levels[axis].count * (channels * outer * inner) + positions * channels


def _cut(level: Level, sizes: Indices) -> Iterator[tuple[int, int, int]]:
    """Cut an axis into (begin, end, copies): copies is the length of a stretch with equal taps, and 1 elsewhere."""
    totals = np.concatenate([[0], sizes.cumsum()])
    position = 0
    for begin, end in _stretches(level, totals):
        yield from _ragged(position, begin, totals)
        yield begin, end, end - begin
        position = end
    yield from _ragged(position, len(sizes), totals)


def _stretches(level: Level, totals: Indices) -> Iterator[tuple[int, int]]:
    """The ranges of positions with the same taps that are long enough to be worth a template."""
    changes = np.flatnonzero(np.diff(level.first) | np.diff(level.count)) + 1
    edges = np.concatenate([[0], changes, [len(level.count)]])
    long = np.flatnonzero((np.diff(edges) > 1) & (np.diff(totals[edges]) >= _STRETCH))
    yield from zip(edges[long].tolist(), edges[long + 1].tolist(), strict=True)


def _ragged(begin: int, end: int, totals: Indices) -> Iterator[tuple[int, int, int]]:
    while begin < end:
        full = int(np.searchsorted(totals, totals[begin] + _TEMPLATE, side="right")) - 1
        stop = min(max(full, begin + 1), end)
        yield begin, stop, 1
        begin = stop
