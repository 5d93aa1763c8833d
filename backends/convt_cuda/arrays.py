"""Arrays on a GPU as the backend computes with them: views of callers' memory. `kinds.py` makes them, and new ones.

float16 and bfloat16 are types of memory only: who can compute with them in float32 asks an array to be `DeviceArray.summed`,
all others see a type that they refuse.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .device import Device

__all__ = ["HALVES", "STORAGE", "DeviceArray", "dense_strides", "reshaped_strides"]

STORAGE = ("float16", "bfloat16", "float32", "float64")  # what the kernels read and write
HALVES = STORAGE[:2]
_IN_MEMORY = {"float16": np.dtype(np.float16), "bfloat16": np.dtype("V2")}
_FLOAT32 = np.dtype(np.float32)


class DeviceArray:
    """An array in a GPU's memory, as the backend computes with it.

    Attributes
    ----------
    address : int
        Of the first element; 0 if there is none.
    shape, strides : tuple of int
        Strides count elements.
    dtype : numpy.dtype
        Of what is in memory, a void type for bfloat16; of sums where the array is `summed`.
    storage : str
        The type in memory.
    device : Device or None
        None only for an array without elements.
    stream : int or None
        The stream in whose order the array is; None for one that is ready.
    source : object
        The caller's array. As long as this array lives, so does that.
    whole : bool
        Whether this is `source` itself, and not a view of it.
    in_memory : numpy.dtype
        The type of the elements in memory, a void type for bfloat16.
    fresh : bool
        Whether the call has made it, so that nothing else lies in its memory.
    """

    __slots__ = (
        "address",
        "device",
        "dtype",
        "fresh",
        "in_memory",
        "shape",
        "source",
        "storage",
        "stream",
        "strides",
        "whole",
    )

    def __init__(
        self,
        address: int,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        dtype: np.dtype,
        device: Device | None,
        stream: int | None,
        source: Any,
        storage: str | None = None,
        *,
        whole: bool = False,
    ) -> None:
        self.address, self.shape, self.strides, self.dtype = address, shape, strides, dtype
        self.device, self.stream, self.source, self.whole = device, stream, source, whole
        self.fresh = False
        self.storage = storage or _name(dtype)
        self.in_memory = _IN_MEMORY.get(self.storage, dtype)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """By this the core sees where the array lies."""
        strides = tuple(step * self.itemsize for step in self.strides)
        return {
            "shape": self.shape,
            "typestr": self.in_memory.str,
            "data": (self.address, False),
            "strides": strides,
            "stream": None if self.stream is None else self.stream or 1,  # 1 stands for the default stream
            "version": 3,
        }

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def order(self) -> tuple[int, ...]:
        """The axes from the slowest to the fastest, of an array without gaps; see `convt.backend.DeviceBackend`."""
        return _order(self.shape, self.strides)

    def summed(self) -> DeviceArray:
        """The same array with the dtype that its numbers are summed in: float32 for half types."""
        if self.storage not in HALVES or self.dtype is _FLOAT32:
            return self
        place = (self.address, self.shape, self.strides)
        made = DeviceArray(*place, _FLOAT32, self.device, self.stream, self.source, self.storage, whole=self.whole)
        made.fresh = self.fresh
        return made

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return self.in_memory.itemsize

    def extent(self) -> tuple[int, int]:
        """The addresses of the array's memory: the first byte, and behind the last."""
        low = high = 0
        for size, stride in zip(self.shape, self.strides, strict=True):
            if stride < 0:
                low += (size - 1) * stride
            else:
                high += (size - 1) * stride
        size = self.in_memory.itemsize
        return self.address + low * size, self.address + (high + 1) * size

    def transpose(self, axes: Any) -> DeviceArray:
        """The axes in another order."""
        return self._view(tuple(self.shape[axis] for axis in axes), tuple(self.strides[axis] for axis in axes))

    def view(self, dtype: np.dtype) -> DeviceArray:
        """The same bytes as numbers of another type of the same size."""
        place = (self.address, self.shape, self.strides)
        return DeviceArray(*place, np.dtype(dtype), self.device, self.stream, self.source)

    def reshape(self, shape: tuple[int, ...], order: str = "C") -> DeviceArray:
        """Another shape of the same elements in the same order, "C" or "F"; a ValueError where that is no view."""
        return self._view(shape, reshaped_strides(self.shape, self.strides, shape, order))

    def __getitem__(self, key: Any) -> DeviceArray:
        """``[None]``, ``[None, None]`` and ``[..., None]``: more axes of length 1."""
        if key is None or key == (None, None):
            more = 1 if key is None else 2
            return self._view((1,) * more + self.shape, (0,) * more + self.strides)
        if isinstance(key, tuple) and key == (Ellipsis, None):
            return self._view((*self.shape, 1), (*self.strides, 0))
        raise TypeError(f"a device array's index must be None, (None, None) or (..., None), got {key!r}")

    def __setitem__(self, key: Any, value: Any) -> None:
        """``array[...] = number`` for a new, dense array; for bfloat16, cut to its bits."""
        if key is not Ellipsis or not isinstance(value, int | float):
            raise TypeError(f"only [...] = a number can be assigned to a device array, got [{key!r}] = {value!r}")
        if not self.size or self.device is None:
            return
        if value == 0:
            with self.device.current():
                self.device.clear(self.address, self.size * self.itemsize, self.stream or 0)
        else:
            numbers = np.full(self.size, value, _FLOAT32 if self.storage == "bfloat16" else self.in_memory)
            if self.storage == "bfloat16":
                numbers = np.ascontiguousarray(numbers.view(np.uint16)[1::2])
            self.device.send(self.address, numbers, self.stream or 0)

    def of(self, source: Any, address: int) -> DeviceArray:
        """Another source in the same form."""
        return DeviceArray(address, self.shape, self.strides, self.dtype, self.device, self.stream, source, self.storage)

    def _view(self, shape: tuple[int, ...], strides: tuple[int, ...]) -> DeviceArray:
        made = DeviceArray(self.address, shape, strides, self.dtype, self.device, self.stream, self.source, self.storage)
        made.fresh = self.fresh
        return made


