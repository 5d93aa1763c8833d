"""Errors that the fuzzer must find: each spoils the cpu backend, or a function of convt, in the process that plants it."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import convt
from convt.registry import registry

Map = Callable[..., Any]


def plant(name: str) -> None:
    """Make an error, for good."""
    ERRORS[name]()


def _spoilt(name: str, spoil: Callable[[Map], Map]) -> Callable[[], None]:
    """An error in a map of the cpu backend."""

    def make() -> None:
        backend = registry().get("cpu")
        setattr(backend, name, spoil(getattr(backend, name)))

    return make


def _missing_tap(gather: Map) -> Map:
    def spoilt(problem: Any, fine: Any, kernel: Any, bias: Any, coarse: Any) -> None:
        kernel = kernel.copy()
        kernel[..., -1] = 0
        gather(problem, fine, kernel, bias, coarse)

    return spoilt


def _shifted(scatter: Map) -> Map:
    def spoilt(problem: Any, coarse: Any, kernel: Any, bias: Any, fine: Any) -> None:
        scatter(problem, coarse, kernel, bias, fine)
        fine[...] = np.roll(fine, 1, axis=-1)

    return spoilt


def _last_column(scatter: Map) -> Map:
    """Wrong in one element of rows of 17 or more."""

    def spoilt(problem: Any, coarse: Any, kernel: Any, bias: Any, fine: Any) -> None:
        scatter(problem, coarse, kernel, bias, fine)
        if fine.shape[-1] >= 17:
            fine[..., -1] = fine[..., -2]

    return spoilt


def _outside(gather: Map) -> Map:
    """One element behind the last one of the result."""

    def spoilt(problem: Any, fine: Any, kernel: Any, bias: Any, coarse: Any) -> None:
        gather(problem, fine, kernel, bias, coarse)
        if coarse.base is not None and coarse.size:
            last = coarse[(-1,) * coarse.ndim]
            del last
            end = coarse.ctypes.data + sum((n - 1) * s for n, s in zip(coarse.shape, coarse.strides, strict=True))
            ctypes.c_char.from_address(end + coarse.itemsize).value = b"\0"

    return spoilt


def _beyond_the_input(scatter: Map) -> Map:
    """Reads one element behind the last one of an input."""

    def spoilt(problem: Any, coarse: Any, kernel: Any, bias: Any, fine: Any) -> None:
        scatter(problem, coarse, kernel, bias, fine)
        if coarse.size and min(coarse.strides) > 0:
            end = coarse.ctypes.data + sum((n - 1) * s for n, s in zip(coarse.shape, coarse.strides, strict=True))
            _ = ctypes.c_char.from_address(end + coarse.itemsize).value

    return spoilt


def _input_changed(correlate: Map) -> Map:
    def spoilt(problem: Any, fine: Any, coarse: Any, kernel: Any) -> None:
        correlate(problem, fine, coarse, kernel)
        if coarse.flags.writeable:
            coarse += 1

    return spoilt


def _nan_spreads(scatter: Map) -> Map:
    def spoilt(problem: Any, coarse: Any, kernel: Any, bias: Any, fine: Any) -> None:
        scatter(problem, coarse, kernel, bias, fine)
        if np.isnan(coarse).any():
            fine[...] = np.nan

    return spoilt


def _hot_spoils(gather: Map) -> Map:
    """As of sums in which what is not reached must cancel."""

    def spoilt(problem: Any, fine: Any, kernel: Any, bias: Any, coarse: Any) -> None:
        gather(problem, fine, kernel, bias, coarse)
        largest = abs(fine).max(initial=0)
        if np.isfinite(largest):
            coarse += largest - (largest + coarse) + coarse

    return spoilt


def _infinity_hidden(correlate: Map) -> Map:
    def spoilt(problem: Any, fine: Any, coarse: Any, kernel: Any) -> None:
        correlate(problem, fine, coarse, kernel)
        np.nan_to_num(kernel, copy=False)

    return spoilt


def _bits_by_threads(correlate: Map) -> Map:
    def spoilt(problem: Any, fine: Any, coarse: Any, kernel: Any) -> None:
        correlate(problem, fine, coarse, kernel)
        if convt.settings.settings().threads == 3:
            kernel[...] = np.nextafter(kernel, np.inf)

    return spoilt


def _crash(gather: Map) -> Map:
    def spoilt(problem: Any, fine: Any, kernel: Any, bias: Any, coarse: Any) -> None:
        gather(problem, fine, kernel, bias, coarse)
        if len(problem.stride) == 3:
            os.kill(os.getpid(), signal.SIGSEGV)

    return spoilt


def _hang(gather: Map) -> Map:
    def spoilt(problem: Any, fine: Any, kernel: Any, bias: Any, coarse: Any) -> None:
        gather(problem, fine, kernel, bias, coarse)
        if problem.groups > 2:
            time.sleep(1000)

    return spoilt


def _first_index(max_pool: Map) -> Map:
    """The last of equal maxima."""

    def spoilt(problem: Any, fine: Any, coarse: Any, indices: Any) -> None:
        max_pool(problem, fine[..., ::-1].copy(), coarse, indices)
        size = problem.fine_shape[-1]
        indices[...] = indices // size * size + size - 1 - indices % size

    return spoilt


def _wrong_dtype() -> None:
    conv = convt.conv

    def spoilt(*arguments: Any, **options: Any) -> Any:
        y = conv(*arguments, **options)
        return y.astype(np.float64) if y.dtype == np.float16 else y

    convt.conv = spoilt


def _wrong_order() -> None:
    upsample = convt.upsample

    def spoilt(*arguments: Any, **options: Any) -> Any:
        return np.ascontiguousarray(upsample(*arguments, **options))

    convt.upsample = spoilt


def _not_out() -> None:
    conv_transpose = convt.conv_transpose

    def spoilt(*arguments: Any, **options: Any) -> Any:
        y = conv_transpose(*arguments, **options)
        return y.copy() if "out" in options else y

    convt.conv_transpose = spoilt


ERRORS: dict[str, Callable[[], None]] = {
    "missing tap": _spoilt("gather", _missing_tap),
    "off by one element": _spoilt("scatter", _shifted),
    "last column": _spoilt("scatter", _last_column),
    "writes outside": _spoilt("gather", _outside),
    "reads outside": _spoilt("scatter", _beyond_the_input),
    "input changed": _spoilt("correlate", _input_changed),
    "NaN spreads": _spoilt("scatter", _nan_spreads),
    "hot element spoils": _spoilt("gather", _hot_spoils),
    "infinity hidden": _spoilt("correlate", _infinity_hidden),
    "bits by threads": _spoilt("correlate", _bits_by_threads),
    "crash": _spoilt("gather", _crash),
    "hang": _spoilt("gather", _hang),
    "last of equal maxima": _spoilt("max_pool", _first_index),
    "wrong dtype": _wrong_dtype,
    "wrong order": _wrong_order,
    "another array than out": _not_out,
}
