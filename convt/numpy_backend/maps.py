"""The NumPy backend: the definition of the three maps.

For one tap, each coarse position has one fine position, ``coarse * stride - padding + tap * dilation``. For each group and
tap, slices select the pairs that lie inside both arrays, and a matrix product combines them.

The products are ``@``, not ``np.dot``, which drops 0 * inf in the product of a 1 x 1 and a 1 x n matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from ..backend import Backend, Problem

__all__ = ["NumpyBackend", "backend", "span"]


class NumpyBackend(Backend):
    """The three maps in NumPy: always available, written to be read and to check other backends against."""

    name = "numpy"

    def scatter(self, problem: Problem, coarse: Any, kernel: Any, bias: Any, fine: Any) -> None:
        _fill(fine, bias)
        for c, k, f in _meetings(problem):
            fine[f] += _mix(kernel[k].T, coarse[c])

    def gather(self, problem: Problem, fine: Any, kernel: Any, bias: Any, coarse: Any) -> None:
        _fill(coarse, bias)
        for c, k, f in _meetings(problem):
            coarse[c] += _mix(kernel[k], fine[f])

    def correlate(self, problem: Problem, fine: Any, coarse: Any, kernel: Any) -> None:
        for c, k, f in _meetings(problem):
            kernel[k] = (_rows(coarse[c]) @ _rows(fine[f]).swapaxes(1, 2)).sum(axis=0)


def _meetings(problem: Problem) -> Iterator[tuple[Any, Any, Any]]:
    """Yield the indices of the coarse, kernel and fine elements that belong together, for each group and tap."""
    per_group_coarse = problem.coarse_channels // problem.groups
    per_group_fine = problem.fine_channels // problem.groups
    for group, tap in product(range(problem.groups), np.ndindex(problem.kernel_shape)):
        c = slice(group * per_group_coarse, (group + 1) * per_group_coarse)
        f = slice(group * per_group_fine, (group + 1) * per_group_fine)
        spans = [span(problem, axis, tap[axis]) for axis in range(len(tap))]
        yield (
            (slice(None), c, *(coarse for coarse, _ in spans)),
            (c, slice(None), *tap),
            (slice(None), f, *(fine for _, fine in spans)),
        )


def span(problem: Problem, axis: int, tap: int) -> tuple[slice, slice]:
    """Return the coarse positions along one axis whose fine index for this tap exists, and these fine indices."""
    stride = problem.stride[axis]
    offset = tap * problem.dilation[axis] - problem.padding[axis]  # fine = coarse * stride + offset
    first = max(0, -(offset // stride))
    last = min(problem.coarse_shape[axis] - 1, (problem.fine_shape[axis] - 1 - offset) // stride)
    if last < first:
        return slice(0), slice(0)
    return slice(first, last + 1), slice(first * stride + offset, last * stride + offset + 1, stride)


def _mix(matrix: Any, array: Any) -> Any:
    """Multiply a matrix (out, in) by the channels of an array (N, in, *spatial)."""
    images, _, *spatial = array.shape
    return (matrix @ _rows(array)).reshape(images, len(matrix), *spatial)


def _rows(array: Any) -> Any:
    """Reshape (N, C, *spatial) to (N, C, pixels)."""
    images, channels, *_ = array.shape
    return array.reshape(images, channels, -1)


def _fill(array: Any, bias: Any) -> None:
    array[...] = 0 if bias is None else bias.reshape(-1, *[1] * (array.ndim - 2))


backend = NumpyBackend()
