"""Where the arrays of one call lie: in the host's memory, or on a device, where they stay.

The core sees every array transposed (`geometry.py`); what it returns is turned back here, into the caller's kind of array in
MATLAB's memory order.
"""

from __future__ import annotations

from math import prod
from typing import Any, TypeAlias

import numpy as np

from ..backend import Backend
from ..core.arrays import as_operand
from ..core.memory import OwnedArrays, device_of

__all__ = ["DeviceMemory", "HostMemory", "Memory", "memory_of"]


class HostMemory:
    """NumPy arrays, and whatever NumPy makes arrays of."""

    owner: Backend | None = None
    types = ("float32", "float64")

    def convert(self, array: np.ndarray, dtype: np.dtype, like: np.ndarray) -> np.ndarray:
        """The array in a dtype, that of `like`; only one without elements has another."""
        return as_operand(array, dtype)

    def reshape(self, name: str, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """The elements in the same order, which is MATLAB's."""
        return array.reshape(shape, order="F")

    def ones(self, shape: tuple[int, ...], like: np.ndarray) -> np.ndarray:
        return np.ones(shape, like.dtype)

    def empty(self, like: np.ndarray) -> np.ndarray:
        """MATLAB's empty matrix."""
        return np.empty((0, 0), like.dtype)

    def turn(self, array: np.ndarray) -> np.ndarray:
        """All axes reversed."""
        return array.T

    def result(self, array: np.ndarray) -> np.ndarray:
        """What the core has computed, in MATLAB's memory order already, as the caller gets it."""
        return np.asarray(array, order="F")


class DeviceMemory(OwnedArrays):
    """Arrays of a backend that owns them; those of the caller's that have no elements may lie anywhere."""

    def convert(self, array: Any, dtype: np.dtype, like: Any) -> Any:
        return array if array.size or isinstance(array, np.ndarray) else self.make(array.shape, dtype, like)

    def reshape(self, name: str, array: Any, shape: tuple[int, ...]) -> Any:
        """A view; nothing is copied on a device."""
        try:
            return array.reshape(shape, order="F")
        except ValueError as error:
            raise ValueError(
                f"{name} must lie in Fortran order to become {_words(shape)} on backend {self.owner.name!r}, got "
                f"{_words(array.shape)} in another order (copy it into Fortran order first)"
            ) from error

    def ones(self, shape: tuple[int, ...], like: Any) -> Any:
        array = self.make(shape, like.dtype, like)
        array[...] = 1
        return array

    def empty(self, like: Any) -> Any:
        return self.result(self.make((0, 0), like.dtype, like))

    def turn(self, array: Any) -> Any:
        return array.transpose(tuple(reversed(range(array.ndim))))

    def result(self, array: Any) -> Any:
        return self.deliver(array)


Memory: TypeAlias = HostMemory | DeviceMemory

_HOST = HostMemory()


def memory_of(*values: Any) -> Memory:
    """Where a call's arrays lie: on a device if any of them does."""
    found = device_of(*values)
    return _HOST if found is None else DeviceMemory(*found)


def _words(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) if len(shape) > 1 else f"a vector of {prod(shape)}"
