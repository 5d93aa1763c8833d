# MinePlan: one gather with filters of one tap. See _plan.pyx.

from .._plan cimport Plan
from .._types cimport int64_t

cdef extern from "mine/plan.h" nogil:
    ctypedef struct convt_mine_plan:
        int64_t groups, inputs, outputs
        int64_t size[3]


cdef class MinePlan(Plan):
    cdef convt_mine_plan p
