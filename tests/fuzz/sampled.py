"""Upsampling and pooling by their definitions. Arrays are (N, C, *spatial); nothing here is convt's."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np

Array = np.ndarray
Sizes = tuple[int, ...]


@lru_cache(maxsize=256)
def weights(size: int, scale: int, mode: str, align: bool) -> tuple[tuple[int, int, float], ...]:
    """Along an axis: (fine element, coarse element, weight) for every weight that is not zero."""
    found = []
    for j in range(size * scale):
        if mode == "nearest":
            found.append((j, j // scale, 1.0))
        elif mode == "bed_of_nails":
            found += [(j, j // scale, 1.0)] if j % scale == 0 else []
        else:
            if align:
                at = Fraction(j * (size - 1), max(size * scale - 1, 1))
            else:
                at = min(max(Fraction(2 * j + 1, 2 * scale) - Fraction(1, 2), Fraction(0)), Fraction(size - 1))
            i = int(at)
            t = at - i
            found += [(j, i, float(1 - t))] + ([(j, i + 1, float(t))] if t else [])
    return tuple(found)


def upsample(x: Array, scale: Sizes, mode: str, align: bool) -> Array:
    for axis, step in enumerate(scale, start=2):
        pairs = weights(x.shape[axis], step, mode, align)
        x = _moved(x, axis, x.shape[axis] * step, [(i, j, weight) for j, i, weight in pairs])
    return x


def upsample_backward(dy: Array, scale: Sizes, mode: str, align: bool) -> Array:
    for axis, step in enumerate(scale, start=2):
        size = dy.shape[axis] // step
        dy = _moved(dy, axis, size, list(weights(size, step, mode, align)))
    return dy


def _moved(array: Array, axis: int, size: int, triples: list[tuple[int, int, float]]) -> Array:
    """An array whose element `there` along an axis is the sum of weight times element `here`."""
    source = np.moveaxis(array, axis, 0)
    result = np.zeros((size, *source.shape[1:]), array.dtype)
    for here, there, weight in triples:
        result[there] += source[here] * result.dtype.type(weight)
    return np.moveaxis(result, 0, axis)


def pool(x: Array, size: Sizes, stride: Sizes, before: Sizes, shape: Sizes) -> tuple[Array, Array]:
    """The maxima and where each is among the spatial elements: the first of the largest, or the first NaN."""
    y = np.zeros((*x.shape[:2], *shape), x.dtype)
    indices = np.full(y.shape, -1)
    for at in np.ndindex(shape):
        starts = [max(0, q * s - b) for q, s, b in zip(at, stride, before, strict=True)]
        ends = [q * s - b + k for q, s, b, k in zip(at, stride, before, size, strict=True)]
        window = x[(..., *map(slice, starts, ends))]
        flat = window.reshape(*x.shape[:2], int(np.prod(window.shape[2:])))
        nan = flat != flat
        best = np.where(nan.any(-1), nan.argmax(-1), _argmax(flat, nan))
        place = [p + first for p, first in zip(np.unravel_index(best, window.shape[2:]), starts, strict=True)]
        indices[(..., *at)] = np.ravel_multi_index(tuple(place), x.shape[2:])
        y[(..., *at)] = np.take_along_axis(flat, best[..., None], -1)[..., 0]
    return y, indices


def _argmax(flat: Array, nan: Array) -> Array:
    return flat.argmax(-1) if flat.dtype.kind in "iub" else np.where(nan, -np.inf, flat).argmax(-1)


def add_at(values: Array, indices: Array, shape: Sizes) -> Array:
    """Zeros with each value added where its index says: the gradient of pooling."""
    result = np.zeros((*values.shape[:2], int(np.prod(shape))), values.dtype)
    for image, channel, *at in np.ndindex(values.shape):
        result[image, channel, indices[(image, channel, *at)]] += values[(image, channel, *at)]
    return result.reshape(*values.shape[:2], *shape)


def put_at(values: Array, indices: Array, shape: Sizes) -> Array:
    """Zeros with each value where its index says, the last of several: unpooling."""
    result = np.zeros((*values.shape[:2], int(np.prod(shape))), values.dtype)
    for image, channel, *at in np.ndindex(values.shape):
        result[image, channel, indices[(image, channel, *at)]] = values[(image, channel, *at)]
    return result.reshape(*values.shape[:2], *shape)


def take_at(values: Array, indices: Array) -> Array:
    """For each index what lies there, but zero for all but the last of several equal ones: the gradient of unpooling."""
    result = np.zeros(indices.shape, values.dtype)
    flat = values.reshape(*values.shape[:2], int(np.prod(values.shape[2:])))
    last = {(*at[:2], indices[at]): at for at in np.ndindex(indices.shape)}
    for (image, channel, index), at in last.items():
        result[at] = flat[image, channel, index]
    return result
