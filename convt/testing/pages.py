"""Memory between two pages that nobody may read or write: one step outside ends the process at once."""

from __future__ import annotations

import ctypes
import mmap
import sys
from functools import cache
from typing import Any

import numpy as np

__all__ = ["CAN_PROTECT", "between_pages"]

CAN_PROTECT = sys.platform != "win32"  # whether the system has mprotect


@cache
def _mprotect() -> Any:
    function = ctypes.CDLL(None, use_errno=True).mprotect
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return function


def between_pages(size: int, *, at_end: bool) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Bytes that end where an unreadable page begins, or begin where one ends.

    Parameters
    ----------
    size : int
    at_end : bool

    Returns
    -------
    ndarray of uint8, shape (size,)

    Raises
    ------
    OSError
        The system does not protect the pages.
    """
    page = mmap.PAGESIZE
    room = -(-size // page) * page
    whole = np.frombuffer(mmap.mmap(-1, room + 2 * page), np.uint8)
    for outside in (0, page + room):
        if _mprotect()(whole.ctypes.data + outside, page, 0):
            raise OSError(ctypes.get_errno(), "mprotect")
    begin = page + (room - size if at_end else 0)
    return whole[begin : begin + size]
