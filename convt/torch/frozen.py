"""Layers that may declare their weights constant, and what they keep then.

Without that nothing is kept, so that nothing is ever stale: no version counter tells of every write to a tensor. A frozen
layer copies its weights at the first call in evaluation mode without grad, and computes with the copy until it is trained,
loaded or moved; what is written into its parameters meanwhile has no effect.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..filters import Filters
from .operation import is_plain
from .tensors import as_numpy

__all__ = ["Frozen"]


class Constant(NamedTuple):
    """Copies of the weights of a layer.

    Attributes
    ----------
    weight, bias : Tensor
        The bias may be None.
    filters : Filters
        The weight once more, with what backends keep for it.
    """

    weight: Tensor
    bias: Tensor | None
    filters: Filters


class Frozen:
    """A layer with weights; to be derived from before PyTorch's class."""

    freezes = False
    _constant: Constant | None = None

    def freeze(self, freezes: bool) -> None:
        """Begin or cease to keep copies."""
        self.freezes = freezes
        self._constant = None

    def train(self: Any, mode: bool = True) -> Any:
        """As PyTorch's."""
        if mode:
            self._constant = None
        return super().train(mode)  # type: ignore[misc]

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_constant": None}

    def _apply(self: Any, function: Any, recurse: bool = True) -> Any:
        self._constant = None
        return super()._apply(function, recurse)  # type: ignore[misc]

    def _load_from_state_dict(self: Any, *arguments: Any) -> None:
        self._constant = None
        super()._load_from_state_dict(*arguments)  # type: ignore[misc]

    def _weights(self: Any, weight: Tensor, bias: Tensor | None, options: tuple[Any, ...]) -> tuple[Any, ...]:
        """Weight, bias, the options and what is constant, as `convolve` takes them."""
        if not self.freezes or self.training or torch.is_grad_enabled() or not is_plain(weight, bias):
            return weight, bias, options
        if self._constant is None:
            self._constant = _constant(weight, bias)
        return self._constant.weight, self._constant.bias, options, self._constant.filters


def _constant(weight: Tensor, bias: Tensor | None) -> Constant:
    copy = weight.detach().clone(memory_format=torch.contiguous_format)
    return Constant(copy, None if bias is None else bias.detach().clone(), Filters(as_numpy(copy)))
