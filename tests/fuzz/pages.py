"""Memory between two pages that nobody may touch: whoever reads or writes beyond its ends ends by a signal."""

from __future__ import annotations

import ctypes
import mmap

import numpy as np

_MPROTECT = ctypes.CDLL(None, use_errno=True).mprotect
_MPROTECT.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_NOTHING = 0  # PROT_NONE


def guarded(size: int) -> np.ndarray:
    """At least `size` bytes, in whole pages."""
    page = mmap.PAGESIZE
    room = -(-max(size, 1) // page) * page
    whole = np.frombuffer(mmap.mmap(-1, room + 2 * page), np.uint8)
    for place in (0, page + room):
        if _MPROTECT(whole.ctypes.data + place, page, _NOTHING):
            raise OSError(ctypes.get_errno(), "mprotect")
    return whole[page : page + room]
