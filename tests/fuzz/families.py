"""Sizes by family: each is what some engines are made for, so that all of them are reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .geometry import Geometry

_MOST = 1_500_000  # products of a map, so that the definition stays quick


@dataclass(frozen=True)
class Family:
    """Sizes of one kind.

    Attributes
    ----------
    draw : callable
        ``draw(rng)`` gives a geometry.
    weight : float
        How often.
    engines : tuple of str
        Those that the family is for.
    axes : tuple of int
        The numbers of spatial axes that it has.
    of_gradients : bool
        Whether these engines compute gradients of filters alone.
    """

    draw: Callable[[np.random.Generator], Geometry]
    weight: float
    engines: tuple[str, ...]
    axes: tuple[int, ...] = (1, 2, 3)
    of_gradients: bool = False


def draw_geometry(
    rng: np.random.Generator, *, axes: int | None = None, most: int = _MOST, gradients: bool = False
) -> tuple[Geometry, str]:
    """A geometry, with so many axes if told, for a call that computes `gradients` or not, and the name of its family."""
    fits = {name: family for name, family in FAMILIES.items() if axes is None or axes in family.axes}
    names = [name for name, family in fits.items() if gradients or not family.of_gradients]
    weights = np.array([FAMILIES[name].weight for name in names])
    for attempt in range(1000):
        name = str(rng.choice(names, p=weights / weights.sum())) if attempt < 900 else "any"
        g = FAMILIES[name].draw(rng)
        if g.products <= most and (axes is None or g.axes == axes) and min(g.fine) > 0:
            return g, name
    raise RuntimeError("no geometry is small enough")


def _made(
    rng: np.random.Generator,
    coarse: Any,
    kernel: Any,
    stride: Any,
    dilation: Any,
    *,
    channels: tuple[int, int],
    groups: int = 1,
    batch: int | None = None,
    before: Any = None,
    loose: int = 2,
) -> Geometry:
    """With a fine array that ends about where the last tap does, or within `loose` elements of that."""
    coarse, kernel, stride, dilation = (np.asarray(each) for each in (coarse, kernel, stride, dilation))
    reach = (kernel - 1) * dilation + 1
    full = (coarse - 1) * stride + reach
    if before is None:
        before = np.where(rng.random(len(coarse)) < 0.6, (reach - 1) // 2, rng.integers(-loose, reach + 1))
    before = np.minimum(before, full - 1 + loose)
    after = np.where(rng.random(len(coarse)) < 0.5, before, rng.integers(-loose, reach + 1))
    fine = np.maximum(full - before - after, 1)
    sizes = (tuple(int(size) for size in each) for each in (fine, coarse, kernel, stride, before, dilation))
    images = int(rng.choice([1, 1, 2, 3])) if batch is None else batch
    return Geometry(images, groups, channels[1] * groups, channels[0] * groups, *sizes)


def _between(rng: np.random.Generator, low: Any, high: Any, axes: int) -> np.ndarray:
    return rng.integers(low, high, axes, endpoint=True)


def _channels(rng: np.random.Generator, low: int, high: int) -> tuple[int, int]:
    coarse, fine = (int(each) for each in rng.integers(low, high, 2, endpoint=True))
    return coarse, fine


def _any(rng: np.random.Generator) -> Geometry:
    """Small, with everything at random."""
    axes = int(rng.integers(1, 4))
    coarse = _between(rng, 1, (0, 40, 9, 5)[axes], axes)
    kernel, stride = _between(rng, 1, (0, 12, 5, 3)[axes], axes), _between(rng, 1, (0, 7, 4, 3)[axes], axes)
    dilation = _between(rng, 1, 3, axes) if rng.random() < 0.3 else np.ones(axes, int)
    batch = 0 if rng.random() < 0.03 else int(rng.integers(1, 4))
    groups = int(rng.choice([1, 1, 1, 2, 5]))
    return _made(rng, coarse, kernel, stride, dilation, channels=_channels(rng, 1, 6), groups=groups, batch=batch)


def _few_taps(rng: np.random.Generator) -> Geometry:
    """Two or three taps for each phase along both axes, and channels enough for products to outweigh transforms."""
    stride = _between(rng, 1, 2, 2)
    kernel = stride * rng.integers(2, 4, 2) - rng.integers(0, stride)
    dilation = np.where((stride == 1) & (rng.random(2) < 0.25), rng.integers(1, 4, 2), 1)
    reach = (kernel - 1) * dilation + 1
    padding = np.where(rng.random(2) < 0.6, (reach - 1) // 2, rng.integers(0, reach))
    coarse = rng.integers(0, 12, 2) + padding + dilation
    fine = (coarse - 1) * stride - padding + rng.integers(1, reach + 1)
    groups = int(rng.choice([1, 1, 1, 2]))
    channels = _channels(rng, 16, 28)
    sizes = (tuple(int(size) for size in each) for each in (fine, coarse, kernel, stride, padding, dilation))
    return Geometry(int(rng.choice([1, 1, 2])), groups, channels[1] * groups, channels[0] * groups, *sizes)


def _filter_gradients(rng: np.random.Generator) -> Geometry:
    """Two or three taps for each phase along one or two axes, one tap along the others, and enough positions."""
    axes = int(rng.choice([1, 2, 2, 3]))
    stride = _between(rng, 1, 3 if axes < 3 else 2, axes)
    kernel = np.maximum(stride * rng.integers(2, 4, axes) - rng.integers(0, stride), 2)
    kernel[rng.random(axes) < 0.15] = 1
    if (kernel == 1).all():
        kernel[0] = 2 * stride[0]
    if axes == 3:
        kernel[int(rng.integers(3))] = 1
    dilation = np.where((stride == 1) & (rng.random(axes) < 0.25), rng.integers(1, 4, axes), 1)
    reach = (kernel - 1) * dilation + 1
    padding = np.where(rng.random(axes) < 0.6, (reach - 1) // 2, rng.integers(-2, reach))
    low, high = {1: (24, 60), 2: (6, 15), 3: (3, 7)}[axes]
    coarse = rng.integers(low, high, axes) + -(-np.maximum(padding, 0) // stride)
    fine = np.maximum((coarse - 1) * stride - padding + rng.integers(1, reach + 1), reach)
    groups = int(rng.choice([1, 1, 1, 2]))
    channels = _channels(rng, 16, 24)
    sizes = (tuple(int(size) for size in each) for each in (fine, coarse, kernel, stride, padding, dilation))
    return Geometry(int(rng.choice([1, 2, 3])), groups, channels[1] * groups, channels[0] * groups, *sizes)


def _layers(rng: np.random.Generator) -> Geometry:
    """Ordinary layers."""
    axes = int(rng.choice([1, 2, 2, 2, 3]))
    coarse = _between(rng, 1, (0, 70, 16, 6)[axes], axes)
    stride = np.full(axes, int(rng.choice([1, 1, 2, 2, 3])))
    kernel = np.full(axes, int(rng.integers(1, 6 if axes < 3 else 4)))
    groups = int(rng.choice([1, 1, 1, 2, 3]))
    return _made(rng, coarse, kernel, stride, np.ones(axes, int), channels=_channels(rng, 1, 40), groups=groups)


def _depthwise(rng: np.random.Generator) -> Geometry:
    """Groups of one channel, or few."""
    axes = int(rng.choice([1, 2, 2, 3]))
    coarse = _between(rng, 1, (0, 200, 24, 7)[axes], axes)
    stride, kernel = _between(rng, 1, 3, axes), _between(rng, 1, (0, 17, 7, 4)[axes], axes)
    dilation = _between(rng, 1, 4, axes) if rng.random() < 0.2 else np.ones(axes, int)
    channels = ((1, 1), (1, 1), (1, 1), (1, 4), (5, 1), (2, 3))[int(rng.integers(6))]
    groups = int(rng.choice([3, 8, 16, 17, 40, 60]))
    return _made(rng, coarse, kernel, stride, dilation, channels=channels, groups=groups)


def _large_strides(rng: np.random.Generator) -> Geometry:
    """Cells of stride elements, in which filters are read and written row by row."""
    axes = int(rng.choice([1, 2, 2, 3]))
    coarse = _between(rng, 1, (0, 20, 6, 3)[axes], axes)
    stride = _between(rng, 2, (0, 32, 9, 4)[axes], axes)
    kernel = np.where(rng.random(axes) < 0.6, stride * rng.integers(1, 3, axes), _between(rng, 1, 2 * stride + 1, axes))
    return _made(rng, coarse, kernel, stride, np.ones(axes, int), channels=_channels(rng, 1, 20), loose=12)


def _long_filters(rng: np.random.Generator) -> Geometry:
    """Long along the last axis."""
    axes = int(rng.choice([1, 1, 2, 3]))
    coarse, kernel = _between(rng, 1, (0, 20, 6, 4)[axes], axes), _between(rng, 1, 3, axes)
    kernel[-1] = int(rng.choice([8, 16, 17, 21, 40, 64, 200]))
    stride = _between(rng, 1, 5, axes)
    stride[-1] = int(rng.choice([1, 2, 4, 5, 20]))
    dilation = np.ones(axes, int)
    if axes > 1 and rng.random() < 0.3:
        dilation[0] = 3
    groups = int(rng.choice([1, 1, 3]))
    return _made(rng, coarse, kernel, stride, dilation, channels=_channels(rng, 1, 12), groups=groups, loose=9)


def _few_positions(rng: np.random.Generator) -> Geometry:
    """Many weights for each."""
    axes = int(rng.choice([1, 2, 2, 3]))
    coarse = _between(rng, 1, 3, axes)
    stride, kernel = _between(rng, 1, 3, axes), _between(rng, 1, 4, axes)
    dilation = _between(rng, 1, 3, axes) if rng.random() < 0.2 else np.ones(axes, int)
    groups = int(rng.choice([1, 1, 3]))
    return _made(rng, coarse, kernel, stride, dilation, channels=_channels(rng, 5, 70), groups=groups)


def _flat(rng: np.random.Generator) -> Geometry:
    """Axes of one element, or of few beside a long one."""
    axes = int(rng.integers(2, 4))
    coarse, kernel, stride = (np.ones(axes, int) for _ in range(3))
    long = int(rng.integers(axes))
    coarse[long], kernel[long], stride[long] = rng.integers(1, 90), rng.integers(1, 8), rng.integers(1, 4)
    if rng.random() < 0.5:
        short = int(rng.integers(axes))
        if short != long:
            coarse[short], kernel[short] = rng.integers(2, 9), rng.integers(1, 4)
    before = np.where((coarse == 1) & (kernel == 1), 0, (kernel - 1) // 2)
    return _made(rng, coarse, kernel, stride, np.ones(axes, int), channels=_channels(rng, 1, 24), before=before)


def _silent(rng: np.random.Generator) -> Geometry:
    """Paddings so large that whole rows meet nothing, or fine arrays far larger than what is reached."""
    axes = int(rng.integers(1, 3))
    coarse, kernel, stride = _between(rng, 1, 9, axes), _between(rng, 1, 5, axes), _between(rng, 1, 4, axes)
    dilation = _between(rng, 1, 3, axes)
    full = (coarse - 1) * stride + (kernel - 1) * dilation + 1
    before = np.array([int(rng.integers(-9, size + 4)) for size in full])
    after = [int(rng.integers(-9, max(size - first, -8))) for size, first in zip(full, before, strict=True)]
    fine = np.maximum(full - before - after, 1)
    sizes = (tuple(int(size) for size in each) for each in (fine, coarse, kernel, stride, before, dilation))
    groups, channels = int(rng.choice([1, 1, 2])), _channels(rng, 1, 9)
    return Geometry(int(rng.integers(1, 3)), groups, channels[1] * groups, channels[0] * groups, *sizes)


FAMILIES = {
    "any": Family(_any, 20, ("direct", "correlate", "im2col", "thin", "cells", "depthwise")),
    "few taps": Family(_few_taps, 16, ("winograd",), (2,)),
    "filter gradients": Family(_filter_gradients, 26, ("winograd_correlate",), of_gradients=True),
    "layers": Family(_layers, 12, ("direct", "correlate", "im2col")),
    "depthwise": Family(_depthwise, 9, ("depthwise",)),
    "large strides": Family(_large_strides, 8, ("cells", "correlate")),
    "long filters": Family(_long_filters, 7, ("windows",)),
    "few positions": Family(_few_positions, 7, ("thin",)),
    "flat": Family(_flat, 8, ("direct", "correlate", "depthwise", "im2col")),
    "silent": Family(_silent, 6, ("direct", "correlate", "cells", "im2col"), (1, 2)),
}
