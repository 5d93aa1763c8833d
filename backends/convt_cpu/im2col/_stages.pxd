# The stages of the im2col engine. See _stages.pyx.

from .._plan cimport Plan
from .._types cimport int64_t

cdef enum Work:
    SCATTER = 0
    GATHER = 1
    CORRELATE = 2
    ADD_SPLITS = 3


cdef int add_stage(Plan plan, int work, int64_t tasks, double cycles) except -1
