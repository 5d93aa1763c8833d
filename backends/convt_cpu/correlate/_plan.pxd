# CorrelatePlan: one filter gradient, ready to run. See _plan.pyx.

from .._kernels cimport convt_correlate_plan
from .._plan cimport Plan

cdef class CorrelatePlan(Plan):
    cdef convt_correlate_plan p
    cdef bint together
