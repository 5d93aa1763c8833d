# Job: one map of one problem, as engines are asked to plan it. See _job.pyx.

from ._geometry cimport Geometry
from .machine._record cimport convt_machine

cdef class Job:
    cdef Geometry g
    cdef readonly str data_map
    cdef bint scatters, gathers, correlates
    cdef tuple order
    cdef int isa
    cdef convt_machine machine
    cdef bint channels_last, constant
