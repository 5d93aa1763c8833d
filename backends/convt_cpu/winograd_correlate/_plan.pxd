# WinogradCorrelatePlan: one filter gradient, ready to run. See _plan.pyx.

from .._kernels cimport convt_winograd_correlate_plan
from .._plan cimport Plan

cdef class WinogradCorrelatePlan(Plan):
    cdef convt_winograd_correlate_plan p
    cdef bint together                      # whether all threads pack a strip together, or each its own
