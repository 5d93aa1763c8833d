# The machine's record for plans: a copy of what `families.Machine` describes, and what they take of it.

from .._types cimport int64_t

cdef enum:
    MOST_L2 = 2 * 1024 * 1024               # bytes of an L2 cache that plans use

cdef struct convt_machine:
    double fma128, fma256, fma512           # multiply-adds of so many bits that a core begins in a cycle
    int64_t l1, l2                          # bytes, of a core
    int64_t l3, l3_cores                    # bytes of the last cache, and the cores that share it
    double copy, stream                     # bytes per cycle of a core, from memory to memory; past the caches
    int64_t line                            # bytes
    int64_t smt                             # threads of a core

cdef convt_machine machine() except *       # the one that holds now
cpdef bytes machine_key()                   # all its numbers, for the keys of caches


cdef inline int64_t share(int64_t cache, int64_t parts, int64_t of) noexcept nogil:
    """Bytes of so many equal parts of a cache, of `of` parts in all; not zero."""
    return max(1, cache * parts // of)


cdef inline int64_t usable_l2(const convt_machine* m) noexcept nogil:
    """The L2 cache, as far as plans use it: on no machine may scratch memory grow with it without end."""
    return min(m.l2, MOST_L2)


cdef inline int64_t l3_share(const convt_machine* m) noexcept nogil:
    """Bytes of the last cache that a core has if all cores work."""
    return max(1, m.l3 // m.l3_cores)


cdef inline double multiply_adds_per_cycle(const convt_machine* m, int64_t lanes, int64_t size) noexcept nogil:
    """Elements of so many bytes that a core multiplies and adds in a cycle, in vectors of so many lanes."""
    cdef int64_t vector = lanes * size
    return lanes * (m.fma512 if vector > 32 else m.fma256 if vector > 16 else m.fma128)
