# WindowsPlan: one gather with long filters, ready to run. See _plan.pyx.

from .._plan cimport Plan
from .._types cimport int64_t

cdef extern from "windows/plan.h" nogil:
    ctypedef struct convt_windows_plan:
        int64_t batch, groups, inputs, outputs
        int64_t fine[3]
        int64_t coarse[3]
        int64_t kernel[3]
        int64_t stride[3]
        int64_t padding[3]
        int64_t dilation[3]
        int64_t count[3]
        int64_t boxes[3]
        int64_t rows[3]
        int64_t part, chunk, vectors, steps, block
        const int64_t* offsets

cdef class WindowsPlan(Plan):
    cdef convt_windows_plan p
