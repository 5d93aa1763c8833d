# Sizes that every plan rounds and aligns alike. All are 64 bits wide, as those of arrays are.

from ._types cimport int64_t

cdef extern from *:
    """
    #define CONVT_VAST ((int64_t)1 << 54)
    """
    const int64_t VAST "CONVT_VAST"         # more than any limit, and yet there is room for factors

cdef enum:
    LINE = 64                               # bytes of a cache line; all scratch memory is aligned to it


cdef inline int64_t floor_div(int64_t a, int64_t b) noexcept nogil:
    """a / b rounded down; b is positive."""
    cdef int64_t quotient = a // b
    return quotient - 1 if quotient * b > a else quotient


cdef inline int64_t ceil_div(int64_t a, int64_t b) noexcept nogil:
    """a / b rounded up; b is positive."""
    return -floor_div(-a, b)


cdef inline int64_t times(int64_t a, int64_t b) noexcept nogil:
    """a * b of two sizes, or VAST if it is more: products of sizes that no array has would not fit into 64 bits."""
    return VAST if b and a > VAST // b else a * b


cdef inline int64_t aligned(int64_t size) noexcept nogil:
    """Bytes, rounded up to whole cache lines."""
    return (size + LINE - 1) // LINE * LINE


cdef inline int64_t even(int64_t size, int64_t most) noexcept nogil:
    """The largest of equal parts of at most so many."""
    return ceil_div(size, ceil_div(size, most))
