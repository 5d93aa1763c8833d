"""Max pooling in NumPy: the definition, and the default of backends without pooling of their own.

`max_pool` visits the elements of a window in scan order, each in all windows at once. The functions take the arguments that
`convt.backend.Backend` describes, with numbers of any dtype.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..backend import Problem
from ..core.problem import inside
from .maps import span

__all__ = ["max_pool", "max_pool_backward", "max_unpool", "max_unpool_backward", "move_indices"]

Array = np.ndarray[Any, np.dtype[Any]]


def max_pool(problem: Problem, fine: Array, coarse: Array, indices: Array) -> None:
    """Write coarse and indices. A NaN replaces any number, and is never replaced."""
    indices[...] = -1
    places = np.arange(prod(problem.fine_shape)).reshape(problem.fine_shape)
    for tap in np.ndindex(problem.kernel_shape):
        spans = [span(problem, axis, tap[axis]) for axis in range(len(tap))]
        at: Any = (..., *(place for place, _ in spans))
        there: Any = (..., *(place for _, place in spans))
        value, best = fine[there], coarse[at]
        taken = (indices[at] < 0) | (~(value <= best) & (best == best))
        coarse[at] = np.where(taken, value, best)
        indices[at] = np.where(taken, places[there], indices[at])


def max_pool_backward(problem: Problem, coarse: Array, indices: Array, fine: Array) -> bool:
    """Write fine: the sums of the coarse elements of each index, in scan order."""
    if not inside(problem, indices):
        return False
    sums = np.zeros((problem.batch * problem.fine_channels, prod(problem.fine_shape)), coarse.dtype)
    np.add.at(sums, (np.arange(len(sums))[:, None], indices.reshape(len(sums), -1)), coarse.reshape(len(sums), -1))
    fine[...] = sums.reshape(fine.shape)
    return True


def max_unpool(problem: Problem, coarse: Array, indices: Array, fine: Array) -> bool:
    """Write fine: the last of the coarse elements of each index, else zero."""
    if not inside(problem, indices):
        return False
    last = _last(problem, indices)
    values = coarse.reshape(len(last), -1)
    taken = np.take_along_axis(values, np.maximum(last, 0), 1)
    fine[...] = np.where(last < 0, values.dtype.type(0), taken).reshape(fine.shape)
    return True


def max_unpool_backward(problem: Problem, fine: Array, indices: Array, coarse: Array) -> bool:
    """Write coarse: the fine element of each index if it is the last that has it, else zero."""
    if not inside(problem, indices):
        return False
    last = _last(problem, indices)
    places = indices.reshape(len(last), -1)
    stayed = np.take_along_axis(last, places, 1) == np.arange(places.shape[1])
    taken = np.take_along_axis(fine.reshape(len(last), -1), places, 1)
    coarse[...] = np.where(stayed, taken, fine.dtype.type(0)).reshape(coarse.shape)
    return True


def move_indices(problem: Problem, indices: Array, sign: int, moved: Array) -> None:
    """Write moved: indices plus `sign` times the position of the first fine element of their image's channel."""
    # The sum is of contiguous arrays: for others NumPy's ufuncs need memory, and give no error where it cannot be had.
    first = np.arange(problem.batch * problem.fine_channels) * (sign * prod(problem.fine_shape))
    total = np.empty(indices.shape, np.int64)
    total[...] = first.reshape(problem.batch, problem.fine_channels, *[1] * len(problem.fine_shape))
    total += np.ascontiguousarray(indices)
    moved[...] = total


def _last(problem: Problem, indices: Array) -> Array:
    """Return, for each flat fine position of a plane, the last flat coarse position whose index it is, or -1."""
    planes = problem.batch * problem.fine_channels
    last = np.full((planes, prod(problem.fine_shape)), -1)
    places = indices.reshape(planes, -1)
    np.maximum.at(last, (np.arange(planes)[:, None], places), np.arange(places.shape[1]))
    return last
