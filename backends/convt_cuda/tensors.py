"""PyTorch's tensors on a GPU, read without ``__cuda_array_interface__``, which PyTorch puts together anew each time.

A call runs in PyTorch's current stream of their device. They lie in its primary context, or in a pool of the driver's.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convt.backend import RequiresGrad

from .arrays import DeviceArray

if TYPE_CHECKING:
    from .device import Device, Devices

__all__ = ["Tensors"]


class _Elements(NamedTuple):
    in_memory: np.dtype
    storage: str
    itemsize: int
    is_complex: bool


class Tensors:
    """The kind of `kinds.py` that PyTorch's tensors are, and subclasses of them; results are plain tensors.

    Parameters
    ----------
    torch : module
    """

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._strided = torch.strided
        self._elements: dict[Any, _Elements] = {}
        raw = getattr(getattr(torch, "_C", None), "_cuda_getCurrentRawStream", None)
        self._stream = raw or (lambda ordinal: int(torch.cuda.current_stream(ordinal).cuda_stream))

    def owns(self, value: Any) -> bool:
        return value.is_cuda and value.layout is self._strided

    def from_caller(self, value: Any, devices: Devices) -> DeviceArray:
        if value.requires_grad and self._torch.is_grad_enabled():
            raise RequiresGrad(f"arrays on a GPU must not require grad, got a {type(value).__name__} that does")
        kind = value.dtype
        elements = self._elements.get(kind)
        if elements is None:
            elements = self._elements[kind] = _elements_of(kind, value.element_size())
        dtype, storage, itemsize, is_complex = elements
        if value.is_neg() or (is_complex and value.is_conj()):
            raise ValueError(
                f"arrays on a GPU must have their numbers in memory, got a {type(value).__name__} that is to be negated or "
                "conjugated (use resolve_neg() or resolve_conj())"
            )
        shape, strides = (*value.shape,), value.stride()
        if 0 in shape:
            return DeviceArray(0, shape, strides, dtype, None, None, value, storage, whole=True)
        address, ordinal = value.data_ptr(), value.get_device()
        if not address:
            raise ValueError(f"arrays on a GPU must be alive, got a {type(value).__name__} without memory")
        if address % itemsize:
            raise ValueError(f"arrays on a GPU must be aligned to their elements, got address {address:#x} of {storage}")
        device, stream = devices[ordinal], self._stream(ordinal)
        return DeviceArray(address, shape, strides, dtype, device, stream, value, storage, whole=True)

    def make(self, shape: tuple[int, ...], dtype: np.dtype | None, like: Any) -> Any:
        torch = self._torch
        return torch.empty(shape, dtype=like.dtype if dtype is None else getattr(torch, dtype.name), device=like.device)

    def outlines(self, arrays: Sequence[Any], devices: Devices) -> Hashable:
        found: list[Any] = []
        for value in arrays:
            if not value.is_cuda or value.layout is not self._strided or value.is_neg():
                return None
            if value.requires_grad and self._torch.is_grad_enabled():
                return None
            found += type(value), value.dtype, value.shape, value.stride(), value.get_device()
        return tuple(found)

    def address(self, value: Any) -> int:
        return value.data_ptr()

    def stream(self, value: Any, device: Device) -> int:
        return self._stream(device.ordinal)

    def to_caller(self, array: DeviceArray) -> Any:
        return array.source.as_strided(array.shape, array.strides)


def _elements_of(kind: Any, itemsize: int) -> _Elements:
    """Of PyTorch's dtype; a type that NumPy does not have is known by its name alone."""
    name = str(kind).removeprefix("torch.")
    known = getattr(np, name, None)
    in_memory = np.dtype(known if isinstance(known, type) else f"V{itemsize}")
    return _Elements(in_memory, name, itemsize, name.startswith("complex"))
