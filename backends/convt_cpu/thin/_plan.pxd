# ThinPlan: one map of few positions and very many weights, ready to run. See _plan.pyx.

from .._kernels cimport convt_thin_plan
from .._plan cimport Plan
from .._types cimport int64_t

cdef class ThinPlan(Plan):
    cdef convt_thin_plan p
    cdef readonly str data_map
    cdef bint scatters, gathers
    cdef int64_t wave                       # positions whose columns are packed together, for gather; else packed tiles
    cdef int64_t tile_size                  # of a packed tile of rows, in elements
    cdef double moved                       # elements of all columns
