# CorrelatePlan: one filter gradient, ready to run. See _plan.pyx.

from .._plan cimport Plan
from .._types cimport int64_t

cdef extern from "correlate/plan.h" nogil:
    const int CONVT_WRITTEN

    ctypedef struct convt_correlate_plan:
        int64_t batch, groups, coarse, fine
        int64_t coarse_size[3]
        int64_t fine_size[3]
        int64_t kernel[3]
        int64_t stride[3]
        int64_t dilation[3]
        int64_t step[3]
        int64_t padding[3]
        int64_t count[4]
        int64_t strips[4]
        int64_t run, runs, fine_block, coarse_pitch, fine_lanes, unit, tile, chunk, block_coarse, block_runs
        int64_t blocks, coarse_blocks, run_blocks, all_strips, splits, cuts, chunks, wave, pieces, round_groups, of_coarse, of_fine, of_sums

cdef class CorrelatePlan(Plan):
    cdef convt_correlate_plan p
    cdef bint together
