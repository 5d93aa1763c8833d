"""Tensors as NumPy arrays and back, and the order of their axes in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..kinds.torch import as_tensor, take

if TYPE_CHECKING:
    from ..typing import LayoutName

__all__ = [
    "as_numpy",
    "as_planes",
    "as_tensor",
    "empty_like",
    "first",
    "folded",
    "from_planes",
    "order_of",
]

_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


def as_numpy(tensor: Tensor) -> np.ndarray[Any, Any]:
    """The same memory as an array; a copy where the tensor is to be conjugated or negated yet."""
    plain = tensor.detach()
    try:
        return plain.numpy()  # type: ignore[no-any-return]
    except (RuntimeError, TypeError):  # such a tensor, or bfloat16
        return take(plain)


def order_of(*tensors: Tensor) -> torch.memory_format:
    """The memory format of a result: channels last if a tensor is, as in PyTorch's own convolutions."""
    for tensor in tensors:
        last = _CHANNELS_LAST.get(tensor.dim())
        if last is not None and not tensor.is_contiguous() and tensor.is_contiguous(memory_format=last):
            return last
    return torch.contiguous_format


def empty_like(tensor: Tensor, shape: Any, order: torch.memory_format, dtype: torch.dtype | None = None) -> Tensor:
    """A tensor with undefined content, of the same dtype unless another is given, and on the same device."""
    return torch.empty(shape, dtype=dtype or tensor.dtype, device=tensor.device, memory_format=order)


def as_planes(tensor: Tensor, order: torch.memory_format) -> tuple[np.ndarray[Any, Any], LayoutName | None]:
    """A tensor as an array in C order, and its layout; a copy where its memory is in another order."""
    array = as_numpy(tensor.contiguous(memory_format=order))
    if order is torch.contiguous_format:
        return array, None
    return np.moveaxis(array, 1, -1), "NHWC" if tensor.dim() == 4 else "NDHWC"


def from_planes(array: np.ndarray[Any, Any], layout: LayoutName | None) -> Tensor:
    """The opposite."""
    tensor = as_tensor(array)
    return tensor if layout is None else tensor.movedim(-1, 1)


def first(tensor: Tensor, axis: int | None, size: int) -> Tensor:
    """A tensor with the axis of a batch first; if it has none, all elements of the batch are the same."""
    return tensor.expand(size, *tensor.shape) if axis is None else tensor.movedim(axis, 0)


def folded(tensors: tuple[Tensor, ...], axes: tuple[int | None, ...], size: int) -> tuple[Tensor, ...]:
    """Tensors (N, ...) that are in a batch, as (size * N, ...)."""
    return tuple(first(tensor, axis, size).flatten(0, 1) for tensor, axis in zip(tensors, axes, strict=True))
