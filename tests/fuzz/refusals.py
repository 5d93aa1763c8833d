"""The second driver: calls of everything that computes, where one request for memory is refused, Python's and NumPy's too.

Each call must then raise a MemoryError or give the right result, leave its arrays as they were, and do when made again. A
case is one call and the number of the request; the library of ``tests/support/refuse.c`` refuses it, which `children.py`
loads before all others.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product
from math import gcd
from typing import Any

import numpy as np

import convt
from convt import matconvnet, nn

from .case import Outcome

_FRAMES = ("<function ", "error return without exception set")  # Python 3.11, where the frame of a function is refused


def run_case(seed: int, number: int) -> Outcome:
    """Refuse one request of one call."""
    begin = time.perf_counter()
    made = calls()[number % len(calls())]
    right, requests = made.measured()
    at = _spread(seed + number // len(calls()), requests)
    before = [array.tobytes() for array in made.arrays]
    subject, failure, counter = "right results", None, _counter()
    with made.engine_forced():
        _forget()
        try:
            try:
                counter.value = at
                result = made.call(*made.arrays)
            finally:
                counter.value = -1
            failure = None if _bits(result) == right else "gave a wrong result"
        except MemoryError:
            subject = "MemoryErrors"
        except SystemError as error:
            subject = "Python's own SystemErrors"
            failure = None if str(error).startswith(_FRAMES) else f"raised SystemError: {error}"
        except BaseException as error:
            failure = f"raised {type(error).__name__}: {error} (from {error.__cause__ or error.__context__!r})"
        if failure is None and [array.tobytes() for array in made.arrays] != before:
            failure = "changed its arrays"
        if failure is None and _bits(made.call(*made.arrays)) != right:
            failure = "gave a wrong result when made again"
    return Outcome(subject, f"{made.name}, request {at} of {requests}", failure, time.perf_counter() - begin)


@dataclass
class Call:
    """A function and its arrays, and the engine that is to compute; None for any."""

    name: str
    engine: str | None
    call: Callable[..., Any]
    arrays: list[np.ndarray]

    @contextmanager
    def engine_forced(self) -> Iterator[None]:
        """A block in which that engine computes."""
        if self.engine is not None:
            os.environ["CONVT_CPU_ALGORITHM"] = self.engine
        try:
            yield
        finally:
            os.environ.pop("CONVT_CPU_ALGORITHM", None)

    def measured(self) -> tuple[bytes, int]:
        """The right result, and how many requests the call makes where nothing is kept of earlier ones."""
        if self.name not in _MEASURED:
            counter = _counter()
            with self.engine_forced():
                right = _bits(self.call(*self.arrays))
                _forget()
                counter.value = many = 10**9
                self.call(*self.arrays)
                left, counter.value = counter.value, -1
            _MEASURED[self.name] = right, max(many - left, 1)
        return _MEASURED[self.name]


def _spread(position: int, count: int) -> int:
    """A place among so many: far from the last position's, and each of them once in so many positions."""
    step = int(count * 0.618) | 1
    while gcd(step, count) > 1:
        step += 1
    return position * step % count


_MEASURED: dict[str, tuple[bytes, int]] = {}


@lru_cache(maxsize=1)
def _counter() -> ctypes.c_long:
    return ctypes.c_long.in_dll(ctypes.CDLL(os.environ["LD_PRELOAD"]), "requests_granted")


def _forget() -> None:
    """Empty convt's caches."""
    for each in _caches():
        each.cache_clear()


@lru_cache(maxsize=1)
def _caches() -> list[Any]:
    for made in calls():
        with made.engine_forced():
            made.call(*made.arrays)  # imports what is imported late
    found = [each for each in gc.get_objects() if isinstance(each, functools._lru_cache_wrapper)]
    return [each for each in found if str(getattr(each, "__module__", "")).startswith("convt")]


def _bits(result: Any) -> bytes:
    if isinstance(result, tuple | list):
        return b"|".join(map(_bits, result))
    return b"" if result is None else bytes(np.asarray(result).tobytes())


@lru_cache(maxsize=1)
def calls() -> list[Call]:
    """All calls."""
    return [*_of_engines(), *_of_sampling(), *_of_others()]


def _array(*shape: int, dtype: str = "f4") -> np.ndarray:
    return np.random.default_rng(1).integers(-3, 4, shape).astype(dtype)


