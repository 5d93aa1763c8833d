# DirectPlan: scatter or gather of one problem, ready to run. See _plan.pyx.

from .._kernels cimport convt_direct_plan
from .._plan cimport Plan

cdef enum Schedule:                         # see kernels/direct_stages.h
    BY_STRIPS = 0
    TOGETHER = 1
    BY_OUTPUTS = 2


cdef class DirectPlan(Plan):
    cdef convt_direct_plan p
    cdef Schedule schedule
