"""Which arrays are accepted, in which dtype a call computes, and where a result may be written.

float32 and float64 are computed in their own dtype, float16 and bfloat16 in float32, integers and bools in float64, complex
numbers by their real and imaginary parts (`linearity.py`). The result has the dtype that NumPy's promotion gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .bfloat16 import dtype_name, is_bfloat16, narrowed, widened

__all__ = [
    "COPY_DTYPES",
    "INDEX",
    "ArrayT",
    "as_array",
    "as_operand",
    "as_result",
    "check_dtype",
    "check_out",
    "compute_type",
    "native",
    "on_device",
    "outline",
    "part_type",
    "real_and_imag",
    "result_type",
    "viewed_as",
]

if TYPE_CHECKING:
    from ..typing import ArrayT
else:  # `import convt` need not load what only type checkers use
    ArrayT = TypeVar("ArrayT")

COPY_DTYPES: dict[int, np.dtype] = {4: np.dtype(np.float32), 8: np.dtype(np.float64)}
"""The float dtype used to copy values of any dtype bit for bit, by the size of an element in bytes."""

INDEX = np.dtype(np.int64)
"""The dtype of the indices of maxima."""

_FLOAT32 = np.dtype(np.float32)
_COMPUTE: dict[np.dtype, np.dtype] = {
    np.dtype(result): np.dtype(compute)
    for result, compute in [
        (np.float16, np.float32),
        (np.float32, np.float32),
        (np.float64, np.float64),
        (np.complex64, np.complex64),
        (np.complex128, np.complex128),
    ]
}
_PARTS: dict[np.dtype, np.dtype] = {
    np.dtype(np.complex64): np.dtype(np.float32),
    np.dtype(np.complex128): np.dtype(np.float64),
}
_HOST_MEMORY = (1, 3)  # DLPack's kDLCPU and kDLCUDAHost


def on_device(value: Any) -> bool:
    """Return whether an object declares that its data lies outside the host's memory."""
    if type(value) is np.ndarray:
        return False
    try:
        if hasattr(value, "__cuda_array_interface__"):
            return True
    except KeyError as error:  # PyTorch before 2.5 has no typestr for some of its dtypes
        raise TypeError(
            f"arrays on a GPU must tell their type, got a {type(value).__name__} without a name for {error}"
        ) from error
    except RuntimeError:  # from a PyTorch tensor that requires grad, which its owner refuses later with a clear message
        if getattr(value, "is_cuda", True):
            return True
    try:
        return value.__dlpack_device__()[0] not in _HOST_MEMORY
    except (AttributeError, TypeError, ValueError, RuntimeError, BufferError):
        return False


def as_array(name: str, value: Any) -> np.ndarray:
    """Return the argument as an array of numbers, without a copy if it is one."""
    if type(value) is np.ndarray:
        check_dtype(name, value.dtype)
        return value
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} must be a plain array, got a masked array (fill it first: {name}.filled(0))")
    if value is None:
        raise TypeError(f"{name} must be an array of numbers, got None")
    if hasattr(value, "__dask_graph__") and value.__dask_graph__() is not None:  # xarray's arrays may hold dask's
        raise TypeError(f"{name} must not be lazy, got a {type(value).__name__} that dask would compute (load it first)")
    try:
        array = np.from_dlpack(value) if _only_dlpack(type(value)) else np.asarray(value)
    except (ValueError, TypeError, RuntimeError, BufferError) as error:
        raise TypeError(f"{name} must be an array of numbers, got {type(value).__name__} ({error})") from error
    check_dtype(name, array.dtype)
    return array


def _only_dlpack(kind: type) -> bool:
    """Return whether DLPack is the only array protocol of a type."""
    return hasattr(kind, "__dlpack__") and not any(
        hasattr(kind, each) for each in ("__array__", "__array_interface__", "__array_struct__")
    )


def check_dtype(name: str, dtype: np.dtype) -> None:
    """Raise a TypeError for a dtype that cannot be computed with."""
    if dtype in _COMPUTE or dtype.kind in "iub" or native(dtype) in _COMPUTE or is_bfloat16(dtype):
        return
    raise TypeError(f"{name}.dtype must be a bool, integer, float16/32/64, bfloat16 or complex64/128 type, got {dtype}")


