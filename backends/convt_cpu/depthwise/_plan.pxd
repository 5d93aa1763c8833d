# DepthwisePlan: one map of one problem of few channels per group, ready to run. See _plan.pyx.

from .._kernels cimport convt_depthwise_plan
from .._plan cimport Plan

cdef class DepthwisePlan(Plan):
    cdef convt_depthwise_plan p
