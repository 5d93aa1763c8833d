"""Problems that one engine of the cpu backend is made for, of all sizes: what it refuses among them is too large for it."""

from collections.abc import Callable
from math import prod

import numpy as np

from convt.backend import Problem

Rng = np.random.Generator
Axes = tuple[np.ndarray, np.ndarray, np.ndarray]  # kernel, stride, dilation

LARGEST = 2**60  # bytes of an array


def _any_axes(rng: Rng) -> Axes:
    axes = rng.integers(1, 4)
    return rng.integers(1, 6, axes), rng.integers(1, 4, axes), rng.integers(1, 3, axes)


def _two_or_three_taps(rng: Rng) -> Axes:
    stride = rng.integers(1, 3, 2)
    return stride * rng.integers(2, 4, 2), stride, np.where(stride == 1, rng.integers(1, 3, 2), 1)


def _far_taps(rng: Rng) -> Axes:
    axes = rng.integers(1, 4)
    return rng.integers(1, 5, axes), rng.integers(1, 4, axes), 2 ** rng.integers(0, 12, axes)


def _long_rows(rng: Rng) -> Axes:
    axes = rng.integers(1, 3)
    kernel, stride = 2 ** rng.integers(2, 6, axes), 2 ** rng.integers(0, 5, axes)
    kernel[-1] = rng.integers(16, 64) if axes > 1 else 2 ** rng.integers(5, 12)
    return kernel, stride, np.where(np.arange(axes) < axes - 1, 2 ** rng.integers(0, 14, axes), 1)


def _cells(rng: Rng) -> Axes:
    axes = rng.integers(1, 3)
    stride = 2 ** rng.integers(1, 7, axes)
    return stride * rng.integers(1, 4, axes), stride, np.ones(axes, int)


# How axes are drawn; the fewest and most channels of a group, and the most groups, as powers of two.
FAMILIES: dict[str, tuple[Callable[[Rng], Axes], tuple[int, int], int]] = {
    "direct": (_any_axes, (0, 16), 14),
    "winograd": (_two_or_three_taps, (4, 16), 4),
    "depthwise": (_far_taps, (0, 0), 16),
    "cells": (_cells, (0, 19), 4),
    "thin": (_any_axes, (4, 18), 1),
    "windows": (_long_rows, (0, 12), 4),
    "correlate": (_far_taps, (0, 16), 4),
    "winograd_correlate": (_two_or_three_taps, (4, 16), 4),
}


def family(engine: str, rng: Rng, *, small: bool = False) -> Problem:
    """One of them, drawn at random; sizes and channels as small as they may be, if so asked."""
    axes, (least, most), most_groups = FAMILIES[engine]
    kernel, stride, dilation = axes(rng)
    coarse = np.exp2(rng.uniform(0, 16, len(kernel))).astype(int)
    batch, groups = np.exp2(rng.uniform(0, (6, most_groups))).astype(int)
    channels = np.exp2(rng.uniform(least, most + 0.5, 2)).astype(int)
    if rng.random() < 0.3:
        channels[rng.integers(2)] = 2**least  # a case of its own for some engines
    if small:
        coarse, batch, groups, dilation = np.full_like(coarse, 48 // len(coarse) ** 2), 4, 1, np.minimum(dilation, 3)
        channels[:] = 2**least
    length = (kernel - 1) * dilation + 1
    padding = rng.integers(0, 1 if small else length, len(length))
    coarse = coarse + padding + dilation  # so that no tap meets nothing
    fine = (coarse - 1) * stride - 2 * padding + length
    shapes = (tuple(map(int, each)) for each in (fine, coarse, kernel, stride, padding, dilation))
    fine_channels, coarse_channels = (int(groups * each) for each in channels)
    problem = Problem(int(batch), int(groups), fine_channels, coarse_channels, *shapes, np.dtype(rng.choice(["f4", "f8"])))
    arrays = (problem.fine_array_shape, problem.coarse_array_shape, problem.kernel_array_shape)
    return problem if max(prod(shape) for shape in arrays) < LARGEST // 8 else family(engine, rng, small=small)
