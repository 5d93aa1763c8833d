"""The one place where the cpu backend asks for memory outside of Python: a MemoryError where there is none.

An allocator hands large memory back to the system at once (glibc from 32 MB on), which gives it anew page by page, each
filled with zeros. For the scratch memory of many threads that takes longer than a call. So `borrow` has one such block kept
for the next call.
"""

from libc.stdlib cimport free, malloc

from ._sizes cimport LINE

__all__ = ["fail_after"]

cdef extern from *:
    """
    static void *convt_kept_block; /* that no call uses now */
    static void *convt_keep(void *block) { return __atomic_exchange_n(&convt_kept_block, block, __ATOMIC_ACQ_REL); }
    """
    void* keep "convt_keep"(void* block) noexcept nogil     # gives the one that was kept before

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


cdef void* borrow(int64_t size) except NULL:
    """So many bytes; `give_back` is told the same number. Blocks that are kept begin with a line that has their size."""
    cdef char* block = NULL
    if size <= UNKEPT:
        return allocate(size)
    if granted < 0:
        block = <char*>keep(NULL)
        if block != NULL and (<int64_t*>block)[0] < size:
            free(block)
            block = NULL
    if block == NULL:
        block = <char*>allocate(LINE + size)
        (<int64_t*>block)[0] = size
    return block + LINE


cdef void give_back(void* memory, int64_t size) noexcept nogil:
    """Keep it where it is large, instead of the one before."""
    if size <= UNKEPT:
        free(memory)
    else:
        free(keep(<char*>memory - LINE))


def fail_after(int64_t requests):
    """Refuse all requests but so many; all are granted again after a negative number. For tests."""
    global granted
    granted = requests
