"""Launches of ``../kernels/moving.cuh``: copies between arrays of one shape, and a bias added to an array."""

from __future__ import annotations

from math import prod

from ..counts import ONE, count, fits_int
from ..launch import Launch

__all__ = ["add_bias", "copy"]

_AXES, _THREADS = 5, 256
_LARGEST_GRID = 2**31 - 1

Strides = tuple[int, ...]


def copy(shape: Strides, source: Strides, target: Strides, storage: str) -> Launch:
    """From the array at "from" into that at "to"; strides count elements, and those of `source` may be zero or negative."""
    return _move("copy", shape, source, target, storage)


def add_bias(shape: Strides, bias: int, target: Strides, storage: str) -> Launch:
    """The numbers at "from", so many elements apart, added to the channels of the array at "to"."""
    return _move("add", shape, (0, bias, *(0,) * (len(shape) - 2)), target, storage)


def _move(kernel: str, shape: Strides, source: Strides, target: Strides, storage: str) -> Launch:
    axes = _merged(sorted(zip(shape, source, target, strict=True), key=lambda axis: -abs(axis[2])))
    missing = _AXES - len(axes)
    sizes, *strides = zip(*[(1, 0, 0)] * missing, *axes, strict=True)
    values = [0, *strides[0], 0, *strides[1], *ONE * missing]
    for size in sizes[missing:]:
        values += count(size)
    items = prod(shape)
    reach = (sum((size - 1) * abs(step) for size, step in zip(sizes, steps, strict=True)) for steps in strides)
    wide = "" if fits_int([items, *reach]) else "_wide"
    grid = min(-(-items // _THREADS), _LARGEST_GRID)
    return Launch(f"{kernel}{wide}_{storage}", grid, tuple(values), ((0, "from"), (1 + _AXES, "to")))


def _merged(axes: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Without axes of one element, and with neighbours as one axis where both arrays allow: fewer divisions."""
    merged: list[tuple[int, int, int]] = []
    for size, source, target in axes:
        if size == 1:
            continue
        if merged and merged[-1][1:] == (size * source, size * target):
            merged[-1] = (merged[-1][0] * size, source, target)
        else:
            merged.append((size, source, target))
    return merged
