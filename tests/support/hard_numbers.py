"""Numbers that are hard on a transform: each family changes some of an array (N, C, *spatial) of unit normals in place."""

import numpy as np

__all__ = ["FAMILIES"]


def _hot(rng, array):
    array.flat[rng.integers(array.size)] = rng.choice([1e8, 1e14, -9999])


def _fill(rng, array):
    """A corner without data, in all channels."""
    corner = (
        slice(0, (size + 2) // 3) if rng.random() < 0.5 else slice(-((size + 2) // 3), None) for size in array.shape[2:]
    )
    array[(slice(None), slice(None), *corner)] = -9999


def _wide(rng, array):
    array *= 2.0 ** rng.integers(-20, 20, array.shape)


def _few(rng, array):
    """As behind a ReLU, but more of it."""
    array[rng.random(array.shape) < 0.9] = 0


def _masked(_rng, array):
    """Zeros before the middle of the last axis that has several elements."""
    axis = max((axis for axis in range(2, array.ndim) if array.shape[axis] > 1), default=2)
    np.moveaxis(array, axis, 0)[: array.shape[axis] // 2] = 0


def _edges(_rng, array):
    array[..., 0] *= 1e6
    array[..., -1] *= 1e6


def _corner(_rng, array):
    """One tap of all filters, or a corner of all images."""
    array[(slice(None), slice(None), *[0] * (array.ndim - 2))] *= 1e6


FAMILIES = {
    "normal": lambda rng, array: None,
    "hot": _hot,
    "fill": _fill,
    "wide": _wide,
    "few": _few,
    "masked": _masked,
    "edges": _edges,
    "corner": _corner,
}
