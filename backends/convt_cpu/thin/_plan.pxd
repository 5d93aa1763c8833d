# ThinPlan: one map of few positions and very many weights, ready to run. See _plan.pyx.

from .._call cimport convt_waves
from .._plan cimport Plan
from .._types cimport int64_t

cdef extern from "thin/plan.h" nogil:
    ctypedef struct convt_thin_plan:
        int64_t batch, groups, inputs, outputs
        int64_t coarse[3]
        int64_t fine[3]
        int64_t kernel[3]
        int64_t stride[3]
        int64_t padding[3]
        int64_t dilation[3]
        int64_t taps, positions, part, parts, pitch, unit, width, block, channels, run, tile_size
        convt_waves waves

cdef class ThinPlan(Plan):
    cdef convt_thin_plan p
