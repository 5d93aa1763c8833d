"""max_pool, max_unpool and their gradients, with indices of pooling, and with any that lie in the array."""

from __future__ import annotations

from typing import Any

import numpy as np

import convt

from . import sampled
from .answers import Answer, equal
from .memory import place
from .operators import draw_out, result_order
from .options import written
from .trial import Trial
from .types import INTEGERS, draw_types, exact, parts, result_of
from .upsampling import draw_frame, draw_sizes, from_caller, to_caller
from .values import draw_array, draw_values

Sizes = tuple[int, ...]
_INDICES = [np.dtype(name) for name in ("i8", "i8", "i8", "u8", "i4", "u4")]


def draw(rng: np.random.Generator) -> Trial:
    """A call of one of the four functions."""
    axes = int(rng.integers(1, 4))
    rank, layout, holds, tells = draw_frame(rng, axes)
    shape = draw_sizes(rng, axes, rank, (0, 60, 14, 6))
    windows, options = _windows(rng, shape[2:])
    size, stride, before, coarse = windows
    name = str(rng.choice(["max_pool", "max_pool", "max_pool_backward", "max_unpool", "max_unpool_backward"]))
    dtype = _dtype(rng, name)
    result = result_of([dtype]) if name == "max_pool_backward" else dtype
    values = draw_values(rng, result_of([dtype]), int(np.prod(coarse)), ["x"])
    tensor = bool(rng.random() < 0.3)
    options |= {"indexing": "tensor"} if tensor else {}
    options |= {"layout": layout} if layout else {}

    def caller(array: np.ndarray) -> np.ndarray:
        return to_caller(array, holds, rank)

    of = shape if name in ("max_pool", "max_unpool_backward") else (*shape[:2], *coarse)
    x = place(rng, caller(draw_array(rng, values, "x", of, dtype)))
    plain = from_caller(x.array.astype(dtype), holds, axes)
    inputs = {"x": x}
    out = None
    refused: tuple[type[Exception], ...] = ()
    if name == "max_pool":
        y, places = sampled.pool(plain, size, stride, before, coarse)
        places = places + _first(places.shape, shape) * tensor
        answers = {"y": _moved(y, dtype).viewed(caller), "indices": equal(places, np.dtype("i8")).viewed(caller)}
        answers["y"].order = result_order(x)
    else:
        places = _indices(rng, shape, windows)
        if name != "max_unpool_backward":
            options |= _output_size(rng, shape[2:], options, windows)
        answer = _answer(name, plain, places, shape[2:], result, values.overflows)
        wrong = places.size and rng.random() < 0.04
        indices = places + _first(places.shape, shape) * tensor
        if wrong:
            indices.reshape(-1)[int(rng.integers(indices.size))] += int(rng.choice([-1, 1])) * 10**6
            refused = (ValueError,)
        kind = _INDICES[int(rng.integers(len(_INDICES)))] if not wrong else np.dtype("i8")
        inputs["indices"] = place(rng, caller(indices.astype(kind)), plain=bool(wrong))
        if not wrong:  # an axis of stride zero has made others of them
            there = from_caller(inputs["indices"].array.astype("i8"), holds, axes) - _first(places.shape, shape) * tensor
            if ((there < 0) | (there >= np.prod(shape[2:]))).any():
                return draw(rng)
            answer = _answer(name, plain, there, shape[2:], result, values.overflows)
        answers = {"y": answer.viewed(caller)}
        out, wrong_out = draw_out(rng, answers["y"], {"x": x})
        refused = refused or wrong_out
        options |= {"out": out.array} if out is not None else {}
        if out is None:
            answers["y"].order = result_order(x)
    steps = {"size": list(size) if tells else written(rng, size)}
    if stride != size or rng.random() < 0.5:
        steps["stride"] = written(rng, stride)

    def call(backend: str | None) -> dict[str, Any]:
        arrays = [each.given for each in inputs.values()]
        found = getattr(convt, name)(*arrays, **steps, backend=backend, **options)
        return found._asdict() if name == "max_pool" else {"y": found}

    told = {key: value for key, value in options.items() if key != "out"}
    words = f"{name}({dtype} {x.array.shape}, {steps}, {told}) {values.kind}, fine {shape}"
    return Trial(words, call, answers, inputs, out, refused)


