# DepthwisePlan: one map of one problem of few channels per group, ready to run. See _plan.pyx.

from .._plan cimport Plan
from .._types cimport int64_t

cdef extern from "depthwise/plan.h" nogil:
    const int CONVT_CHANNEL_TAPS

    ctypedef struct convt_depthwise_plan:
        int64_t batch, groups, inputs, outputs
        int64_t in_size[3]
        int64_t out_size[3]
        int64_t in_stride[3]
        int64_t out_stride[3]
        int64_t in_planes, out_planes
        const int64_t* in_phase
        const int64_t* first_tap
        const int64_t* taps
        const int64_t* reach
        const int64_t* offsets
        int64_t low[3]
        int64_t count[3]
        int64_t boxes[3]
        int64_t rows[3]
        int64_t slide, plane_size, channel_size, chunk, chunk_size, units, splits, chunks, round_groups, channel_rows

cdef class DepthwisePlan(Plan):
    cdef convt_depthwise_plan p
