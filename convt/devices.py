"""Arrays that lie on a device: who owns them, and how they are taken in.

What operators, upsampling and pooling, and MatConvNet's functions share; `convt.backend.DeviceBackend` says what an owner
must have.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from .arrays import on_device
from .backend import DEVICE_MEMBERS, DeviceBackend, missing_members
from .selection import owner

__all__ = ["adopted", "device_of"]


def device_of(*values: Any) -> tuple[DeviceBackend, Any] | None:
    """The backend that owns the first of the arrays that lies on a device, and that array; None if none does.

    Raises
    ------
    TypeError
        Nobody owns it.
    """
    for value in values:
        if type(value) is not np.ndarray and value is not None and on_device(value):
            backend = owner(value)
            if backend is None or missing_members(backend, DEVICE_MEMBERS):
                raise TypeError(
                    f"arrays must lie in the host's memory or on a device with a backend, got {type(value).__name__} "
                    "(no usable backend owns it; see python -m convt)"
                )
            return cast(DeviceBackend, backend), value
    return None


def adopted(backend: DeviceBackend, name: str, value: Any) -> Any:
    """The argument `name` as the backend's kind of array; a TypeError if it lies elsewhere."""
    if not backend.owns(value):
        raise TypeError(
            f"{name} must lie where the other arrays do, on backend {backend.name!r}, got {type(value).__name__}"
        )
    return backend.adopt(value)
