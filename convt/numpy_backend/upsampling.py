"""Upsampling in NumPy: the definition, and the default of backends without upsampling of their own.

`weights` has the two coarse elements of each fine one along an axis, and their weights, for interpolation; `interpolate` and
`collect` apply them. The other functions take the arguments that `convt.backend.Backend` describes, with numbers of any
dtype.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import numpy as np

from ..backend import Problem

__all__ = ["collect", "interpolate", "upsample", "upsample_backward", "weights"]

Array = np.ndarray[Any, np.dtype[Any]]


def weights(size: int, scale: int, align_corners: bool) -> tuple[Array, Array, Array]:
    """Return the weights of linear interpolation: ``fine[j] = (1 - t[j]) * coarse[i[j]] + t[j] * coarse[k[j]]``.

    Parameters
    ----------
    size, scale : int
        The number of coarse elements, and of fine elements for each of them.
    align_corners : bool

    Returns
    -------
    i, k, t : ndarray, (size * scale,)
        The indices of the two neighbours, and the weight of the second; if that is 0, both are the same element.

    Examples
    --------
    >>> from convt.numpy_backend.upsampling import weights
    >>> weights(2, 2, False)
    (array([0, 0, 0, 1]), array([0, 1, 1, 1]), array([0.  , 0.25, 0.75, 0.  ]))
    """
    j = np.arange(size * scale)
    if align_corners:  # in integers, so that t is exactly 0 at an element
        numerator, denominator = j * (size - 1), max(size * scale - 1, 1)
    else:
        numerator, denominator = np.clip(2 * j + 1 - scale, 0, 2 * scale * (size - 1)), 2 * scale
    i, rest = np.divmod(numerator, denominator)
    return i, i + (rest > 0), rest / denominator


def upsample(problem: Problem, mode: str, align_corners: bool, coarse: Array, fine: Array) -> None:
    """Write fine; see `convt.upsample`."""
    if mode == "bilinear":
        for axis, (size, scale) in enumerate(zip(problem.coarse_shape, problem.stride, strict=True), 2):
            coarse = interpolate(coarse, axis, *weights(size, scale, align_corners))
        fine[...] = coarse
        return
    if mode == "bed_of_nails":
        fine[...] = 0
    for corner in _corners(problem, mode):
        fine[_phase(problem, corner)] = coarse


def upsample_backward(problem: Problem, mode: str, align_corners: bool, fine: Array, coarse: Array) -> None:
    """Write coarse, by the adjoint of `upsample`."""
    if mode == "bilinear":
        for axis, (size, scale) in enumerate(zip(problem.coarse_shape, problem.stride, strict=True), 2):
            fine = collect(fine, axis, size, *weights(size, scale, align_corners))
        coarse[...] = fine
        return
    coarse[...] = 0
    for corner in _corners(problem, mode):
        coarse += fine[_phase(problem, corner)]


def _corners(problem: Problem, mode: str) -> Iterable[tuple[int, ...]]:
    """The places in a block that have a coarse element's value."""
    # Not by ndindex, which gives no error of its own where memory cannot be had.
    return product(*map(range, problem.stride)) if mode == "nearest" else [(0,) * len(problem.stride)]


def _phase(problem: Problem, corner: tuple[int, ...]) -> tuple[slice, ...]:
    """Return the index of the fine elements at one place of their blocks."""
    places = (slice(first, None, step) for first, step in zip(corner, problem.stride, strict=True))
    return (slice(None), slice(None), *places)


def interpolate(array: Array, axis: int, i: Array, k: Array, t: Array) -> Array:
    """Return the fine elements along an axis, as `weights` says."""
    t = t.reshape(-1, *[1] * (array.ndim - 1 - axis)).astype(array.dtype)
    first = array.take(i, axis)
    with np.errstate(invalid="ignore"):  # from 0 * inf, which np.where does not select
        mixed: Array = np.where(t == 0, first, (1 - t) * first + t * array.take(k, axis))
    return mixed


def collect(array: Array, axis: int, size: int, i: Array, k: Array, t: Array) -> Array:
    """Return the coarse elements along an axis, of which there are `size`, by the adjoint of `interpolate`."""
    rows = np.moveaxis(array, axis, 0)
    t = t.reshape(-1, *[1] * (array.ndim - 1)).astype(array.dtype)
    sums = np.zeros((size, *rows.shape[1:]), array.dtype)
    np.add.at(sums, i, (1 - t) * rows)
    second = np.flatnonzero(t)
    np.add.at(sums, k[second], t[second] * rows[second])
    return np.moveaxis(sums, 0, axis)
