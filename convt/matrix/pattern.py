"""The sparsity of the matrix, by index arithmetic: which taps, at which columns, each row has.

A position of y and a tap *meet* at one element of x, unless that lies in the padding. Along one spatial axis the taps that
meet a position are a range; a `Level` holds these ranges for all positions. `expand` combines the levels of all axes and
lists the meetings in the order of a CSR matrix's elements. Read `sparse.py` for what is made of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..core.problem import Problem

__all__ = ["Indices", "Level", "count_meetings", "every", "expand", "ranges", "spatial_levels"]

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Level:
    """For every row, a range of taps along one axis; each meets the column ``base + tap * step``.

    Attributes
    ----------
    first, count, base : ndarray, (rows,)
        The range's first tap, its length, and the column of a tap 0.
    step : int
    columns, taps : int
        The sizes of x and of the kernel along the axis.
    """

    first: Indices
    count: Indices
    base: Indices
    step: int
    columns: int
    taps: int

    def at(self, rows: Indices) -> Level:
        """The same for some of the rows."""
        return replace(self, first=self.first[rows], count=self.count[rows], base=self.base[rows])


def spatial_levels(problem: Problem) -> list[Level]:
    """One level per spatial axis, whose rows are the positions of y along that axis."""
    return [_level(*sizes) for sizes in _axes(problem)]


def every(rows: int, size: int, *, step: int, columns: int) -> Level:
    """A level in which each row meets all `size` taps."""
    zeros = np.zeros(rows, np.int64)
    return Level(zeros, zeros + size, zeros, step, columns, size)


def expand(levels: Sequence[Level]) -> tuple[Indices, Indices]:
    """Combine levels: the columns and the taps of all meetings, row by row, those of the last level varying fastest.

    Examples
    --------
    >>> import numpy as np
    >>> from convt.matrix.pattern import Level, expand
    >>> line = Level(np.array([1, 0]), np.array([2, 3]), np.array([-1, 0]), 1, 3, 3)     # conv of 3 taps, padding 1
    >>> expand([line])
    (array([0, 1, 0, 1, 2]), array([1, 2, 0, 1, 2]))
    """
    rows = np.arange(len(levels[0].count))
    columns = taps = np.zeros(len(rows), np.int64)
    for depth, level in enumerate(levels):
        here = level.at(rows) if depth else level
        columns, taps = columns * level.columns + here.base, taps * level.taps
        tap = ranges(here.first, here.count)
        columns, taps = np.repeat(columns, here.count), np.repeat(taps, here.count)
        taps += tap
        columns += np.multiply(tap, level.step, out=tap)
        if depth + 1 < len(levels):
            rows = np.repeat(rows, here.count)
    return columns, taps


def ranges(starts: Indices, lengths: Indices) -> Indices:
    """``[*range(s, s + n) for s, n in zip(starts, lengths)]`` as one array.

    Examples
    --------
    >>> import numpy as np
    >>> from convt.matrix.pattern import ranges
    >>> ranges(np.array([7, 0, 3]), np.array([2, 0, 3]))
    array([7, 8, 3, 4, 5])
    """
    ends = lengths.cumsum()
    result: Indices = np.repeat(starts - ends + lengths, lengths)
    result += np.arange(len(result))
    return result


def count_meetings(problem: Problem) -> int:
    """Count all meetings, without arrays that are longer than the kernel."""
    count = 1
    for coarse, fine, kernel, stride, padding, dilation in _axes(problem):
        offset = np.arange(kernel) * dilation - padding  # fine = coarse * stride + offset
        first = np.maximum(-(offset // stride), 0)
        last = np.minimum((fine - 1 - offset) // stride, coarse - 1)
        count *= sum(np.maximum(last - first + 1, 0).tolist())
    return count


def _axes(problem: Problem) -> list[tuple[int, ...]]:
    """(coarse, fine, kernel, stride, padding, dilation) of every axis."""
    sizes = (problem.coarse_shape, problem.fine_shape, problem.kernel_shape)
    return list(zip(*sizes, problem.stride, problem.padding, problem.dilation, strict=True))


def _level(coarse: int, fine: int, kernel: int, stride: int, padding: int, dilation: int) -> Level:
    base = np.arange(coarse) * stride - padding  # fine = base + tap * dilation
    first = np.clip(-(base // dilation), 0, kernel)
    count = np.clip((fine - 1 - base) // dilation + 1, first, kernel) - first
    return Level(first, count, base, dilation, fine, kernel)
