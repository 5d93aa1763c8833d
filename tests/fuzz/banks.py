"""What needs no backend: banks of filters, and the report on uneven overlap."""

from __future__ import annotations

from typing import Any

import numpy as np

import convt
from convt import filters

from . import definition, sampled
from .answers import Answer, equal
from .geometry import Geometry
from .trial import Trial


def draw(rng: np.random.Generator) -> Trial:
    """A call of checkerboard, filters.bilinear or filters.icnr."""
    return [_overlap, _bilinear, _icnr][int(rng.integers(3))](rng)


def _overlap(rng: np.random.Generator) -> Trial:
    axes = int(rng.integers(1, 4))
    size, stride, dilation = (tuple(int(each) for each in rng.integers(1, 6, axes)) for _ in range(3))
    counts = np.zeros(stride)
    for tap in np.ndindex(size):
        counts[tuple(t * d % s for t, d, s in zip(tap, dilation, stride, strict=True))] += 1

    def call(backend: str | None) -> dict[str, Any]:
        return {"counts": convt.checkerboard(size, stride, dilation=dilation).counts}

    return Trial(f"checkerboard({size}, {stride}, dilation={dilation})", call, {"counts": equal(counts, np.dtype("i8"))})


def _bilinear(rng: np.random.Generator) -> Trial:
    """Inside of an array, its filters do what interpolation does."""
    scale, channels = (int(each) for each in rng.integers(1, 6, 2))
    x = rng.integers(-8, 8, (1, channels, 7, 8)).astype("f8")
    size = 2 * scale - scale % 2
    fine = tuple((n - 1) * scale + size - 2 * (scale // 2) + scale % 2 for n in (7, 8))
    g = Geometry(1, channels, channels, channels, fine, (7, 8), (size,) * 2, (scale,) * 2, (scale // 2,) * 2, (1, 1))
    want = sampled.upsample(x, (scale, scale), "bilinear", False)[..., scale:-scale, scale:-scale]

    def call(backend: str | None) -> dict[str, Any]:
        y = definition.scatter(g, x, filters.bilinear(scale, channels))[..., : 7 * scale, : 8 * scale]
        return {"y": y[..., scale:-scale, scale:-scale]}

    return Trial(f"filters.bilinear({scale}, {channels})", call, {"y": Answer([(want, 16 + 0 * want)], np.dtype("f8"))})


def _icnr(rng: np.random.Generator) -> Trial:
    axes = int(rng.integers(1, 4))
    scale = tuple(int(each) for each in rng.integers(1, 4, axes))
    w = rng.standard_normal((*rng.integers(1, 4, 2), *rng.integers(1, 4, axes)))
    want = sampled.upsample(w, scale, "nearest", False)

    def call(backend: str | None) -> dict[str, Any]:
        return {"w": filters.icnr(w, scale)}

    return Trial(f"filters.icnr({w.shape}, {scale})", call, {"w": equal(want, np.dtype("f8"))})
