"""bfloat16, the upper half of a float32, which NumPy does not have.

The package ml_dtypes adds it to NumPy, with all conversions. Arrays of libraries that do not use that package, such as
PyTorch, become NumPy arrays of the dtype `BFLOAT16` without a copy: NumPy sees an integer field with the bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["BFLOAT16", "added", "dtype_name", "is_bfloat16", "narrowed", "widened"]

BFLOAT16 = np.dtype([("bfloat16", np.uint16)])
"""A structured dtype that holds the bits of a bfloat16."""

_BELOW_HALF = np.uint32(0x7FFF)
_QUIET = np.uint16(0x0040)


def is_bfloat16(dtype: np.dtype) -> bool:
    """Return whether a dtype is `BFLOAT16` or the bfloat16 of ml_dtypes."""
    return dtype.kind == "V" and (dtype.name == "bfloat16" or dtype == BFLOAT16)


def dtype_name(dtype: np.dtype) -> str:
    """Return the name of a dtype for a message."""
    return "bfloat16" if is_bfloat16(dtype) else str(dtype)


def widened(array: np.ndarray) -> np.ndarray:
    """Return a float32 copy of bfloat16 numbers; an array of another dtype is returned as it is."""
    if not is_bfloat16(array.dtype):
        return array
    if array.dtype != BFLOAT16:
        return array.astype(np.float32)
    bits = array["bfloat16"].astype(np.uint32)
    bits <<= 16
    return bits.view(np.float32)


def narrowed(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Round float32 numbers to a bfloat16 dtype, ties to even; an array of that dtype is returned as it is."""
    if array.dtype == dtype or dtype != BFLOAT16:
        return array.astype(dtype, copy=False)
    bits = array.view(np.uint32)
    upper = (bits >> 16).astype(np.uint16)
    rounded = ((bits + (_BELOW_HALF + (upper & 1).astype(np.uint32))) >> 16).astype(np.uint16)
    return np.where(np.isnan(array), upper | _QUIET, rounded).view(BFLOAT16)


def added(first: Any, second: Any) -> Any:
    """Return the sum of two arrays; bfloat16 is added in float32."""
    short = [isinstance(array, np.ndarray) and is_bfloat16(array.dtype) for array in (first, second)]
    if not any(short):
        return first + second
    total = widened(first) + widened(second)
    return narrowed(total, first.dtype) if all(short) else total
