"""Upsampling on tensors: `upsample`, and `upsample_backward`, its adjoint; each is the other's derivative."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..functions import upsampling
from .operation import Gradients, Inputs, Operation
from .tensors import as_numpy, empty_like, folded, order_of
from .threads import with_pytorchs_threads

__all__ = ["upsample", "upsample_backward"]

Sizes = tuple[int, ...]


class _Resampling(Operation):
    """What both have in common: one tensor, and scale, mode and align_corners."""

    tensors = 1

    def shape(self, x: Tensor, scale: Sizes) -> Sizes:
        """The shape of the result."""
        raise NotImplementedError

    def fake(self, x: Tensor, scale: Sizes, mode: str, align_corners: bool) -> Tensor:
        return empty_like(x, self.shape(x, scale), order_of(x))

    def saved(self, inputs: Inputs, output: Tensor) -> tuple[Tensor, ...]:
        return ()

    def pushforward(self, saved: tuple[Tensor, ...], options: Inputs, tangents: tuple[Tensor | None, ...]) -> Tensor:
        return self(*tangents, *options)

    def batched(self, call: Any, size: int, axes: tuple[int | None, ...], tensors: Inputs, options: Inputs) -> Tensor:
        return call(*folded(tensors, axes, size), *options).unflatten(0, (size, -1))

    def _run(self, function: Any, x: Tensor, scale: Sizes, mode: str, align_corners: bool) -> Tensor:
        y = empty_like(x, self.shape(x, scale), order_of(x))
        if x.shape[0]:
            options = {"mode": mode, "align_corners": align_corners, "out": as_numpy(y)}
            with_pytorchs_threads(function, as_numpy(x), tuple(scale), **options)
        return y


class Upsample(_Resampling):
    """Coarse to fine."""

    name = "upsample"
    signature = "(Tensor x, SymInt[] scale, str mode, bool align_corners) -> Tensor"

    def shape(self, x: Tensor, scale: Sizes) -> Sizes:
        return (*x.shape[:2], *(size * step for size, step in zip(x.shape[2:], scale, strict=True)))

    def compute(self, x: Tensor, scale: Sizes, mode: str, align_corners: bool) -> Tensor:
        return self._run(upsampling.upsample, x, scale, mode, align_corners)

    def pullback(self, saved: tuple[Tensor, ...], options: Inputs, needs: tuple[bool, ...], cotangent: Tensor) -> Gradients:
        return (upsample_backward(cotangent, *options),)


class UpsampleBackward(_Resampling):
    """Fine to coarse."""

    name = "upsample_backward"
    signature = "(Tensor dy, SymInt[] scale, str mode, bool align_corners) -> Tensor"

    def shape(self, x: Tensor, scale: Sizes) -> Sizes:
        return (*x.shape[:2], *(size // step for size, step in zip(x.shape[2:], scale, strict=True)))

    def compute(self, dy: Tensor, scale: Sizes, mode: str, align_corners: bool) -> Tensor:
        return self._run(upsampling.upsample_backward, dy, scale, mode, align_corners)

    def pullback(self, saved: tuple[Tensor, ...], options: Inputs, needs: tuple[bool, ...], cotangent: Tensor) -> Gradients:
        return (upsample(cotangent, *options),)


upsample = Upsample()
upsample_backward = UpsampleBackward()
