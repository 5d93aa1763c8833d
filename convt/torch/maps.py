"""The three maps on tensors: `scatter`, `gather` and `correlate`.

They come from one trilinear form, ``<scatter(c, k), f> == <gather(f, k), c> == <correlate(f, c), k>``, so each is the
derivative of the others::

                               with respect to the first tensor   to the second
    scatter(coarse, w)         gather                             correlate
    gather(fine, w)            scatter                            correlate
    correlate(fine, coarse)    scatter                            gather

Tensors are (N, C, *spatial), w is (coarse channels, fine channels // groups, *kernel). The padding behind the end follows
from the sizes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..core.call import CONV, CONV_TRANSPOSE, Operator
from ..core.execution import backward, forward
from .operation import Gradients, Inputs, Operation
from .tensors import as_numpy, as_tensor, empty_like, first, order_of
from .threads import with_pytorchs_threads

__all__ = ["correlate", "gather", "scatter"]

Sizes = tuple[int, ...]

_NO_EXTRA = (0, None)  # output_padding and output_size
_OPTIONS = "SymInt[] stride, SymInt[] padding, SymInt[] dilation, SymInt groups) -> Tensor"


class _DataMap(Operation):
    """What scatter and gather have in common: x, w, and a bias, which has the channels of the result."""

    tensors = 3

    def fake(self, x: Tensor, w: Tensor, bias: Tensor | None, size: Sizes, *options: Any) -> Tensor:
        return empty_like(x, self.shape(x, w, size, options[-1]), order_of(x, w))

    def saved(self, inputs: Inputs, output: Tensor) -> tuple[Tensor, ...]:
        return inputs[:2]

    def pushforward(self, saved: tuple[Tensor, ...], options: Inputs, tangents: tuple[Tensor | None, ...]) -> Tensor:
        (x, w), (dx, dw, dbias) = saved, tangents
        y = None
        if dx is not None or dw is None:
            y = self(torch.zeros_like(x) if dx is None else dx, w, dbias, *options)
            dbias = None
        if dw is not None:
            part = self(x, dw, dbias, *options)
            y = part if y is None else y + part
        return y

    def batched(self, call: Any, size: int, axes: tuple[int | None, ...], tensors: Inputs, options: Inputs) -> Tensor:
        (x, w, bias), (sizes, stride, padding, dilation, groups) = tensors, options
        x = first(x, axes[0], size)
        if axes[1] is None:
            y = call(x.flatten(0, 1), w, None, *options).unflatten(0, x.shape[:2])
        else:
            w = first(w, axes[1], size)
            rest = sizes, stride, padding, dilation, groups * size
            y = call(_into_channels(x), w.flatten(0, 1), None, *rest)
            y = _out_of_channels(y, size)
        if bias is None:
            return y
        bias = first(bias, axes[2], size)
        return y + bias.reshape(size, 1, -1, *(1,) * len(sizes))

    def shape(self, x: Tensor, w: Tensor, size: Sizes, groups: int) -> Sizes:
        """The shape of the result."""
        raise NotImplementedError


class Scatter(_DataMap):
    """Coarse to fine: what conv_transpose computes."""

    name = "scatter"
    signature = f"(Tensor coarse, Tensor w, Tensor? bias, SymInt[] fine, {_OPTIONS}"

    def shape(self, x: Tensor, w: Tensor, size: Sizes, groups: int) -> Sizes:
        return (x.shape[0], w.shape[1] * groups, *size)

    def compute(
        self,
        coarse: Tensor,
        w: Any,
        bias: Tensor | None,
        fine: Sizes,
        stride: Sizes,
        padding: Sizes,
        dilation: Sizes,
        groups: int,
    ) -> Tensor:
        options = _options(_NO_EXTRA, coarse.shape[2:], fine, w.shape[2:], stride, padding, dilation, groups)
        return _run(CONV_TRANSPOSE, options, self.shape(coarse, w, fine, groups), coarse, w, bias)

    def plain_pullback(
        self, saved: tuple[Tensor, ...], options: Inputs, needs: tuple[bool, ...], cotangent: Tensor
    ) -> Gradients:
        coarse, w = saved
        given = _options(_NO_EXTRA, coarse.shape[2:], options[0], w.shape[2:], *options[1:])
        return _run_backward(CONV_TRANSPOSE, given, coarse, w, cotangent, needs)

    def pullback(self, saved: tuple[Tensor, ...], options: Inputs, needs: tuple[bool, ...], cotangent: Tensor) -> Gradients:
        (coarse, w), (_, *rest) = saved, options
        return (
            gather(cotangent, _conjugate(w), None, coarse.shape[2:], *rest) if needs[0] else None,
            correlate(cotangent, _conjugate(coarse), w.shape[2:], *rest) if needs[1] else None,
            _sum_of_channels(cotangent) if needs[2] else None,
        )


class Gather(_DataMap):
    """Fine to coarse: what conv computes."""

    name = "gather"
    signature = f"(Tensor fine, Tensor w, Tensor? bias, SymInt[] coarse, {_OPTIONS}"

    def shape(self, x: Tensor, w: Tensor, size: Sizes, groups: int) -> Sizes:
        return (x.shape[0], w.shape[0], *size)

    def compute(
        self,
        fine: Tensor,
        w: Any,
        bias: Tensor | None,
        coarse: Sizes,
        stride: Sizes,
        padding: Sizes,
        dilation: Sizes,
        groups: int,
    ) -> Tensor:
        options = _options((), coarse, fine.shape[2:], w.shape[2:], stride, padding, dilation, groups)
        return _run(CONV, options, self.shape(fine, w, coarse, groups), fine, w, bias)

    def plain_pullback(
        self, saved: tuple[Tensor, ...], options: Inputs, needs: tuple[bool, ...], cotangent: Tensor
    ) -> Gradients:
        fine, w = saved
        given = _options((), options[0], fine.shape[2:], w.shape[2:], *options[1:])
        return _run_backward(CONV, given, fine, w, cotangent, needs)

    def pullback(self, saved: tuple[Tensor, ...], options: Inputs, needs: tuple[bool, ...], cotangent: Tensor) -> Gradients:
        (fine, w), (_, *rest) = saved, options
        return (
            scatter(cotangent, _conjugate(w), None, fine.shape[2:], *rest) if needs[0] else None,
            correlate(_conjugate(fine), cotangent, w.shape[2:], *rest) if needs[1] else None,
            _sum_of_channels(cotangent) if needs[2] else None,
        )


class Correlate(Operation):
    """Fine and coarse to filters: the gradient of both operators with respect to w."""

    name = "correlate"
    signature = f"(Tensor fine, Tensor coarse, SymInt[] kernel, {_OPTIONS}"
    tensors = 2

    def compute(
        self,
        fine: Tensor,
        coarse: Tensor,
        kernel: Sizes,
        stride: Sizes,
        padding: Sizes,
        dilation: Sizes,
        groups: int,
    ) -> Tensor:
        data = as_numpy(fine)
        like = np.empty(self._shape(fine, coarse, kernel, groups), data.dtype)
        options = _options(_NO_EXTRA, coarse.shape[2:], fine.shape[2:], kernel, stride, padding, dilation, groups)
        x = as_numpy(_conjugate(coarse))  # the core conjugates it
        gradients = with_pytorchs_threads(backward, CONV_TRANSPOSE, options, x, like, None, data, ("w",), None)
        return as_tensor(gradients.w)

    def fake(self, fine: Tensor, coarse: Tensor, kernel: Sizes, *options: Any) -> Tensor:
        return empty_like(fine, self._shape(fine, coarse, kernel, options[-1]), torch.contiguous_format)

    def saved(self, inputs: Inputs, output: Tensor) -> tuple[Tensor, ...]:
        return inputs[:2]

    def pullback(self, saved: tuple[Tensor, ...], options: Inputs, needs: tuple[bool, ...], cotangent: Tensor) -> Gradients:
        (fine, coarse), (_, *rest) = saved, options
        return (
            scatter(_conjugate(coarse), cotangent, None, fine.shape[2:], *rest) if needs[0] else None,
            gather(_conjugate(fine), cotangent, None, coarse.shape[2:], *rest) if needs[1] else None,
        )

    def pushforward(self, saved: tuple[Tensor, ...], options: Inputs, tangents: tuple[Tensor | None, ...]) -> Tensor:
        (fine, coarse), (dfine, dcoarse) = saved, tangents
        parts = [] if dfine is None else [self(dfine, coarse, *options)]
        if dcoarse is not None:
            parts.append(self(fine, dcoarse, *options))
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]

    def batched(self, call: Any, size: int, axes: tuple[int | None, ...], tensors: Inputs, options: Inputs) -> Tensor:
        fine, coarse = (_into_channels(first(tensor, axis, size)) for tensor, axis in zip(tensors, axes, strict=True))
        *rest, groups = options
        return call(fine, coarse, *rest, groups * size).unflatten(0, (size, -1))

    def _shape(self, fine: Tensor, coarse: Tensor, kernel: Sizes, groups: int) -> Sizes:
        return (coarse.shape[1], fine.shape[1] // groups, *kernel)


def _run(operator: Operator, options: Inputs, shape: Sizes, x: Tensor, w: Any, bias: Tensor | None) -> Tensor:
    """Compute an operator of convt; w is a tensor, or filters that it takes as they are."""
    if isinstance(w, Tensor):
        order, w = order_of(x, w), as_numpy(w)
    else:
        order = order_of(x)
    vector = None if bias is None else as_numpy(bias)
    if order is torch.contiguous_format and x.is_contiguous():
        return as_tensor(with_pytorchs_threads(forward, operator, options, as_numpy(x), w, vector, None, None))
    y = empty_like(x, shape, order)
    if x.shape[0]:
        with_pytorchs_threads(forward, operator, options, as_numpy(x), w, vector, as_numpy(y), None)
    return y


def _run_backward(
    operator: Operator, options: Inputs, x: Tensor, w: Tensor, dy: Tensor, needs: tuple[bool, ...]
) -> Gradients:
    """Compute the gradients of an operator that are needed, as `forward` computes it."""
    data = as_numpy(dy)
    names = tuple([name for name, needed in zip(("x", "w", "bias"), needs, strict=True) if needed])
    bias = np.empty(dy.shape[1], data.dtype) if needs[2] else None
    given = with_pytorchs_threads(backward, operator, options, as_numpy(x), as_numpy(w), bias, data, names, None, "C")
    return tuple([None if array is None else as_tensor(array) for array in given])


def _options(
    extra: tuple[Any, ...],
    coarse: Sizes,
    fine: Sizes,
    kernel: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> tuple[Any, ...]:
    """The options of an operator in the core's order, with the padding before and after; `extra` are those of the output."""
    return _known(extra, *map(tuple, (coarse, fine, kernel, stride, padding, dilation)), groups)


