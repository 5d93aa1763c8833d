# WindowsPlan: one gather with long filters, ready to run. See _plan.pyx.

from .._geometry cimport Geometry
from .._plan cimport Plan
from .._types cimport int64_t

cdef extern from "windows/plan.h" nogil:
    const int CONVT_FILTERS

    ctypedef struct convt_windows_plan:
        Geometry g
        int64_t inputs, outputs
        int64_t count[3]
        int64_t boxes[3]
        int64_t rows[3]
        int64_t part, chunk, vectors, steps, block
        const int64_t* offsets

cdef class WindowsPlan(Plan):
    cdef convt_windows_plan p
