# ThinPlan: one map of few positions and very many weights, ready to run. See _plan.pyx.

from .._call cimport convt_waves
from .._geometry cimport Geometry
from .._plan cimport Plan
from .._types cimport int64_t

cdef extern from "thin/plan.h" nogil:
    ctypedef struct convt_thin_plan:
        Geometry g
        int64_t inputs, outputs
        int64_t positions, part, parts, pitch, unit, width, block, channels, run, tile_size
        convt_waves waves

cdef class ThinPlan(Plan):
    cdef convt_thin_plan p
