# DirectPlan: scatter or gather of one problem, ready to run. See _plan.pyx.

from .._kernels cimport convt_direct_plan
from .._tables cimport Tables
from .._types cimport int64_t

cdef class DirectPlan:
    cdef convt_direct_plan p
    cdef Tables all_tables                  # that p points into
    cdef tuple order
    cdef int isa
    cdef bint scatters
    cdef int64_t size                       # of an element, in bytes
    cdef bint by_outputs
    cdef readonly int64_t tasks             # that can run at once
    cdef readonly object multiply_adds      # of all strips, those in halos and in padded vectors included
    cdef int64_t strips, passes             # of one group
    cdef int64_t wave                       # strips that are packed together
    cdef int64_t scratch, shared            # in elements: of one thread, of all