def _windows(rng: np.random.Generator, fine: Sizes) -> tuple[tuple[Sizes, Sizes, Sizes, Sizes], dict[str, Any]]:
    """Size, stride, padding in front and number of windows over an array, and the option padding."""
    while True:
        size = tuple(int(each) for each in rng.integers(1, np.minimum(np.array(fine) + 2, 8), endpoint=True))
        stride = size if rng.random() < 0.4 else tuple(int(each) for each in rng.integers(1, 5, len(fine)))
        if rng.random() < 0.15:
            name = str(rng.choice(["same", "same_lower"]))
            coarse = tuple(-(-f // s) for f, s in zip(fine, stride, strict=True))
            totals = [max((c - 1) * s + k - f, 0) for c, s, k, f in zip(coarse, stride, size, fine, strict=True)]
            before = tuple(total // 2 if name == "same" else total - total // 2 for total in totals)
            return (size, stride, before, coarse), {"padding": name}
        pairs = tuple((int(rng.integers(k)), int(rng.integers(k))) for k in size)
        if rng.random() < 0.6:
            pairs = ((0, 0),) * len(fine)
        if all(f + b + a >= k for f, (b, a), k in zip(fine, pairs, size, strict=True)):
            coarse = tuple((f + b + a - k) // s + 1 for f, (b, a), k, s in zip(fine, pairs, size, stride, strict=True))
            if all((c - 1) * s - b < f for c, s, (b, _a), f in zip(coarse, stride, pairs, fine, strict=True)):
                return (size, stride, tuple(b for b, _a in pairs), coarse), {"padding": pairs} if any(
                    map(any, pairs)
                ) else {}


def _dtype(rng: np.random.Generator, name: str) -> np.dtype:
    if name != "max_pool_backward" and rng.random() < 0.25:
        return INTEGERS[int(rng.integers(len(INTEGERS)))]
    return draw_types(rng, 1, real=name == "max_pool")[0]


def _indices(rng: np.random.Generator, shape: Sizes, windows: tuple[Sizes, Sizes, Sizes, Sizes]) -> np.ndarray:
    """Those of a pooling, or any."""
    size, stride, before, coarse = windows
    if rng.random() < 0.7:
        return sampled.pool(rng.integers(0, 9, shape).astype("f8"), size, stride, before, coarse)[1]
    return rng.integers(0, int(np.prod(shape[2:])), (*shape[:2], *coarse))


def _first(indices: Sizes, shape: Sizes) -> np.ndarray:
    """The first index of every image and channel, among those of the whole tensor."""
    planes = np.arange(shape[0] * shape[1]) * int(np.prod(shape[2:]))
    return planes.reshape(*shape[:2], *[1] * (len(indices) - 2))


def _output_size(
    rng: np.random.Generator, fine: Sizes, options: dict[str, Any], windows: tuple[Sizes, Sizes, Sizes, Sizes]
) -> dict[str, Any]:
    """Nothing where the result has that size by itself."""
    size, stride, _before, coarse = windows
    padding = options.get("padding", ((0, 0),) * len(fine))
    if isinstance(padding, str):
        own = tuple(c * s for c, s in zip(coarse, stride, strict=True))
    else:
        own = tuple((c - 1) * s + k - sum(p) for c, s, k, p in zip(coarse, stride, size, padding, strict=True))
    return {} if own == fine and rng.random() < 0.7 else {"output_size": written(rng, fine)}


def _answer(name: str, x: np.ndarray, indices: np.ndarray, fine: Sizes, dtype: np.dtype, overflows: bool) -> Answer:
    if name == "max_unpool":
        return _moved(sampled.put_at(x, indices, fine), dtype)
    if name == "max_unpool_backward":
        return _moved(sampled.take_at(x, indices), dtype)
    found = [(sampled.add_at(part, indices, fine), sampled.add_at(abs(part), indices, fine)) for part in parts(exact(x))]
    return Answer(found, dtype, max(1, int(np.prod(indices.shape[2:]))), overflows)


def _moved(array: np.ndarray, dtype: np.dtype) -> Answer:
    return equal(array if dtype.kind in "iub" else exact(array), dtype)
