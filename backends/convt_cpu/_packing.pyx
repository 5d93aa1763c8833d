"""Packing: what the packing stages of a plan have written, kept for the next call with the same constant filters.

`convt.backend.kept` is where it is kept, `backend.py` keeps it; `_runner.pyx` has it filled at first, and leaves the packing
stages out once it is done.
"""

from libc.stdint cimport uintptr_t

from ._memory cimport allocate, release
from ._sizes cimport LINE

__all__ = ["Packing"]


cdef class Packing:
    """Memory for it.

    Parameters
    ----------
    size : int
        In bytes.

    Raises
    ------
    MemoryError
    """

    def __cinit__(self, int64_t size):
        self.nbytes = size + LINE
        self.memory = <char*>allocate(self.nbytes)
        self.first = self.memory + (-<uintptr_t>self.memory) % LINE

    def __dealloc__(self):
        release(self.memory)
