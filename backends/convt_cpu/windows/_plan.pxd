# WindowsPlan: one gather with long filters, ready to run. See _plan.pyx.

from .._kernels cimport convt_windows_plan
from .._plan cimport Plan

cdef class WindowsPlan(Plan):
    cdef convt_windows_plan p
