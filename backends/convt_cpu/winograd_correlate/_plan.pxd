# WinogradCorrelatePlan: one filter gradient, ready to run. See _plan.pyx.

from .._kernels cimport convt_winograd_correlate_plan
from .._plan cimport Plan
from .._types cimport int64_t

cdef class WinogradCorrelatePlan(Plan):
    cdef convt_winograd_correlate_plan p
    cdef bint together                      # whether all threads pack a strip together, or each its own
    cdef int64_t units                      # of one group
    cdef int64_t strip_units, strips        # of one group
    cdef int64_t splits                     # tasks that share the strips of a group, each with sums of its own
    cdef int64_t fine_blocks, coarse_blocks
    cdef int64_t of_fine, of_coarse, of_sums       # elements: of a unit in one block of V, of G; of M of two blocks
    cdef double packed                      # elements of V and G
    cdef double sums, written               # elements of M, and of the kernel, each time they are transformed and written
