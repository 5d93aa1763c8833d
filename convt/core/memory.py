"""Arrays that lie on a device: who owns them, how they are taken in, and how new ones are made and given back.

What operators, upsampling and pooling, and MatConvNet's functions share; `convt.backend.DeviceBackend` says what an owner
must have.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from ..backend import DEVICE_MEMBERS, Backend, DeviceBackend, RequiresGrad, missing_members
from ..registry import registry
from ..selection import owner
from .arrays import on_device

__all__ = ["OwnedArrays", "device_of", "type_of"]


def device_of(*values: Any) -> tuple[DeviceBackend, Any] | None:
    """The backend that owns the first of the arrays that lies on a device, and that array; None if none does.

    Raises
    ------
    TypeError
        Nobody owns it.
    """
    for value in values:
        kind = type(value)
        if kind is np.ndarray or value is None:
            continue
        # To ask an array itself where it lies takes longer than to ask the backends, and may load them.
        known = registry().owners.get(kind)
        backend = None if known is None else owner(value)
        if backend is None:
            if not on_device(value):
                continue
            backend = owner(value)
        if backend is not known or known is None:
            _remember(kind, value, backend)
        return cast(DeviceBackend, backend), value
    return None


def _remember(kind: type, value: Any, backend: Backend | None) -> None:
    """Arrays of this type were on a device, whose backend is loaded."""
    if backend is None or missing_members(backend, DEVICE_MEMBERS):
        raise TypeError(
            f"arrays must lie in the host's memory or on a device with a backend, got {type(value).__name__} "
            "(no usable backend owns it; see python -m convt)"
        )
    owners = registry().owners
    if len(owners) >= _MOST_TYPES:
        owners.clear()
    owners[kind] = backend


class OwnedArrays:
    """The arrays of one call on a device. Those of types that are summed in another one have that one's dtype.

    Parameters
    ----------
    owner : DeviceBackend
    like : array
        One of the caller's: results become its kind of array.
    """

    def __init__(self, owner: DeviceBackend, like: Any) -> None:
        self.owner = owner
        self._like = like
        self._known = like

    @property
    def types(self) -> tuple[str, ...]:
        """The types that the owner computes with, by their names in memory."""
        return getattr(self.owner, "storage", _COMPUTED)

    def accept(self, name: str, value: Any) -> Any:
        """The argument `name` as the owner's kind of array; a TypeError if it lies elsewhere."""
        if value is not self._like and not self.owner.owns(value):
            raise TypeError(
                f"{name} must lie where the other arrays do, on backend {self.owner.name!r}, got {type(value).__name__}"
            )
        try:
            array = self.owner.adopt(value)
        except RequiresGrad:
            raise TypeError(
                f"{name} must not require grad, got a {type(value).__name__} that does (use {name}.detach(); what computes "
                "gradients ends in _backward)"
            ) from None
        if value is self._like:
            self._known = array
        return _summed(array)

    def check_target(self, target: Any, shape: tuple[int, ...], like: Any) -> None:
        """An error if the caller's `out` is not of that shape and the type of `like`."""
        if target.shape != shape or type_of(target) != type_of(like):
            raise ValueError(f"out must be the result's {shape} of {type_of(like)}, got {target.shape} of {type_of(target)}")

    def make(self, shape: tuple[int, ...], dtype: np.dtype, like: Any = None) -> Any:
        """A new array; of the type in memory that `like` (an array, else the caller's) has, if that is summed in `dtype`."""
        return _summed(self.owner.empty(shape, dtype, self._known if like is None else like))

    def deliver(self, array: Any) -> Any:
        """What `make` made, or a view of it, as the caller's kind of array."""
        return self.owner.deliver(array, self._like)


def type_of(array: Any) -> str:
    """The type that an array's elements have in memory, which may be none of NumPy's."""
    storage = getattr(array, "storage", None)
    return str(array.dtype if storage is None else storage)


_MOST_TYPES = 64
_COMPUTED = ("float32", "float64")


def _summed(array: Any) -> Any:
    summed = getattr(array, "summed", None)
    return array if summed is None else summed()
