"""The kinds of array that callers have on a GPU: taken in without a copy, made anew, given back as what they were.

PyTorch's tensors (`tensors.py`), CuPy's and PyCUDA's arrays, and subclasses of them, come back as their own kind, allocated
by their own package. All others are known by ``__cuda_array_interface__`` alone, and results for them are PyCUDA's. A call
runs in the stream that the first array's package uses.

NumPy has no bfloat16, so an array says that it is one by the name of its dtype.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Sequence
from ctypes import addressof, c_int, c_longlong, c_void_p
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .arrays import HALVES, DeviceArray, dense_strides
from .driver import CudaError
from .tensors import Tensors

if TYPE_CHECKING:
    from .device import Device, Devices

__all__ = ["Kind", "PycudaArrays", "check_contexts", "kind_of", "made_like", "new"]

_ATTRIBUTES = (c_int * 3)(1, 2, 9)  # CUpointer_attribute: context, memory type, device ordinal
_OUT_OF_MEMORY = ("MemoryError", "OutOfMemoryError")  # PyCUDA's, and those of CuPy and PyTorch
_Asked, _WORD = c_longlong * 6, 8  # where to write the three answers, then these
_UNKNOWN, _HOST = 0, 1  # CUmemorytype
_FLOAT32 = np.dtype(np.float32)


class Kind(Protocol):
    """What is asked of a kind of array."""

    def owns(self, value: Any) -> bool:
        """Whether its data lies on a GPU."""

    def from_caller(self, value: Any, devices: Devices) -> DeviceArray:
        """The caller's array, not copied.

        Raises
        ------
        ValueError
            Its memory is freed, of the host, or of another context than the primary one.
        TypeError
            It has a mask, elements that do not say what they are, or a gradient that would be lost.
        """

    def make(self, shape: tuple[int, ...], dtype: np.dtype | None, like: Any) -> Any:
        """A new array like the caller's; of another type than that has where a dtype is given."""

    def outlines(self, arrays: Sequence[Any], devices: Devices) -> Hashable:
        """All that `from_caller` finds, but addresses and streams; None if that is not enough, or there are no elements."""

    def address(self, value: Any) -> int:
        """Of an array that has elements and an outline, or that `make` made."""

    def stream(self, value: Any, device: Device) -> int:
        """In which arrays of this kind are used now."""

    def to_caller(self, array: DeviceArray) -> Any:
        """A view of what `make` made, as this kind of array."""


class OurArrays:
    """`DeviceArray`, which the core gives back while it puts a call together."""

    def owns(self, value: DeviceArray) -> bool:
        return True

    def from_caller(self, value: DeviceArray, devices: Devices) -> DeviceArray:
        value.fresh = False
        return value

    def outlines(self, arrays: Sequence[DeviceArray], devices: Devices) -> Hashable:
        return None


class PycudaArrays:
    """PyCUDA's arrays. They have no stream: its kernels run in the default one."""

    def owns(self, value: Any) -> bool:
        return True

    def from_caller(self, value: Any, devices: Devices) -> DeviceArray:
        return _taken(self, value, lambda: _device_of(self.address(value), type(value), devices))

    def make(self, shape: tuple[int, ...], dtype: np.dtype | None, like: Any) -> Any:
        from pycuda import driver, gpuarray

        dtype = like.dtype if dtype is None else dtype
        return gpuarray.empty(shape, dtype, allocator=getattr(like, "allocator", None) or driver.mem_alloc)

    def outlines(self, arrays: Sequence[Any], devices: Devices) -> Hashable:
        found: list[Any] = []
        for value in arrays:
            if not value.size:
                return None
            device = _device_of(self.address(value), type(value), devices)
            found += type(value), value.dtype, value.shape, value.strides, device
        return tuple(found)

    def address(self, value: Any) -> int:
        return int(value.gpudata or 0)

    def stream(self, value: Any, device: Device) -> int:
        return 0

    def to_caller(self, array: DeviceArray) -> Any:
        from pycuda.gpuarray import GPUArray

        source = array.source
        base = source if source.base is None else source.base
        memory = (source.allocator, base if array.size else None, source.gpudata)
        return GPUArray(array.shape, _dtype_of(array), *memory, _byte_strides(array))


