"""Callers' arrays on a GPU: taken in through ``__cuda_array_interface__`` without a copy, given back as what they were.

PyCUDA's GPUArray, CuPy's ndarray and PyTorch's Tensor come back as their own kind, allocated by their own package; every
other kind of array comes back as a GPUArray. A call runs in the stream that the first array's package uses.

float16 and bfloat16 are types of memory only: who can compute with them in float32 asks an array to be `DeviceArray.summed`,
all others see a type that they refuse. NumPy has no bfloat16, so an array says that it is one by the name of its dtype.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from ctypes import addressof, c_int, c_longlong, c_void_p
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from .driver import CudaError

if TYPE_CHECKING:
    from .device import Device, Devices
    from .driver import Driver

__all__ = ["STORAGE", "DeviceArray", "adopt", "delivered", "empty_like", "is_device_array", "reshaped_strides"]

_ATTRIBUTES = (c_int * 3)(1, 2, 9)  # CUpointer_attribute: context, memory type, device ordinal
_ON_DEVICE = (("pycuda.gpuarray", "GPUArray"), ("cupy", "ndarray"))
_OUT_OF_MEMORY = ("MemoryError", "OutOfMemoryError")  # PyCUDA's, and those of CuPy and PyTorch
_Places, _Answers = c_void_p * 3, c_longlong * 3
_UNKNOWN, _HOST = 0, 1  # CUmemorytype

STORAGE = ("float16", "bfloat16", "float32", "float64")  # what the kernels read and write
_HALVES = STORAGE[:2]
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
    """

    __slots__ = ("address", "device", "dtype", "in_memory", "shape", "source", "storage", "stream", "strides", "whole")

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
    def order(self) -> str:
        """Of an array whose elements lie in Fortran's order without gaps, and not in C's, "F"; else "C"."""
        axes = [(size, stride) for size, stride in zip(self.shape, self.strides, strict=True) if size != 1]
        return "F" if _is_dense(axes[::-1]) and not _is_dense(axes) else "C"

    def summed(self) -> DeviceArray:
        """The same array with the dtype that its numbers are summed in: float32 for half types."""
        if self.storage not in _HALVES:
            return self
        place = (self.address, self.shape, self.strides)
        return DeviceArray(*place, _FLOAT32, self.device, self.stream, self.source, self.storage, whole=self.whole)

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
            self.device.clear(self.address, self.size * self.itemsize, self.stream or 0)
        else:
            numbers = np.full(self.size, value, _FLOAT32 if self.storage == "bfloat16" else self.in_memory)
            if self.storage == "bfloat16":
                numbers = np.ascontiguousarray(numbers.view(np.uint16)[1::2])
            self.device.send(self.address, numbers, self.stream or 0)

    def _view(self, shape: tuple[int, ...], strides: tuple[int, ...]) -> DeviceArray:
        return DeviceArray(self.address, shape, strides, self.dtype, self.device, self.stream, self.source, self.storage)


def is_device_array(value: Any) -> bool:
    """Whether an object says that its data lies on an NVIDIA GPU."""
    kind = type(value)
    if kind is DeviceArray or (kind.__module__, kind.__name__) in _ON_DEVICE:
        return True  # without asking: what they say, they put together every time
    return getattr(value, "__cuda_array_interface__", None) is not None


