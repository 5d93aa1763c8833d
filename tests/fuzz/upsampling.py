"""upsample and its gradient, in all modes, layouts and dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np

import convt
from convt.backend import Problem
from convt.testing.bounds import bound

from . import sampled
from .answers import Answer, equal
from .geometry import data_order, layouts
from .memory import place
from .operators import draw_out, result_order
from .options import written
from .trial import Trial
from .types import INTEGERS, draw_types, exact, parts, result_of
from .values import draw_array, draw_values

USUAL = {1: 1, 2: 2, 3: 2, 4: 2, 5: 3}  # spatial axes of an array of so many axes


def draw_frame(rng: np.random.Generator, axes: int) -> tuple[int, str | None, str, bool]:
    """The rank of an array, the layout that is passed, that which holds, and whether sizes must tell the axes."""
    rank = axes + int(rng.choice([0, 1, 2, 2]))
    layout = str(rng.choice(layouts(axes))) if rng.random() < 0.4 else None
    return rank, layout, layout or layouts(axes)[0], layout is None and USUAL[rank] != axes


def to_caller(array: np.ndarray, layout: str, rank: int) -> np.ndarray:
    """(N, C, *spatial) in a layout, without batch and channels as the rank says."""
    axes = array.ndim - 2
    if rank == axes:
        return array[0, 0]
    turned = array.transpose(data_order(layout))
    return turned if rank == axes + 2 else turned.take(0, axis=layout.index("N"))


def from_caller(array: np.ndarray, layout: str, axes: int) -> np.ndarray:
    """The inverse."""
    if array.ndim == axes:
        return array[None, None]
    if array.ndim == axes + 1:
        array = np.expand_dims(array, layout.index("N"))
    return array.transpose(np.argsort(data_order(layout)))


def draw_sizes(rng: np.random.Generator, axes: int, rank: int, most: tuple[int, ...]) -> tuple[int, ...]:
    """(N, C, *spatial) with ones for axes that the rank leaves out; perhaps without images."""
    batch = int(rng.choice([0, 1, 2, 3], p=[0.03, 0.37, 0.4, 0.2])) if rank == axes + 2 else 1
    channels = int(rng.choice([1, 2, 3, 5, 17])) if rank > axes else 1
    spatial = tuple(int(size) for size in rng.integers(1, most[axes], axes, endpoint=True))
    if rng.random() < 0.2:
        spatial = tuple(1 if rng.random() < 0.5 else size for size in spatial)
    return (batch, channels, *spatial)


def draw(rng: np.random.Generator) -> Trial:
    """A call of upsample or upsample_backward."""
    axes = int(rng.integers(1, 4))
    mode = str(rng.choice(["nearest", "bilinear", "bilinear", "bed_of_nails"]))
    align = bool(mode == "bilinear" and rng.random() < 0.5)
    scale = tuple(int(step) for step in rng.integers(1, (0, 9, 5, 4)[axes], axes, endpoint=True))
    if axes == 1 and rng.random() < 0.1:
        scale = (int(rng.choice([33, 100, 1000])),)
    rank, layout, holds, tells = draw_frame(rng, axes)
    name = mode
    if mode == "bilinear" and axes != 2 and rng.random() < 0.5:
        name, tells = ("linear" if axes == 1 else "trilinear"), False
    shape = draw_sizes(rng, axes, rank, (0, 60 if max(scale) < 30 else 8, 14, 6))
    back = bool(rng.random() < 0.45)
    if back:
        shape = (*shape[:2], *(size * step for size, step in zip(shape[2:], scale, strict=True)))
    moved = mode != "bilinear" and not back
    dtype = INTEGERS[int(rng.integers(len(INTEGERS)))] if moved and rng.random() < 0.2 else draw_types(rng, 1)[0]
    result = dtype if moved else result_of([dtype])
    values = draw_values(rng, result_of([dtype]), int(np.prod(scale)) * 2**axes, ["x"])
    x = place(rng, to_caller(draw_array(rng, values, "x", shape, dtype), holds, rank))
    plain = from_caller(x.array if moved else exact(x.array), holds, axes)
    answer = _answer(plain, scale, mode, align, back, result, values.overflows).viewed(
        lambda array: to_caller(array, holds, rank)
    )
    inputs = {"dy" if back else "x": x}
    out, refused = draw_out(rng, answer, inputs)
    if out is None:
        answer.order = result_order(x)
    options: dict[str, Any] = {"mode": name} if name != "nearest" or rng.random() < 0.5 else {}
    options |= {"layout": layout} if layout else {}
    options |= {"align_corners": align} if align or rng.random() < 0.2 else {}
    options |= {"out": out.array} if out is not None else {}
    steps = list(scale) if tells else written(rng, scale)
    function = f"upsample{'_backward' * back}"

    def call(backend: str | None) -> dict[str, Any]:
        return {"y": getattr(convt, function)(x.given, steps, backend=backend, **options)}

    told = {name: value for name, value in options.items() if name != "out"}
    words = f"{function}({dtype} {x.array.shape}, {steps!r}, {told}) {values.kind}"
    return Trial(words, call, {"y": answer}, inputs, out, refused)


def _answer(
    x: np.ndarray, scale: tuple[int, ...], mode: str, align: bool, back: bool, dtype: np.dtype, overflows: bool
) -> Answer:
    if dtype.kind in "iub":
        return equal(sampled.upsample(x, scale, mode, align), dtype)
    definition = sampled.upsample_backward if back else sampled.upsample
    found = []
    for part in parts(exact(x)):
        want = definition(part, scale, mode, align)
        coarse = want.shape if back else part.shape
        limit = bound(*_asked(coarse, scale, back), mode, align, part) if part.size else np.zeros(want.shape)
        found.append((want, limit))
    return Answer(found, dtype, int(np.prod(scale)) * 2 ** len(scale), overflows)


def _asked(shape: tuple[int, ...], scale: tuple[int, ...], back: bool) -> tuple[str, Problem]:
    """What the bound is asked about."""
    images, channels, *coarse = shape
    fine = tuple(size * step for size, step in zip(coarse, scale, strict=True))
    none, one = (0,) * len(scale), (1,) * len(scale)
    problem = Problem(images, channels, channels, channels, fine, tuple(coarse), scale, scale, none, one, np.dtype("f8"))
    return ("upsample_backward" if back else "upsample"), problem