class CupyArrays:
    """CuPy's arrays, which tell their stream."""

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy

    def owns(self, value: Any) -> bool:
        return True

    def from_caller(self, value: Any, devices: Devices) -> DeviceArray:
        return _taken(self, value, lambda: devices[value.data.device_id])

    def make(self, shape: tuple[int, ...], dtype: np.dtype | None, like: Any) -> Any:
        with like.device:
            return self._cupy.empty(shape, like.dtype if dtype is None else dtype)

    def outlines(self, arrays: Sequence[Any], devices: Devices) -> Hashable:
        found: list[Any] = []
        for value in arrays:
            if not value.size:
                return None
            found += type(value), value.dtype, value.shape, value.strides, value.data.device_id
        return tuple(found)

    def address(self, value: Any) -> int:
        return int(value.data.ptr)

    def stream(self, value: Any, device: Device) -> int:
        return int(value.__cuda_array_interface__.get("stream") or 0)

    def to_caller(self, array: DeviceArray) -> Any:
        return self._cupy.ndarray(array.shape, _dtype_of(array), array.source.data, _byte_strides(array))


class OtherArrays(PycudaArrays):
    """Whatever has ``__cuda_array_interface__``; results are PyCUDA's arrays."""

    def make(self, shape: tuple[int, ...], dtype: np.dtype | None, like: Any) -> Any:
        if dtype is None:
            own = getattr(like, "dtype", None)
            dtype = own if _is_bfloat16(own) else _dtype(like.__cuda_array_interface__["typestr"])
        return super().make(shape, dtype, like)

    def outlines(self, arrays: Sequence[Any], devices: Devices) -> Hashable:
        return None  # each may be in a stream of its own

    def owns(self, value: Any) -> bool:
        return getattr(value, "__cuda_array_interface__", None) is not None

    def from_caller(self, value: Any, devices: Devices) -> DeviceArray:
        interface = value.__cuda_array_interface__
        shape, own = tuple(interface["shape"]), getattr(value, "dtype", None)
        dtype = _dtype(interface["typestr"])
        storage = "bfloat16" if _is_bfloat16(own) and dtype.itemsize == 2 else _elements(dtype, type(value))[1]
        if interface.get("mask") is not None:
            raise TypeError("arrays on a GPU must have no mask, got one (fill it first)")
        strides = interface.get("strides")
        steps = dense_strides(shape) if strides is None else _whole_strides(tuple(strides), dtype.itemsize, storage)
        if 0 in shape:
            return DeviceArray(0, shape, steps, dtype, None, None, value, storage, whole=True)
        address = _aligned(interface["data"][0] or 0, dtype, storage)
        device, stream = _device_of(address, type(value), devices), interface.get("stream")
        return DeviceArray(
            address, shape, steps, dtype, device, None if stream is None else int(stream), value, storage, whole=True
        )


@lru_cache(maxsize=64)
def kind_of(kind: type) -> Any:
    """The kind that arrays of a type are of."""
    if kind is DeviceArray:
        return OurArrays()
    torch, cupy, pycuda = (sys.modules.get(name) for name in ("torch", "cupy", "pycuda.gpuarray"))
    if issubclass(kind, getattr(torch, "Tensor", ())):
        return Tensors(torch)
    if issubclass(kind, getattr(cupy, "ndarray", ())):
        return CupyArrays(cupy)
    if issubclass(kind, getattr(pycuda, "GPUArray", ())):
        return PycudaArrays()
    return OtherArrays()


def new(shape: tuple[int, ...], dtype: np.dtype, like: DeviceArray, device: Device) -> DeviceArray:
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
    half = like.storage in HALVES and dtype == _FLOAT32
    kind = kind_of(type(like.source))
    same = half or dtype is like.in_memory
    made = made_like(kind, shape, None if same else dtype, like.source, device, 2 if half else dtype.itemsize)
    address, stream = (0, None) if 0 in shape else (kind.address(made), kind.stream(made, device))
    storage = like.storage if half else None
    array = DeviceArray(address, shape, dense_strides(shape), dtype, device, stream, made, storage, whole=True)
    array.fresh = True
    return array


def made_like(kind: Kind, shape: tuple[int, ...], dtype: np.dtype | None, like: Any, device: Device, itemsize: int) -> Any:
    """What `Kind.make` makes, if need be of memory that the device's pool gives up."""
    try:
        return kind.make(shape, dtype, like)
    except Exception as error:
        if type(error).__name__ not in _OUT_OF_MEMORY:
            raise
    device.pool.trim()
    try:
        return kind.make(shape, dtype, like)
    except Exception as error:
        if type(error).__name__ not in _OUT_OF_MEMORY:
            raise
        raise device.pool.refusal(prod(shape) * itemsize, "the result") from error


