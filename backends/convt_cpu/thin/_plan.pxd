# ThinPlan: one map of few positions and very many weights, ready to run. See _plan.pyx.

from .._kernels cimport convt_thin_plan
from .._plan cimport Plan

cdef class ThinPlan(Plan):
    cdef convt_thin_plan p
