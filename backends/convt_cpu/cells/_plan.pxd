# CellsPlan: one scatter with large strides, ready to run. See _plan.pyx.

from .._kernels cimport convt_cells_plan
from .._plan cimport Plan

cdef class CellsPlan(Plan):
    cdef convt_cells_plan p
