# Memory outside of Python. See _memory.pyx.

from ._types cimport int64_t

cdef void* allocate(int64_t size) except NULL
cdef void release(void* memory) noexcept nogil
