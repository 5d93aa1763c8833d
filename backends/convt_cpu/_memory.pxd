# Memory outside of Python. See _memory.pyx.

from ._types cimport int64_t

cdef enum:
    UNKEPT = 30 * 1024 * 1024               # bytes: what is larger is kept from call to call

cdef void* allocate(int64_t size) except NULL
cdef void release(void* memory) noexcept nogil
cdef void* borrow(int64_t size) except NULL
cdef void give_back(void* memory, int64_t size) noexcept nogil
