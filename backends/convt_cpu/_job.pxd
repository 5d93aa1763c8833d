# Job: one map of one problem, as engines are asked to plan it. See _job.pyx.

from ._geometry cimport Geometry

cdef class Job:
    cdef Geometry g
    cdef readonly str data_map
    cdef bint scatters, gathers, correlates
    cdef tuple order
    cdef int isa
    cdef bint channels_last
