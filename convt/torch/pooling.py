"""Max pooling on tensors, and its inverse: `max_pool`, `max_unpool`, and what their derivatives need.

Where the maxima were is known from the indices, so all but `max_pool` itself are linear in their first tensor::

                        its derivative is
    max_pool            the elements at the indices, its adjoint `max_pool_backward`
    max_pool_backward   itself, its adjoint the elements at the indices
    max_unpool          itself, its adjoint `max_unpool_backward`, and the other way round

Windows have a size, a stride and a padding in front and behind, per axis; indices are positions in the axes of an image.
"""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor

from ..functions import pooling
from .operation import Gradients, Inputs, Operation
from .tensors import as_planes, empty_like, folded, from_planes, order_of
from .threads import with_pytorchs_threads

__all__ = ["max_pool", "max_unpool"]

Sizes = tuple[int, ...]

_WINDOWS = "SymInt[] size, SymInt[] stride, SymInt[] before, SymInt[] after"


class MaxPool(Operation):
    """The maxima and their indices."""

    name = "max_pool"
    signature = f"(Tensor x, {_WINDOWS}) -> (Tensor, Tensor)"
    tensors = 1

    def compute(self, x: Tensor, *windows: Sizes) -> tuple[Tensor, Tensor]:
        if not x.shape[0]:
            return self.fake(x, *windows)
        array, layout = as_planes(x, order_of(x))
        given = with_pytorchs_threads(pooling.max_pool, array, *_as_arguments(*windows), layout=layout)
        return from_planes(given.y, layout), from_planes(given.indices, layout)

    def fake(self, x: Tensor, size: Sizes, stride: Sizes, before: Sizes, after: Sizes) -> tuple[Tensor, Tensor]:
        axes = zip(x.shape[2:], size, stride, before, after, strict=True)
        shape = (*x.shape[:2], *((n + b + a - k) // s + 1 for n, k, s, b, a in axes))
        order = order_of(x)
        return empty_like(x, shape, order), empty_like(x, shape, order, torch.int64)

    def saved(self, inputs: Inputs, output: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
        return inputs[0], output[1]

    def pullback(self, saved: tuple[Tensor, ...], options: Inputs, needs: tuple[bool, ...], cotangent: Tensor) -> Gradients:
        x, indices = saved
        return (max_pool_backward(cotangent, indices, x.shape[2:], *options),)

    def pushforward(self, saved: tuple[Tensor, ...], options: Inputs, tangents: tuple[Tensor | None, ...]) -> Any:
        return _at(tangents[0], saved[1]), None

    def batched(self, call: Any, size: int, axes: tuple[int | None, ...], tensors: Inputs, options: Inputs) -> Any:
        return tuple(each.unflatten(0, (size, -1)) for each in call(*folded(tensors, axes, size), *options))


class _AtIndices(Operation):
    """What the other three have in common: values and indices; the spatial size of the images, then the windows."""

    tensors = 2

    def saved(self, inputs: Inputs, output: Tensor) -> tuple[Tensor, ...]:
        return (inputs[1],)

    def pushforward(self, saved: tuple[Tensor, ...], options: Inputs, tangents: tuple[Tensor | None, ...]) -> Tensor:
        return self(tangents[0], saved[0], *options)

    def batched(self, call: Any, size: int, axes: tuple[int | None, ...], tensors: Inputs, options: Inputs) -> Tensor:
        return call(*folded(tensors, axes, size), *options).unflatten(0, (size, -1))

    def fake(self, values: Tensor, indices: Tensor, fine: Sizes, *windows: Sizes) -> Tensor:
        return empty_like(values, (*values.shape[:2], *fine), order_of(values))

    def _run(self, function: Any, values: Tensor, indices: Tensor, arguments: Inputs, **options: Any) -> Tensor:
        order = order_of(values)
        (array, layout), (places, _) = as_planes(values, order), as_planes(indices, order)
        return from_planes(with_pytorchs_threads(function, array, places, *arguments, layout=layout, **options), layout)


class MaxPoolBackward(_AtIndices):
    """To images: each value is added where its index says."""

    name = "max_pool_backward"
    signature = f"(Tensor dy, Tensor indices, SymInt[] fine, {_WINDOWS}) -> Tensor"

    def compute(self, dy: Tensor, indices: Tensor, fine: Sizes, *windows: Sizes) -> Tensor:
        if not dy.shape[0]:
            return self.fake(dy, indices, fine)
        arguments = _as_arguments(*windows)
        return self._run(pooling.max_pool_backward, dy, indices, arguments, output_size=tuple(fine))

    def pullback(self, saved: tuple[Tensor, ...], options: Inputs, needs: tuple[bool, ...], cotangent: Tensor) -> Gradients:
        return _at(cotangent, saved[0]), None


class MaxUnpool(_AtIndices):
    """To images: each value is put where its index says, the last one if there are several."""

    name = "max_unpool"
    signature = f"(Tensor y, Tensor indices, SymInt[] fine, {_WINDOWS}) -> Tensor"

    def compute(self, y: Tensor, indices: Tensor, fine: Sizes, *windows: Sizes) -> Tensor:
        if not y.shape[0]:
            return self.fake(y, indices, fine)
        arguments = _as_arguments(*windows)
        return self._run(pooling.max_unpool, y, indices, arguments, output_size=tuple(fine))

    def pullback(self, saved: tuple[Tensor, ...], options: Inputs, needs: tuple[bool, ...], cotangent: Tensor) -> Gradients:
        return max_unpool_backward(cotangent, saved[0], *options), None


class MaxUnpoolBackward(_AtIndices):
    """From images: each value is taken from where its index says, zero for all but the last one if there are several."""

    name = "max_unpool_backward"
    signature = f"(Tensor dy, Tensor indices, SymInt[] fine, {_WINDOWS}) -> Tensor"

    def compute(self, dy: Tensor, indices: Tensor, fine: Sizes, *windows: Sizes) -> Tensor:
        if not dy.shape[0]:
            return self.fake(dy, indices, fine)
        return self._run(pooling.max_unpool_backward, dy, indices, _as_arguments(*windows))

    def fake(self, values: Tensor, indices: Tensor, fine: Sizes, *windows: Sizes) -> Tensor:
        return empty_like(values, indices.shape, order_of(values))

    def pullback(self, saved: tuple[Tensor, ...], options: Inputs, needs: tuple[bool, ...], cotangent: Tensor) -> Gradients:
        return max_unpool(cotangent, saved[0], *options), None


def _as_arguments(size: Sizes, stride: Sizes, before: Sizes, after: Sizes) -> Inputs:
    """Windows as convt's functions take them."""
    return tuple(size), tuple(stride), tuple(zip(before, after, strict=True))


def _at(x: Tensor, indices: Tensor) -> Tensor:
    """The elements of images at the indices."""
    planes, places = (each.reshape(*each.shape[:2], prod(each.shape[2:])) for each in (x, indices))
    return planes.gather(2, places).reshape(indices.shape)


max_pool = MaxPool()
max_pool_backward = MaxPoolBackward()
max_unpool = MaxUnpool()
max_unpool_backward = MaxUnpoolBackward()
