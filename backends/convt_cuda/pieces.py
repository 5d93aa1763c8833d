"""NumPy arrays of large batches: piece by piece through page-locked memory, so that copies go on beside the computing.

Two slots take turns. Each has a stream, and memory on both sides for one piece, a few images of the batch:

    slot 0   fill | copy in, compute, copy back |        drain, fill | copy in, ...
    slot 1          fill | copy in, compute, copy back |        drain, fill | ...

To fill and to drain is the processor's work: from the caller's array into page-locked memory, and back. The rest the GPU
does by itself, one slot's piece while the processor has the other's.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import ExitStack
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from .arrays import DeviceArray
from .staging import dense_strides, memory_order

if TYPE_CHECKING:
    from .device import Device

__all__ = ["images_at_once", "run_in_pieces"]

WORTH_IT = 96 * 2**20  # bytes of input and output from which on this is faster, on an H200
PIECE = 8 * 2**20  # bytes of one piece's input and output, if an image has not more: a guess, not measured
_SLOTS = 2


def images_at_once(source: np.ndarray, out: np.ndarray) -> int | None:
    """How many images a piece has; None where the batch is not worth cutting."""
    images, size = source.shape[0], source.nbytes + out.nbytes
    if images < _SLOTS or size < WORTH_IT:
        return None
    return min(-(-images // _SLOTS), max(1, PIECE * images // size))


def run_in_pieces(
    device: Device,
    source: np.ndarray,
    out: np.ndarray,
    images: int,
    compute: Callable[[int, DeviceArray, DeviceArray], None],
) -> None:
    """Compute `out` from `source`, whose first axes are the batch.

    Parameters
    ----------
    device : Device
        Its context is current. What its default stream has been told is done before.
    source, out : ndarray
    images : int
        Of a piece.
    compute : callable
        ``compute(stream, piece of source, piece of out)`` puts the work into the stream.
    """
    with ExitStack() as stack:
        slots = [_Slot(stack, device, stream, source, out, images) for stream in device.streams(_SLOTS)]
        for number, first in enumerate(range(0, source.shape[0], images)):
            slot = slots[number % _SLOTS]
            slot.drain()
            slot.start(source[first : first + images], out[first : first + images], compute)
        for slot in slots:
            slot.drain()


class _Slot:
    """A stream and its memory, which `stack` gives back when the stream is done."""

    def __init__(
        self, stack: ExitStack, device: Device, stream: int, source: np.ndarray, out: np.ndarray, images: int
    ) -> None:
        self._device, self._stream = device, stream
        self._source, self._out = (_Side(stack, device, stream, array, images) for array in (source, out))
        self._running: np.ndarray | None = None
        device.wait(stream, 0)
        stack.callback(device.finish, stream)

    def start(self, source: np.ndarray, out: np.ndarray, compute: Callable[[int, DeviceArray, DeviceArray], None]) -> None:
        """Copy a piece in, compute, copy back; without waiting for any of it."""
        pinned = self._source.pinned(source)
        pinned[...] = source.transpose(self._source.order)
        piece, result = self._source.piece(source), self._out.piece(out)
        self._device.send(piece.address, pinned, self._stream)
        compute(self._stream, piece, result)
        self._device.start_receiving(self._out.pinned(out), result.address, self._stream)
        self._running = out

    def drain(self) -> None:
        """Write what has been computed to where it goes."""
        if self._running is None:
            return
        self._device.finish(self._stream)
        self._running.transpose(self._out.order)[...] = self._out.pinned(self._running)
        self._running = None


class _Side:
    """Memory for pieces of one array, on the device and page-locked on the host, in the order of the array's axes."""

    def __init__(self, stack: ExitStack, device: Device, stream: int, array: np.ndarray, images: int) -> None:
        self.order = memory_order(array)
        self._device, self._stream = device, stream
        size = images * prod(array.shape[1:]) * array.itemsize
        self._address = device.pool.acquire(size, stream)
        stack.callback(device.pool.release, self._address)
        self._host = device.pinned.acquire(size)
        stack.callback(device.pinned.release, self._host)

    def pinned(self, piece: np.ndarray) -> np.ndarray:
        """The page-locked memory, in the shape of a piece whose axes are in order."""
        memory = (ctypes.c_ubyte * piece.nbytes).from_address(self._host)
        return np.ndarray(tuple(piece.shape[axis] for axis in self.order), piece.dtype, memory)

    def piece(self, piece: np.ndarray) -> DeviceArray:
        """The memory on the device, as the array that the backend computes with."""
        strides = dense_strides(piece.shape, self.order)
        return DeviceArray(self._address, piece.shape, strides, piece.dtype, self._device, self._stream, None)