def result_type(dtypes: list[np.dtype]) -> np.dtype:
    """Return the promoted dtype of a call's arrays; integers become float64, as in `numpy.sqrt`.

    bfloat16 beside another dtype counts as float32.
    """
    first = dtypes[0]
    if first in _COMPUTE and dtypes.count(first) == len(dtypes):
        return first
    short = [is_bfloat16(dtype) for dtype in dtypes]
    if all(short):
        return first
    if any(short):
        dtypes = [_FLOAT32 if each else dtype for each, dtype in zip(short, dtypes, strict=True)]
    promoted: np.dtype = np.result_type(*dtypes)
    return np.dtype(np.float64) if promoted.kind in "iub" else promoted.newbyteorder("=")


def compute_type(result: np.dtype) -> np.dtype:
    """Return the dtype in which a result of dtype `result` is computed."""
    return _FLOAT32 if is_bfloat16(result) else _COMPUTE[result]


def part_type(compute: np.dtype) -> np.dtype:
    """Return the dtype of the real and imaginary parts of a complex dtype; a real dtype is returned as it is."""
    return _PARTS.get(compute, compute)


def as_operand(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return the array in `dtype`, in native byte order and aligned; copied only if necessary."""
    if array.dtype.kind == "V" and array.dtype != dtype:
        array = widened(array)
    return np.require(array, dtype, "A")


def as_result(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return a computed array in the dtype of the result; copied only if necessary."""
    return narrowed(array, dtype) if dtype.kind == "V" else array.astype(dtype, copy=False)


def viewed_as(array: Any, dtype: np.dtype) -> Any:
    """Return a view of an array's bytes as numbers of another dtype of the same size."""
    return array if array.dtype == dtype else array.view(dtype)


def real_and_imag(array: Any) -> tuple[Any, ...]:
    """Return views of the real and the imaginary part of a complex array, or a real array alone."""
    return (array.real, array.imag) if array.dtype.kind == "c" else (array,)


def check_out(out: Any, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Raise unless `out` is a writable array of this shape and dtype whose elements do not share memory."""
    if type(out) is not np.ndarray and (not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray)):
        raise TypeError(f"out must be a NumPy array, got {type(out).__name__}")
    if out.shape != shape:
        raise ValueError(f"out.shape must equal the result's {shape}, got {out.shape}")
    if out.dtype is not dtype and native(out.dtype) != dtype:
        raise TypeError(f"out.dtype must equal the result's {dtype_name(dtype)}, got {dtype_name(out.dtype)}")
    if not out.flags.writeable:
        raise ValueError("out must be writable, got a read-only array")
    if not out.size:
        return
    if 0 in out.strides and any(step == 0 and size > 1 for step, size in zip(out.strides, out.shape, strict=True)):
        raise ValueError(f"out must have memory for each element, got strides {out.strides}")
    if not out.flags.forc and _meets_itself(out):
        raise ValueError(f"out must have memory for each element, got strides {out.strides} for the shape {out.shape}")


def _meets_itself(array: np.ndarray) -> bool:
    """Return whether two elements share memory, as in a view of sliding windows."""
    axes = sorted((abs(step), size) for step, size in zip(array.strides, array.shape, strict=True) if size > 1)
    reach = array.itemsize
    for step, size in axes:
        if step < reach:
            break
        reach += (size - 1) * step
    else:
        return False
    offsets = np.zeros(1, np.int64)  # slow, but slices and transposes of an array do not get here
    for step, size in axes:
        offsets = np.add.outer(offsets, np.arange(size) * step).ravel()
    return bool(np.diff(np.sort(offsets)).min(initial=reach) < array.itemsize)


def native(dtype: np.dtype) -> np.dtype:
    """Return the dtype in native byte order."""
    return dtype if dtype.isnative else dtype.newbyteorder("=")


def outline(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, np.dtype[Any]]:
    """A read-only array of zeros that occupies the memory of one element.

    Not by NumPy's `broadcast_to`, which gives a SystemError where memory cannot be had.
    """
    return np.ndarray(shape, dtype, bytes(dtype.itemsize), strides=(0,) * len(shape))
