# DirectPlan: scatter or gather of one problem, ready to run. See _plan.pyx.

from .._kernels cimport convt_direct_plan
from .._plan cimport Plan
from .._types cimport int64_t

cdef class DirectPlan(Plan):
    cdef convt_direct_plan p
    cdef bint scatters
    cdef bint by_outputs
    cdef int64_t strips, passes             # of one group
    cdef int64_t wave                       # strips that are packed together

    cdef double packed_elements(self)
    cdef double read_again(self)
