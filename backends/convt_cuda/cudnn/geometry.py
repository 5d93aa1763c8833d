"""Which problems cuDNN can express, and how.

cuDNN has one padding per axis, before and after alike and never negative, and the coarse size must be

    coarse = (fine + 2 * padding - (kernel - 1) * dilation - 1) // stride + 1

Where the paddings differ, a larger fine array with the smaller of the two has the same coarse elements: ours lies inside of
it, and the rest of it is zeros (gather, correlate) or thrown away (scatter).
"""

from __future__ import annotations

from itertools import starmap
from math import prod
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from convt.backend import Problem

__all__ = ["Fit", "fit", "why_not"]

_LIMIT = 2**31  # cuDNN counts elements in 32 bits
_DTYPES = ("float32", "float64")


class Fit(NamedTuple):
    """A problem as cuDNN has it.

    Attributes
    ----------
    padding : tuple of int
    fine_shape : tuple of int
        At least as large as the problem's.
    offset : tuple of int
        Where the problem's fine array begins in it.
    """

    padding: tuple[int, ...]
    fine_shape: tuple[int, ...]
    offset: tuple[int, ...]


def why_not(problem: Problem) -> str | None:
    """Why cuDNN cannot do a problem, in words for the user; None if it can."""
    if problem.dtype.name not in _DTYPES:
        return f"cuDNN is called for {' and '.join(_DTYPES)} only"
    if not _sizes(problem):
        return "cuDNN has no sizes of zero"
    axes = _axes(problem)
    if any(before < 0 for before, _, _ in axes):
        return "cuDNN has no negative padding"
    if any(after < 0 and before - after >= stride for before, after, stride in axes):
        return "cuDNN has no output padding of a stride or more"
    fitted = _fit(problem)
    if max(_sizes(problem, fitted)) >= _LIMIT:
        return "cuDNN has no arrays of 2**31 elements or more"
    return None


def fit(problem: Problem) -> Fit | None:
    """The problem as cuDNN has it, or None."""
    return None if why_not(problem) else _fit(problem)


def _fit(problem: Problem) -> Fit:
    padding, offset, extra = zip(*starmap(_fit_axis, _axes(problem)), strict=True)
    return Fit(padding, tuple(map(sum, zip(problem.fine_shape, extra, strict=True))), offset)


def _axes(problem: Problem) -> list[tuple[int, int, int]]:
    """Per axis what lies outside the fine array, before and after it, and the stride."""
    axes = zip(
        problem.coarse_shape,
        problem.stride,
        problem.kernel_shape,
        problem.dilation,
        problem.padding,
        problem.fine_shape,
        strict=True,
    )
    return [(before, (c - 1) * s + (k - 1) * d + 1 - before - fine, s) for c, s, k, d, before, fine in axes]


def _fit_axis(before: int, after: int, stride: int) -> tuple[int, int, int]:
    """The padding, what goes in front of the fine array, and by how much it grows."""
    if 0 <= before - after < stride:  # the last fine elements of a stride may be missing, or never be met
        return before, 0, 0
    padding = min(before, after)
    return padding, before - padding, abs(before - after)


def _sizes(problem: Problem, fitted: Fit | None = None) -> list[int]:
    """Elements of the three arrays; nothing if any is empty."""
    fine_shape = fitted.fine_shape if fitted else problem.fine_shape
    sizes = [
        problem.batch * problem.fine_channels * prod(fine_shape),
        problem.batch * problem.coarse_channels * prod(problem.coarse_shape),
        prod(problem.kernel_array_shape),
    ]
    return sizes if min(sizes) > 0 else []