def adopt(value: Any, driver: Driver, devices: Devices, device: Device | None = None) -> DeviceArray:
    """The caller's array, not copied.

    Parameters
    ----------
    value : object
    driver : Driver
    devices : Devices
    device : Device, optional
        Where the array lies, if that is known.

    Raises
    ------
    ValueError
        Its memory is freed, of the host, or of another context than the primary one.
    TypeError
        It has a mask, or elements that do not say what they are.
    """
    if isinstance(value, DeviceArray):
        return value
    interface = value.__cuda_array_interface__
    kind, shape, dtype = _kind(value), tuple(interface["shape"]), _dtype(interface["typestr"])
    storage = _storage(value, kind, dtype)
    address = interface["data"][0] or 0
    if interface.get("mask") is not None:
        raise TypeError("arrays on a GPU must have no mask, got one (fill it first)")
    strides = interface.get("strides")
    if strides is None:
        steps = _dense(shape)
    else:
        size = dtype.itemsize
        steps, rests = tuple([step // size for step in strides]), [step % size for step in strides]
        if any(rests):
            raise ValueError(f"arrays on a GPU must have strides of whole elements, got {tuple(strides)} bytes of {storage}")
    if not all(shape):
        return DeviceArray(0, shape, steps, dtype, None, None, value, storage, whole=True)
    if address % dtype.itemsize:
        raise ValueError(f"arrays on a GPU must be aligned to their elements, got address {address:#x} of {storage}")
    device = device or _device_of(address, type(value).__name__, driver, devices)
    stream = _stream_of(kind, interface, device)
    return DeviceArray(address, shape, steps, dtype, device, stream, value, storage, whole=True)


def empty_like(shape: tuple[int, ...], dtype: np.dtype, like: DeviceArray, device: Device) -> Any:
    """A new array of the caller's kind, on its device; the device's context is current.

    Parameters
    ----------
    shape : tuple of int
    dtype : numpy.dtype
        Of sums. If the numbers of `like` are summed in the same, the new array has its type in memory.
    like : DeviceArray
    device : Device

    Raises
    ------
    MemoryError
        With the bytes wanted, free and in total.
    """
    half = like.storage in _HALVES and dtype == _FLOAT32
    try:
        return _made(shape, dtype, like.source, half, like.storage)
    except Exception as error:
        if type(error).__name__ not in _OUT_OF_MEMORY:
            raise
    device.pool.trim()
    try:
        return _made(shape, dtype, like.source, half, like.storage)
    except Exception as error:
        if type(error).__name__ not in _OUT_OF_MEMORY:
            raise
        raise device.pool.refusal(prod(shape) * (2 if half else dtype.itemsize), "the result") from error


def _made(shape: tuple[int, ...], dtype: np.dtype, source: Any, half: bool, storage: str) -> Any:
    """By the package that the source is of."""
    kind = _kind(source)
    if kind == "torch":
        torch = sys.modules["torch"]
        same = half or str(source.dtype) == f"torch.{dtype.name}"
        return torch.empty(shape, dtype=source.dtype if same else getattr(torch, dtype.name), device=source.device)
    if half:
        dtype = np.dtype(np.float16 if storage == "float16" else source.dtype)
    if kind == "cupy":
        with source.device:
            return sys.modules["cupy"].empty(shape, dtype)
    from pycuda import gpuarray

    return gpuarray.empty(shape, dtype, allocator=getattr(source, "allocator", None) or _mem_alloc())


def delivered(array: DeviceArray) -> Any:
    """The array as the kind of array that its source is, without a copy."""
    source = array.source
    if array.whole:
        return source
    kind = _kind(source)
    if kind == "torch":
        return source.as_strided(array.shape, array.strides)
    strides = tuple(step * array.itemsize for step in array.strides)
    dtype = source.dtype if array.storage in _HALVES else array.dtype
    if kind == "cupy":
        return sys.modules["cupy"].ndarray(array.shape, dtype, source.data, strides)
    from pycuda.gpuarray import GPUArray

    base = source if source.base is None else source.base
    return GPUArray(array.shape, dtype, source.allocator, base if array.size else None, source.gpudata, strides)


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


_dtype = lru_cache(maxsize=64)(np.dtype)
_name = lru_cache(maxsize=64)(str)


def _storage(value: Any, kind: str, dtype: np.dtype) -> str:
    """The type in memory. Some releases of PyTorch say '<f2' of bfloat16, others '<V2': the array's own dtype decides."""
    if dtype.itemsize == 2:
        own = getattr(value, "dtype", None)
        if str(own) == "torch.bfloat16" if kind == "torch" else isinstance(own, np.dtype) and own.name == "bfloat16":
            return "bfloat16"
    if dtype.kind == "V":
        raise TypeError(
            f"arrays on a GPU must say what their elements are, got a {type(value).__name__} of {dtype.itemsize} bytes each "
            "(bfloat16 is known by its dtype in PyTorch, or by that of ml_dtypes)"
        )
    return _name(dtype)


def _mem_alloc() -> Any:
    from pycuda import driver

    return driver.mem_alloc


def _kind(value: Any) -> str:
    return type(value).__module__.partition(".")[0]


def _stream_of(kind: str, interface: Any, device: Device) -> int | None:
    """PyTorch does not tell its stream; PyCUDA's arrays have none, and its kernels run in the default stream."""
    if kind == "torch":
        return int(sys.modules["torch"].cuda.current_stream(device.ordinal).cuda_stream)
    if kind == "pycuda":
        return 0
    stream = interface.get("stream")
    return None if stream is None else int(stream)


def _device_of(address: int, name: str, driver: Driver, devices: Devices) -> Device:
    answers = _Answers()
    first = addressof(answers)
    question = ("cuPointerGetAttributes", 3, _ATTRIBUTES, _Places(first, first + 8, first + 16), address)
    # The driver answers for every context of the process, but only in a context. Who has data on a GPU mostly is in one.
    with suppress(CudaError):
        driver.call(*question)
    if answers[1] == _UNKNOWN:
        with devices.any().current():
            driver.call(*question)
    context, kind, ordinal = answers
    if kind == _UNKNOWN:
        raise ValueError(f"arrays on a GPU must be alive, got a {name} at {address:#x}, which is freed or never was")
    if kind == _HOST:
        raise ValueError(f"arrays must lie on a GPU, got a {name} in the host's memory")
    device = devices[ordinal]
    # Memory from a driver's pool belongs to no context.
    if context not in (0, device.context):
        raise ValueError(
            f"arrays on a GPU must lie in its primary context, got a {name} of another one (pycuda.autoinit makes its own: "
            "use pycuda.autoprimaryctx)"
        )
    return device


def _is_dense(axes: list[tuple[int, int]]) -> bool:
    """Whether axes of these sizes and strides lie in C's order without gaps."""
    return tuple(stride for _, stride in axes) == _dense(tuple(size for size, _ in axes))


def _dense(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))
