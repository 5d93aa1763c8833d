# DepthwisePlan: one map of one problem of few channels per group, ready to run. See _plan.pyx.

from .._kernels cimport convt_depthwise_plan
from .._plan cimport Plan
from .._types cimport int64_t

cdef class DepthwisePlan(Plan):
    cdef convt_depthwise_plan p
    cdef bint correlates, scatters
    cdef int64_t channel_rows               # output rows of a task where lanes are channels, if they can be
