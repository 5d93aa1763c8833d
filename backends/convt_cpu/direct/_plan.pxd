# DirectPlan: scatter or gather of one problem, ready to run. See _plan.pyx.

from .._call cimport convt_waves
from .._plan cimport Plan
from .._types cimport int64_t

cdef extern from "direct/plan.h" nogil:
    ctypedef struct convt_column:
        int64_t tap, output, in_plane, out_plane, shift

    ctypedef struct convt_direct_plan:
        int64_t batch, groups, inputs, outputs
        int64_t in_size[3]
        int64_t out_size[3]
        int64_t in_stride[3]
        int64_t out_stride[3]
        int64_t in_planes, out_planes
        const int64_t* in_phase
        const int64_t* in_shift
        const int64_t* first_tap
        const int64_t* taps
        const int64_t* offsets
        int64_t even, ahead
        int64_t count[4]
        int64_t strips[4]
        int64_t rows[3]
        int64_t slices, slice
        int64_t slab
        int64_t sums_pitch[2]
        int64_t positions, plane_size, channel_size, span, span_size, strip_size, block, kept, chunk, tile, unit, pass_ "pass"
        int64_t units, all_strips, pieces
        convt_waves waves
        int64_t column_units
        const int64_t* first_column
        const convt_column* column

cdef enum Schedule:                         # see stages.h
    BY_STRIPS = 0
    TOGETHER = 1
    BY_OUTPUTS = 2


cdef class DirectPlan(Plan):
    cdef convt_direct_plan p
    cdef Schedule schedule
