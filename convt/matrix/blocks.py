"""The positions of y cut into blocks: stretches along one axis that meet x alike, and the ragged rest near its borders.

Neighbouring positions inside of x meet the same taps at columns that are shifted by a constant, so that one of them, with
all positions behind it on later axes, is the template of a whole stretch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import NamedTuple

import numpy as np

from ..problem import Problem
from .pattern import Indices, Level, spatial_levels

__all__ = ["Block", "blocks"]

_TEMPLATE = 2**17  # meetings in a block's template: few enough that its arrays stay in the cache
_STRETCH = 2**12  # meetings of a stretch: enough to outweigh the calls that it takes


class Block(NamedTuple):
    """``copies * size`` positions from `first` on, each `size` of them like those before, shifted.

    Attributes
    ----------
    first, size, copies : int
        Flat positions.
    shift : int
        How much higher the flat fine indices of each copy are.
    levels : list of Level
        The spatial levels of the first `size` positions.
    """

    first: int
    size: int
    copies: int
    shift: int
    levels: list[Level]


def blocks(problem: Problem, per_position: int) -> Iterator[Block]:
    """All positions in their order.

    Parameters
    ----------
    problem : Problem
    per_position : int
        The most meetings that a position has, over all channels that a template has.
    """
    levels, coarse = spatial_levels(problem), problem.coarse_shape
    axis = next((a for a in range(len(coarse)) if prod(coarse[a + 1 :]) * per_position <= _TEMPLATE), len(coarse) - 1)
    inner = prod(coarse[axis + 1 :])
    shift = problem.stride[axis] * prod(problem.fine_shape[axis + 1 :])
    cuts = list(_cut(levels[axis], inner * per_position))
    for outer in range(0, prod(coarse[: axis + 1]), coarse[axis]):
        for begin, end, copies in cuts:
            first, size = (outer + begin) * inner, (end - begin) // copies * inner
            where = np.unravel_index(np.arange(first, first + size), coarse)
            at = [level.at(index) for level, index in zip(levels, where, strict=True)]
            yield Block(first, size, copies, shift, at)


def _cut(level: Level, meetings: int) -> Iterator[tuple[int, int, int]]:
    """An axis as (begin, end, copies), where copies is the length for stretches of equal taps and 1 for the rest."""
    position = 0
    for begin, end in _stretches(level, least=-(-_STRETCH // meetings)):
        yield from _ragged(position, begin, meetings)
        yield begin, end, end - begin
        position = end
    yield from _ragged(position, len(level.count), meetings)


def _stretches(level: Level, least: int) -> Sequence[tuple[int, int]]:
    """The ranges of at least so many positions with the same taps."""
    changes: Indices = np.flatnonzero(np.diff(level.first) | np.diff(level.count)) + 1
    edges = np.concatenate([[0], changes, [len(level.count)]])
    long = np.flatnonzero(np.diff(edges) >= least)
    return list(zip(edges[long].tolist(), edges[long + 1].tolist(), strict=True))


def _ragged(begin: int, end: int, meetings: int) -> Iterator[tuple[int, int, int]]:
    step = max(1, _TEMPLATE // meetings)
    for first in range(begin, end, step):
        yield first, min(first + step, end), 1
