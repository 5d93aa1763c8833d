"""bfloat16, which NumPy does not have: the upper half of a float32.

The package ml_dtypes adds it to NumPy, with all conversions. What comes from a library that does without that package is
`BFLOAT16`, in which NumPy sees two bytes without a meaning, so that nothing has to be copied.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["BFLOAT16", "added", "dtype_name", "is_bfloat16", "narrowed", "widened"]

BFLOAT16 = np.dtype([("bfloat16", np.uint16)])
"""The bits of a bfloat16."""

_BELOW_HALF = np.uint32(0x7FFF)
_QUIET = np.uint16(0x0040)


def is_bfloat16(dtype: np.dtype) -> bool:
    """Whether it is `BFLOAT16`, or that of ml_dtypes."""
    return dtype.kind == "V" and (dtype.name == "bfloat16" or dtype == BFLOAT16)


def dtype_name(dtype: np.dtype) -> str:
    """The name for a message."""
    return "bfloat16" if is_bfloat16(dtype) else str(dtype)


def widened(array: np.ndarray) -> np.ndarray:
    """A float32 copy of bfloat16 numbers; an array of another type itself."""
    if not is_bfloat16(array.dtype):
        return array
    if array.dtype != BFLOAT16:
        return array.astype(np.float32)
    bits = array["bfloat16"].astype(np.uint32)
    bits <<= 16
    return bits.view(np.float32)


def narrowed(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """float32 numbers rounded to the nearest of a bfloat16 dtype, halves to even; an array of that dtype itself."""
    if array.dtype == dtype or dtype != BFLOAT16:
        return array.astype(dtype, copy=False)
    bits = array.view(np.uint32)
    upper = (bits >> 16).astype(np.uint16)
    rounded = ((bits + (_BELOW_HALF + (upper & 1).astype(np.uint32))) >> 16).astype(np.uint16)
    return np.where(np.isnan(array), upper | _QUIET, rounded).view(BFLOAT16)


def added(first: Any, second: Any) -> Any:
    """The sum of two arrays, bfloat16 ones through float32."""
    short = [isinstance(array, np.ndarray) and is_bfloat16(array.dtype) for array in (first, second)]
    if not any(short):
        return first + second
    total = widened(first) + widened(second)
    return narrowed(total, first.dtype) if all(short) else total