def _taken(kind: Kind, value: Any, find_device: Callable[[], Device]) -> DeviceArray:
    """An array of NumPy's dtypes and strides; one without elements lies nowhere."""
    dtype, storage = _elements(value.dtype, type(value))
    strides = _whole_strides(value.strides, dtype.itemsize, storage)
    if 0 in value.shape:
        return DeviceArray(0, value.shape, strides, dtype, None, None, value, storage, whole=True)
    device = find_device()
    address, stream = _aligned(kind.address(value), dtype, storage), kind.stream(value, device)
    return DeviceArray(address, value.shape, strides, dtype, device, stream, value, storage, whole=True)


def check_contexts(arrays: Sequence[DeviceArray], devices: Devices) -> None:
    """For a thread in which another context than the device's primary one is current: PyTorch and CuPy may allocate there.

    Raises
    ------
    ValueError
        An array lies in another context.
    """
    for array in arrays:
        if array.device is not None:
            _device_of(array.address, type(array.source), devices)


def _device_of(address: int, kind: type, devices: Devices) -> Device:
    driver, asked = devices.driver, _Asked()
    first = addressof(asked) + 3 * _WORD
    asked[0], asked[1], asked[2] = first, first + _WORD, first + 2 * _WORD
    question = ("cuPointerGetAttributes", 3, _ATTRIBUTES, asked, c_void_p(address))
    # The driver answers for every context of the process, but only in a context. Who has data on a GPU mostly is in one.
    try:
        driver.fast(*question)
    except CudaError:
        asked[4] = _UNKNOWN
    if asked[4] == _UNKNOWN:
        with devices.any().current():
            driver.fast(*question)
    context, where, ordinal = asked[3], asked[4], asked[5]
    name = kind.__name__
    if where == _UNKNOWN:
        raise ValueError(f"arrays on a GPU must be alive, got a {name} at {address:#x}, which is freed or never was")
    if where == _HOST:
        raise ValueError(f"arrays must lie on a GPU, got a {name} in the host's memory")
    device = devices[ordinal]
    # Memory from a driver's pool belongs to no context.
    if context not in (0, device.context):
        raise ValueError(
            f"arrays on a GPU must lie in its primary context, got a {name} of another one (pycuda.autoinit makes its own: "
            "use pycuda.autoprimaryctx)"
        )
    return device


_dtype = lru_cache(maxsize=64)(np.dtype)


def _is_bfloat16(own: Any) -> bool:
    return isinstance(own, np.dtype) and own.name == "bfloat16"


@lru_cache(maxsize=64)
def _elements(own: np.dtype, kind: type) -> tuple[np.dtype, str]:
    """Of an array's own dtype: what is in memory, and its name."""
    dtype = np.dtype(own.str)
    if _is_bfloat16(own):
        return dtype, "bfloat16"
    if dtype.kind == "V":
        raise TypeError(
            f"arrays on a GPU must say what their elements are, got a {kind.__name__} of {dtype.itemsize} bytes each "
            "(bfloat16 is known by its dtype in PyTorch, or by that of ml_dtypes)"
        )
    return dtype, str(dtype)


@lru_cache(maxsize=1024)
def _whole_strides(strides: tuple[int, ...], itemsize: int, storage: str) -> tuple[int, ...]:
    """In elements, from bytes."""
    if any(step % itemsize for step in strides):
        raise ValueError(f"arrays on a GPU must have strides of whole elements, got {strides} bytes of {storage}")
    return tuple(step // itemsize for step in strides)


def _aligned(address: int, dtype: np.dtype, storage: str) -> int:
    if address % dtype.itemsize:
        raise ValueError(f"arrays on a GPU must be aligned to their elements, got address {address:#x} of {storage}")
    return address


def _byte_strides(array: DeviceArray) -> tuple[int, ...]:
    return tuple(step * array.itemsize for step in array.strides)


def _dtype_of(array: DeviceArray) -> np.dtype:
    """The type in memory as the source's package names it."""
    dtype: np.dtype = array.source.dtype if array.storage in HALVES else array.dtype
    return dtype
