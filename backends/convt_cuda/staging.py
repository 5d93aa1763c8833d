"""NumPy arrays: copied to the GPU, and the result back.

An array that fills its memory without gaps is copied as it lies there, in whatever order its axes are; others are made
contiguous first. The default stream keeps the order: copies to the GPU, kernels, the copy back. Large batches take the way
of `pieces.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import DeviceArray

if TYPE_CHECKING:
    from .device import Device

__all__ = ["Staging", "dense_strides", "memory_order"]

_STREAM = 0


class Staging:
    """The device's copies of one call's NumPy arrays; a context manager that gives their memory back.

    Parameters
    ----------
    device : Device
        Its context is current.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._addresses: list[int] = []

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, *error: object) -> None:
        for address in self._addresses:
            self._device.pool.release(address)

    def upload(self, array: np.ndarray) -> DeviceArray:
        """A copy on the device."""
        copy, block = self._reserve(array)
        self._device.copy_in(copy.address, np.ascontiguousarray(block))
        return copy

    def reserve(self, array: np.ndarray) -> DeviceArray:
        """Memory for a result, in the order of the array that it goes to."""
        return self._reserve(array)[0]

    def download(self, copy: DeviceArray, array: np.ndarray) -> None:
        """Wait for the result and write it."""
        block = array.transpose(memory_order(array))
        if block.flags.c_contiguous:
            self._device.copy_out(block, copy.address)
        else:
            dense = np.empty(block.shape, block.dtype)
            self._device.copy_out(dense, copy.address)
            block[...] = dense

    def _reserve(self, array: np.ndarray) -> tuple[DeviceArray, Any]:
        order = memory_order(array)
        block = array.transpose(order)
        address = self._device.pool.acquire(array.nbytes, _STREAM)
        self._addresses.append(address)
        strides = dense_strides(array.shape, order)
        return DeviceArray(address, array.shape, strides, array.dtype, self._device, _STREAM, None), block


def dense_strides(shape: tuple[int, ...], order: tuple[int, ...]) -> tuple[int, ...]:
    """Those of an array without gaps whose axes lie in that order, in elements."""
    strides, step = [0] * len(shape), 1
    for axis in reversed(order):
        strides[axis] = step
        step *= shape[axis]
    return tuple(strides)


def memory_order(array: np.ndarray) -> tuple[int, ...]:
    """The axes as they lie in memory, the densest last."""
    if array.flags.c_contiguous:
        return tuple(range(array.ndim))
    return tuple(sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis])))
