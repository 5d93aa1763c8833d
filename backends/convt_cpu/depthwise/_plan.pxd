# DepthwisePlan: one map of one problem of few channels per group, ready to run. See _plan.pyx.

from .._kernels cimport convt_depthwise_plan
from .._tables cimport Tables
from .._types cimport int64_t

cdef class DepthwisePlan:
    cdef convt_depthwise_plan p
    cdef Tables all_tables                  # that p points into
    cdef tuple order
    cdef int isa
    cdef readonly str data_map
    cdef bint correlates, scatters
    cdef int64_t size                       # of an element, in bytes
    cdef int64_t channel_rows               # output rows of a task where lanes are channels, if they can be
    cdef readonly int64_t tasks
    cdef readonly object multiply_adds
    cdef int64_t scratch, shared            # bytes of one thread, of all
