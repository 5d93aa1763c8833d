# Im2colPlan: one map of one problem, ready to run. See _plan.pyx.

from .._plan cimport Plan
from ._tiles cimport Tiles

cdef class Im2colPlan(Plan):
    cdef Tiles p
