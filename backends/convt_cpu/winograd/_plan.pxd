# WinogradPlan: scatter or gather of one problem, ready to run. See _plan.pyx.

from .._kernels cimport convt_winograd_plan
from .._plan cimport Plan

cdef enum Schedule:                         # see kernels/winograd_stages.h
    BY_TILES = 0
    TOGETHER = 1
    BY_OUTPUTS = 2


cdef class WinogradPlan(Plan):
    cdef convt_winograd_plan p
    cdef Schedule schedule