def _of_engines() -> Iterator[Call]:
    """All three maps by each engine that does them; what one cannot do, the fallback does."""
    cases: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
        "direct": ((2, 6, 20, 20), (5, 6, 3, 3), {"padding": 1}),
        "im2col": ((2, 6, 20, 20), (5, 6, 3, 3), {"padding": 1}),
        "correlate": ((2, 6, 20, 20), (5, 6, 3, 3), {"padding": 1}),
        "depthwise": ((2, 9, 20, 20), (9, 1, 3, 3), {"padding": 1, "groups": 9}),
        "winograd": ((1, 40, 40, 40), (40, 40, 3, 3), {"padding": 1}),
        "winograd_correlate": ((1, 40, 40, 40), (40, 40, 3, 3), {"padding": 1}),
        "cells": ((1, 6, 64, 64), (5, 6, 16, 16), {"stride": 8, "padding": 4}),
        "windows": ((1, 6, 300), (5, 6, 40), {"stride": 4}),
        "thin": ((1, 60, 4, 4), (50, 60, 4, 4), {"stride": 2, "padding": 1}),
    }
    for engine, (x_shape, w_shape, options) in cases.items():
        x, w = _array(*x_shape), _array(*w_shape)
        y = convt.conv(x, w, **options)
        bias = _array(w_shape[0])
        yield Call(f"{engine}: conv", engine, partial(convt.conv, **options), [x, w, bias])
        size = {**options, "output_size": x_shape[2:]}
        yield Call(f"{engine}: conv_transpose", engine, partial(convt.conv_transpose, **size), [y, w])
        yield Call(f"{engine}: conv_backward", engine, partial(convt.conv_backward, **options), [x, w, bias, y])
    x, w = _array(1, 6, 20, 20), _array(5, 6, 3, 3)
    x[0, 0, 3, 3] = np.nan
    yield Call("direct: conv of NaN", "direct", partial(convt.conv, padding=1), [x, w])
    halves = [_array(1, 6, 20, 20, dtype="f2"), _array(5, 6, 3, 3, dtype="f2")]
    yield Call("conv of float16", None, partial(convt.conv, padding=1), halves)
    yield Call("conv of complex numbers", None, convt.conv, [each.astype("c8") for each in halves])


def _of_sampling() -> Iterator[Call]:
    modes: tuple[dict[str, Any], ...] = (
        {"mode": "nearest"},
        {"mode": "bed_of_nails"},
        {"mode": "bilinear"},
        {"mode": "bilinear", "align_corners": True},
    )
    for options, dtype in product(modes, ("f4", "f2")):
        words = " ".join([options["mode"], *["aligned"] * ("align_corners" in options), dtype])
        yield Call(
            f"upsample {words}", None, partial(convt.upsample, scale=2, **options), [_array(1, 3, 8, 10, dtype=dtype)]
        )
        function = partial(convt.upsample_backward, scale=2, **options)
        yield Call(f"upsample_backward {words}", None, function, [_array(1, 3, 16, 20, dtype=dtype)])
    x = np.random.default_rng(2).permutation(3 * 160).reshape(1, 3, 16, 10).astype("f4")
    y, indices = convt.max_pool(x, 2)
    yield Call("max_pool", None, partial(convt.max_pool, size=2), [x])
    yield Call("max_pool overlapping", None, partial(convt.max_pool, size=5, stride=1, padding=2), [x])
    yield Call("max_pool tensor", None, partial(convt.max_pool, size=2, indexing="tensor"), [x.astype("f2")])
    yield Call("max_pool_backward", None, partial(convt.max_pool_backward, size=2), [y, indices])
    yield Call("max_unpool", None, partial(convt.max_unpool, size=2), [y, indices])
    yield Call("max_unpool_backward", None, partial(convt.max_unpool_backward, size=2), [x, indices])


def _of_others() -> Iterator[Call]:
    x, w = _array(1, 4, 12, 12), _array(6, 4, 3, 3)
    y = convt.conv(x, w)
    back = convt.conv_backward(x, w, None, y)

    def second(x: Any, w: Any, dy: Any, ddx: Any, ddw: Any) -> Any:
        return convt.conv_double_backward(x, w, None, dy, ddx, ddw)

    def layer(x: Any, w: Any, dy: Any) -> Any:
        made = nn.Conv2D(6, 3, weight_initializer=w).initialize()
        return made(x), made.backward(dy), made.weight.grad

    def operator(vector: Any, w: Any) -> Any:
        made = convt.ConvOperator((4, 12, 12), w)
        product = made @ vector
        return product, made.H @ product

    def matrix(w: Any) -> Any:  # without a product, in which SciPy crashes where it is refused memory
        made = convt.conv_matrix((4, 12, 12), w)
        return made.data, made.indices, made.indptr

    constant = convt.Filters(w)

    def prepared(x: Any) -> Any:
        constant.clear()
        return convt.conv(x, constant), convt.conv(x, constant)

    yield Call("conv with Filters", None, prepared, [x])
    yield Call("conv_double_backward", None, second, [x, w, y, back.x, back.w])
    yield Call("nn.Conv2D", None, layer, [x, w, y])
    yield Call("ConvOperator", None, operator, [x.ravel(), w])
    yield Call("conv_matrix", None, matrix, [w])
    yield Call("vl_nnconv", None, matconvnet.vl_nnconv, [_array(12, 12, 4, 2), _array(3, 3, 4, 6), _array(6)])
    yield Call(
        "vl_nnconvt", None, partial(matconvnet.vl_nnconvt, upsample=2), [_array(6, 6, 4, 2), _array(3, 3, 6, 4), _array(6)]
    )
