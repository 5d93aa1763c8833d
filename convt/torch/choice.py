"""Which calls convt computes; all others are PyTorch's own, which computes them or refuses them in its own words.

convt computes with dense tensors of floating or complex numbers in the host's memory, all of one dtype. PyTorch's own
operator is taken besides where a program is written down that others read: by ``torch.jit.trace``, and for ONNX.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["NUMBERS", "as_autocast_wants", "is_floating", "is_written_down", "takes"]

_FLOATING = frozenset((torch.float32, torch.float64, torch.float16, torch.bfloat16))
NUMBERS = _FLOATING | {torch.complex64, torch.complex128}


def takes(x: Any, *others: Any) -> bool:
    """Whether these tensors, or None, are what convt computes with."""
    if not _is_dense(x):
        return False
    given = [other for other in others if other is not None]
    return all(_is_dense(other) and other.dtype is x.dtype and other.is_cpu is x.is_cpu for other in given)


def is_written_down() -> bool:
    """Whether others are to read the program that is running."""
    return bool(torch.jit.is_tracing() or torch.onnx.is_in_onnx_export())


def is_floating(x: Any) -> bool:
    """Whether a tensor has real floating numbers."""
    return bool(x.dtype in _FLOATING)


def as_autocast_wants(*tensors: Any) -> tuple[Any, ...]:
    """The tensors in the dtype that PyTorch's autocast, where it is on, gives those of its convolutions."""
    wanted = torch.get_autocast_dtype("cpu")
    return tuple(tensor.to(wanted) if _is_cast(tensor) else tensor for tensor in tensors)


def _is_dense(x: Any) -> bool:
    if not isinstance(x, Tensor) or x.layout is not torch.strided or x.is_nested:
        return False
    return bool(x.is_cpu or x.device.type == "meta")


def _is_cast(tensor: Any) -> bool:
    return isinstance(tensor, Tensor) and tensor.is_cpu and tensor.dtype in _FLOATING and tensor.dtype is not torch.float64