@lru_cache(4096)
def _known(extra: tuple[Any, ...], *geometry: Any) -> tuple[Any, ...]:
    coarse, fine, kernel, stride, padding, dilation, groups = geometry
    axes = zip(coarse, fine, kernel, stride, padding, dilation, strict=True)
    pairs = tuple((p, (c - 1) * s + (k - 1) * d + 1 - p - f) for c, f, k, s, p, d in axes)
    same = pairs[0][0] if len({size for pair in pairs for size in pair}) == 1 else pairs  # one number is looked up faster
    return (None, _one(stride), same, *extra, _one(dilation), groups)


def _one(sizes: Sizes) -> int | Sizes:
    return sizes[0] if len(set(sizes)) == 1 else sizes


def _conjugate(tensor: Tensor) -> Tensor:
    return tensor.conj() if tensor.is_complex() else tensor


def _sum_of_channels(cotangent: Tensor) -> Tensor:
    return cotangent.sum((0, *range(2, cotangent.dim())))


def _into_channels(tensor: Tensor) -> Tensor:
    """(size, N, C, ...) as (N, size * C, ...): each element of the batch has its own groups of channels."""
    return tensor.movedim(0, 1).flatten(1, 2)


def _out_of_channels(tensor: Tensor, size: int) -> Tensor:
    return tensor.unflatten(1, (size, -1)).movedim(1, 0)


scatter = Scatter()
gather = Gather()
correlate = Correlate()
