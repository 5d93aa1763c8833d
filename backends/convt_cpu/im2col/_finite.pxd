# What is not finite: the zeros around the fine array, in the column matrix, make NaN of it; see ``kernels/call.h``.

from .._call cimport CONVT_DONE, CONVT_DOUBTFUL
from .._types cimport int64_t, real


cdef inline void settle(int64_t count, real* x) noexcept nogil:
    """Replace what is not finite by 1 or -1."""
    cdef int64_t i
    for i in range(count):
        if x[i] * 0 != 0:
            x[i] = -1 if x[i] < 0 else 1


cdef inline int told(int64_t rows, int64_t count, const real* x, int64_t pitch) noexcept nogil:
    """What a task that has these results returns."""
    cdef int64_t r, i
    cdef bint finite = True
    for r in range(rows):
        for i in range(count):
            finite &= x[r * pitch + i] * 0 == 0
    return CONVT_DONE if finite else CONVT_DOUBTFUL
