"""Complex arrays: the maps are linear, so a backend computes them from real and imaginary parts.

`ComplexMaps` passes the parts to the backend's maps as views, without copies. Gradients follow PyTorch: the other operand is
conjugated, so that a step against the gradient lowers a real loss and the maps are exact adjoints in the complex inner
product.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..backend import Backend
from .problem import Problem

__all__ = ["ComplexMaps"]


class ComplexMaps:
    """The maps of complex arrays, computed by a backend that takes real ones."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def scatter(self, problem: Problem, coarse: Any, kernel: Any, bias: Any, fine: Any) -> None:
        _product(self._backend.scatter, problem, coarse, kernel, bias, fine)

    def gather(self, problem: Problem, fine: Any, kernel: Any, bias: Any, coarse: Any) -> None:
        _product(self._backend.gather, problem, fine, kernel, bias, coarse)

    def correlate(self, problem: Problem, fine: Any, coarse: Any, kernel: Any) -> None:
        def correlate(problem: Problem, left: Any, right: Any, bias: Any, result: Any) -> None:
            self._backend.correlate(problem, left, right, result)

        _product(correlate, problem, fine, coarse, None, kernel)

    def channel_sums(self, problem: Problem, array: Any, sums: Any) -> None:
        array.sum(axis=(0, *range(2, array.ndim)), out=sums)


def _product(map_: Callable[..., None], problem: Problem, left: Any, right: Any, bias: Any, result: Any) -> None:
    """Write result = left x right + bias, by (a + bi)(c + di) = (ac - bd) + (ad + bc)i; left or right may be real."""
    # Sums are of contiguous arrays: for others NumPy's ufuncs need memory, and give no error where it cannot be had.
    bias_real, bias_imag = (None, None) if bias is None else (np.ascontiguousarray(p) for p in (bias.real, bias.imag))
    total, part = np.empty(result.shape, problem.dtype), np.empty(result.shape, problem.dtype)
    map_(problem, left.real, right.real, bias_real, total)
    if np.iscomplexobj(left) and np.iscomplexobj(right):
        map_(problem, left.imag, right.imag, None, part)
        total -= part
    result.real = total
    total[...] = 0 if bias_imag is None else bias_imag.reshape(-1, *[1] * (result.ndim - 2))
    if np.iscomplexobj(right):
        map_(problem, left.real, right.imag, None, part)
        total += part
    if np.iscomplexobj(left):
        map_(problem, left.imag, right.real, None, part)
        total += part
    result.imag = total
