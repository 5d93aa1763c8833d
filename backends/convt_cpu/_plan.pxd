# Plan: what the plans of all engines have. See _plan.pyx.

from ._tables cimport Tables
from ._types cimport int64_t

cdef class Plan:
    cdef Tables all_tables                  # that the plan points into
    cdef tuple order
    cdef int isa
    cdef int64_t size                       # of an element, in bytes
    cdef readonly int64_t tasks
    cdef readonly double multiply_adds
    cdef int64_t scratch, shared            # in elements: of one thread, of all
