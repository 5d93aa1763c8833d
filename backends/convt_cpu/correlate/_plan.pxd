# CorrelatePlan: one filter gradient, ready to run. See _plan.pyx.

from .._kernels cimport convt_correlate_block, convt_correlate_plan
from .._plan cimport Plan
from .._types cimport int64_t

cdef enum:
    PIECES = 16                             # in which a block of a strip is packed by several threads


cdef class CorrelatePlan(Plan):
    cdef convt_correlate_plan p
    cdef bint together
    cdef readonly double cycles             # estimated, of one core
    cdef int64_t strips, splits             # of one group
    cdef int64_t blocks, wave               # blocks of fine channels: all, those that are packed together
    cdef int64_t coarse_blocks, run_blocks
    cdef int64_t of_coarse, of_fine, of_sums                     # in elements: packed blocks, sums of a block

    cdef convt_correlate_block block(
        self, int64_t group, int64_t fine_block, int64_t coarse_block, int64_t run_block
    ) noexcept nogil
