"""Errors that the fuzzer must find: each spoils the cpu backend or a function of convt, in a ``with`` block."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

import convt
from convt.registry import registry

Map = Callable[..., Any]


@dataclass(frozen=True)
class Error:
    """One wrong function.

    Attributes
    ----------
    name : str
        Of a function of the cpu backend, or of convt, as "convt.conv".
    spoil : callable
        Makes the wrong function of the right one.
    ends : bool
        Whether it may end the process, or never return.
    """

    name: str
    spoil: Callable[[Map], Map]
    ends: bool = False


@contextmanager
def planted(name: str) -> Iterator[None]:
    """A block in which there is an error; none without a name."""
    if not name:
        yield
        return
    error = ERRORS[name]
    *of_convt, function = error.name.split(".")
    owner: Any = convt if of_convt else registry().get("cpu")
    right = getattr(owner, function)
    setattr(owner, function, error.spoil(right))
    try:
        yield
    finally:
        setattr(owner, function, right)


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
        if problem.batch > 1:
            os.kill(os.getpid(), signal.SIGSEGV)

    return spoilt


def _hang(gather: Map) -> Map:
    def spoilt(problem: Any, fine: Any, kernel: Any, bias: Any, coarse: Any) -> None:
        gather(problem, fine, kernel, bias, coarse)
        if problem.groups > 2:
            time.sleep(1000)

    return spoilt


def _last_index(max_pool: Map) -> Map:
    """The last of equal maxima."""

    def spoilt(problem: Any, fine: Any, coarse: Any, indices: Any) -> None:
        max_pool(problem, fine[..., ::-1].copy(), coarse, indices)
        size = problem.fine_shape[-1]
        indices[...] = indices // size * size + size - 1 - indices % size

    return spoilt


def _wrong_dtype(conv: Map) -> Map:
    def spoilt(*arguments: Any, **options: Any) -> Any:
        y = conv(*arguments, **options)
        return y.astype(np.float64) if y.dtype == np.float16 else y

    return spoilt


def _wrong_order(conv: Map) -> Map:
    def spoilt(*arguments: Any, **options: Any) -> Any:
        y = conv(*arguments, **options)
        return y if "out" in options else np.ascontiguousarray(y)

    return spoilt


def _not_out(conv_transpose: Map) -> Map:
    def spoilt(*arguments: Any, **options: Any) -> Any:
        y = conv_transpose(*arguments, **options)
        return y.copy() if "out" in options else y

    return spoilt


def _another_error(scatter: Map) -> Map:
    def spoilt(*arguments: Any) -> None:
        try:
            scatter(*arguments)
        except MemoryError:
            raise OSError from None

    return spoilt


ERRORS = {
    "missing tap": Error("gather", _missing_tap),
    "off by one element": Error("scatter", _shifted),
    "last column": Error("scatter", _last_column),
    "writes outside": Error("gather", _outside, ends=True),
    "reads outside": Error("scatter", _beyond_the_input, ends=True),
    "input changed": Error("correlate", _input_changed),
    "NaN spreads": Error("scatter", _nan_spreads),
    "hot element spoils": Error("gather", _hot_spoils),
    "infinity hidden": Error("correlate", _infinity_hidden),
    "bits by threads": Error("correlate", _bits_by_threads),
    "crash": Error("gather", _crash, ends=True),
    "hang": Error("gather", _hang, ends=True),
    "last of equal maxima": Error("max_pool", _last_index),
    "wrong dtype": Error("convt.conv", _wrong_dtype),
    "wrong order": Error("convt.conv", _wrong_order),
    "another array than out": Error("convt.conv_transpose", _not_out),
    "no MemoryError": Error("scatter", _another_error, ends=True),
}
