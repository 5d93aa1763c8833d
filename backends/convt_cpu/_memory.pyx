"""The one place where the cpu backend asks for memory outside of Python: a MemoryError where there is none."""

from libc.stdlib cimport free, malloc

__all__ = ["fail_after"]

cdef int64_t granted = -1                   # requests that are granted yet; negative: all are


cdef void* allocate(int64_t size) except NULL:
    """So many bytes; `release` frees them."""
    global granted
    cdef void* memory = NULL
    if granted != 0:
        memory = malloc(max(size, 1))
        granted -= granted > 0
    if memory == NULL:
        raise MemoryError(f"cannot allocate {size} bytes of scratch memory")
    return memory


cdef void release(void* memory) noexcept nogil:
    free(memory)


def fail_after(int64_t requests):
    """Refuse all requests but so many; all are granted again after a negative number. For tests."""
    global granted
    granted = requests