def reshaped_strides(
    old: tuple[int, ...], strides: tuple[int, ...], new: tuple[int, ...], order: str = "C"
) -> tuple[int, ...]:
    """The strides with which the elements of an old shape have a new one, in the same order.

    Raises
    ------
    ValueError
        There are none.
    """
    if 0 in old and 0 in new:
        return (0,) * len(new)
    step = -1 if order == "C" else 1  # the fastest axis first
    runs: list[list[int]] = []  # axes that can be gone through as one
    for size, stride in list(zip(old, strides, strict=True))[::step]:
        if size == 1:
            continue
        if runs and stride == runs[-1][0] * runs[-1][1]:
            runs[-1][0] *= size
        else:
            runs.append([size, stride])
    runs.reverse()
    found = []
    for size in new[::step]:
        if size == 1:
            found.append(0)
            continue
        if not runs or not size or runs[-1][0] % size:
            raise ValueError(f"shape must be that of a view, got {new} for {old} with strides {strides}")
        found.append(runs[-1][1])
        runs[-1] = [runs[-1][0] // size, runs[-1][1] * size]
        if runs[-1][0] == 1:
            runs.pop()
    if runs:
        raise ValueError(f"shape must have as many elements as before, got {new} for {old}")
    return tuple(found[::step])


_name = lru_cache(maxsize=64)(str)


@lru_cache(maxsize=1024)
def _order(shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, ...]:
    """C's order if it is that too, then Fortran's, then another; C's also for arrays with gaps."""
    axes = tuple(range(len(shape)))
    by_stride = tuple(sorted(axes, key=lambda axis: -strides[axis]))
    return next((order for order in (axes, axes[::-1], by_stride) if _is_dense(order, shape, strides)), axes)


def _is_dense(order: tuple[int, ...], shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Whether axes lie in an order without gaps; those of one element lie anywhere."""
    long = [axis for axis in order if shape[axis] != 1]
    return tuple(strides[axis] for axis in long) == dense_strides(tuple(shape[axis] for axis in long))


@lru_cache(maxsize=1024)
def dense_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Those of an array without gaps in C's order."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))
