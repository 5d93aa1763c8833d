"""Tensors as NumPy arrays and back, the order of their axes in memory, and how many threads PyTorch allows."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..kinds.torch import as_tensor, take
from ..settings import at_most_threads

__all__ = ["as_numpy", "as_tensor", "empty_like", "order_of", "with_pytorchs_threads"]

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


def empty_like(tensor: Tensor, shape: Any, order: torch.memory_format) -> Tensor:
    """A tensor of the same dtype and device, with undefined content."""
    return torch.empty(shape, dtype=tensor.dtype, device=tensor.device, memory_format=order)


def with_pytorchs_threads(function: Any, *arguments: Any, **options: Any) -> Any:
    """Call a function of convt with no more threads than PyTorch uses here: in a worker of a DataLoader, one."""
    token = at_most_threads.set(torch.get_num_threads())
    try:
        return function(*arguments, **options)
    finally:
        at_most_threads.reset(token)
