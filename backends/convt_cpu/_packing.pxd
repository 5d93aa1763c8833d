# Packing: what the packing stages of a plan have written, kept for the next call. See _packing.pyx.

from ._types cimport int64_t

cdef class Packing:
    cdef char* memory
    cdef char* first                        # of a whole cache line
    cdef readonly int64_t nbytes
    cdef readonly bint done                 # whether it holds what they write
