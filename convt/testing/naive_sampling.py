"""The definitions of upsampling and pooling, as naively as they can be said, in float64.

Upsampling is a list of meetings: a fine element, a coarse element, and the weight with which the one has the other. Pooling
looks at the elements of each window one after the other. As `naive.py` does, it shares no code with any backend, so that it
can judge all of them. Arguments are those that a backend is given, results are returned.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from ..backend import Problem

__all__ = [
    "max_pool",
    "max_pool_backward",
    "max_unpool",
    "max_unpool_backward",
    "meetings",
    "tensor_indices",
    "upsample",
    "upsample_backward",
]

Array = np.ndarray[Any, np.dtype[Any]]


@lru_cache(maxsize=64)
def meetings(problem: Problem, mode: str, align_corners: bool) -> tuple[Array, Array, Array]:
    """All pairs of elements that meet: the flat index of the fine one, that of the coarse one, and their weight.

    Along each axis, fine element j lies at coarse position ``(j + 0.5) / scale - 0.5``, moved inside, or with aligned
    corners at ``j * (size - 1) / (size * scale - 1)``. "bilinear" weighs coarse element i with ``1 - |position - i|`` where
    that is above 0; products of the axes' weights are those of the elements.
    """
    axes = [
        _meetings_along(size, scale, mode, align_corners)
        for size, scale in zip(problem.coarse_shape, problem.stride, strict=True)
    ]
    fine, coarse, weight = np.zeros(1, np.int64), np.zeros(1, np.int64), np.ones(1)
    for (j, i, part), size, scale in zip(axes, problem.coarse_shape, problem.stride, strict=True):
        fine = (fine[:, None] * (size * scale) + j).ravel()
        coarse = (coarse[:, None] * size + i).ravel()
        weight = (weight[:, None] * part).ravel()
    return fine, coarse, weight


def _meetings_along(size: int, scale: int, mode: str, align_corners: bool) -> tuple[Array, Array, Array]:
    found = []
    for j in range(size * scale):
        for i in range(size):
            if mode == "nearest":
                weight = 1.0 if i == j // scale else 0.0
            elif mode == "bed_of_nails":
                weight = 1.0 if j == i * scale else 0.0
            else:
                if align_corners:
                    position, unit = j * (size - 1), max(size * scale - 1, 1)  # in whole numbers of 1 / unit
                else:
                    position, unit = min(max(2 * j + 1 - scale, 0), 2 * scale * (size - 1)), 2 * scale
                weight = max(unit - abs(position - i * unit), 0) / unit
            if weight:
                found.append((j, i, weight))
    j_of, i_of, weights = zip(*found, strict=True)
    return np.array(j_of), np.array(i_of), np.array(weights)


def upsample(problem: Problem, mode: str, align_corners: bool, coarse: Array) -> Array:
    """The fine array."""
    i_fine, i_coarse, weight = meetings(problem, mode, align_corners)
    return _summed(_flat(coarse), i_coarse, weight, i_fine, problem.fine_shape)


def upsample_backward(problem: Problem, mode: str, align_corners: bool, fine: Array) -> Array:
    """The coarse array: the same meetings from the other side."""
    i_fine, i_coarse, weight = meetings(problem, mode, align_corners)
    return _summed(_flat(fine), i_fine, weight, i_coarse, problem.coarse_shape)


def _summed(array: Array, here: Array, weight: Array, there: Array, shape: tuple[int, ...]) -> Array:
    result = np.zeros((*array.shape[:2], prod(shape)))
    places: Any = (..., there)
    with np.errstate(invalid="ignore"):
        np.add.at(result, places, array[..., here] * weight)
    return result.reshape(*array.shape[:2], *shape)


def max_pool(problem: Problem, fine: Array) -> tuple[Array, Array]:
    """The coarse array, in the dtype of `fine`, and the int64 indices.

    Of each window the first of the largest elements in scan order, or its first NaN.
    """
    values = fine.reshape(*fine.shape[:2], -1)
    coarse = np.zeros((*fine.shape[:2], prod(problem.coarse_shape)), fine.dtype)
    indices = np.full(coarse.shape, -1)
    for place, window in enumerate(_windows(problem)):
        for f in window:
            value, best = values[..., f], coarse[..., place]
            with np.errstate(invalid="ignore"):
                better = (indices[..., place] < 0) | (value > best) | (np.isnan(value) & ~np.isnan(best))
            coarse[..., place] = np.where(better, value, best)
            indices[..., place] = np.where(better, f, indices[..., place])
    shape = problem.coarse_array_shape
    return coarse.reshape(shape), indices.reshape(shape)


@lru_cache(maxsize=64)
def _windows(problem: Problem) -> list[list[int]]:
    """The flat fine indices of each window, in scan order."""
    windows = []
    for q in np.ndindex(problem.coarse_shape):
        window = []
        for tap in np.ndindex(problem.kernel_shape):
            flat = 0
            for at, t, stride, padding, dilation, size in zip(
                q, tap, problem.stride, problem.padding, problem.dilation, problem.fine_shape, strict=True
            ):
                f = at * stride - padding + t * dilation
                flat = flat * size + f if flat >= 0 and 0 <= f < size else -1
            if flat >= 0:
                window.append(flat)
        windows.append(window)
    return windows


def max_pool_backward(problem: Problem, coarse: Array, indices: Array) -> Array:
    """The fine array: at each index the sum of its coarse elements."""
    values, places = _flat(coarse), indices.reshape(*indices.shape[:2], -1)
    result = np.zeros((*values.shape[:2], prod(problem.fine_shape)))
    for image, channel in np.ndindex(values.shape[:2]):
        for value, place in zip(values[image, channel], places[image, channel], strict=True):
            result[image, channel, place] += value
    return result.reshape(problem.fine_array_shape)


def max_unpool(problem: Problem, coarse: Array, indices: Array) -> Array:
    """The fine array in the dtype of `coarse`: at each index the last of its coarse elements."""
    values, places = (array.reshape(*array.shape[:2], -1) for array in (coarse, indices))
    result = np.zeros((*values.shape[:2], prod(problem.fine_shape)), coarse.dtype)
    for image, channel in np.ndindex(values.shape[:2]):
        for at, place in enumerate(places[image, channel]):
            result[image, channel, place] = values[image, channel, at]
    return result.reshape(problem.fine_array_shape)


def max_unpool_backward(problem: Problem, fine: Array, indices: Array) -> Array:
    """The coarse array in the dtype of `fine`: the element at each index, for the last that has this index."""
    values, places = (array.reshape(*array.shape[:2], -1) for array in (fine, indices))
    result = np.zeros(places.shape, fine.dtype)
    for image, channel in np.ndindex(values.shape[:2]):
        last = {place: at for at, place in enumerate(places[image, channel].tolist())}
        for place, at in last.items():
            result[image, channel, at] = values[image, channel, place]
    return result.reshape(problem.coarse_array_shape)


def tensor_indices(problem: Problem, indices: Array) -> Array:
    """Indices that count the whole fine tensor, (N, C, *spatial), for those that count one channel of one image."""
    result = indices.copy()
    for plane, (image, channel) in enumerate(np.ndindex(indices.shape[:2])):
        result[image, channel] += plane * prod(problem.fine_shape)
    return result


def _flat(array: Array) -> Array:
    return array.astype(np.float64).reshape(*array.shape[:2], -1)
