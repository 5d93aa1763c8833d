# WinogradPlan: scatter or gather of one problem, ready to run. See _plan.pyx.

from .._kernels cimport convt_winograd_plan
from .._plan cimport Plan
from .._types cimport int64_t

cdef class WinogradPlan(Plan):
    cdef convt_winograd_plan p
    cdef bint by_outputs
    cdef double transformed                 # elements of all transformed windows and tiles
    cdef double weights                     # transformed weights, as often as they are transformed
    cdef int64_t waves                      # times that the weights are transformed
    cdef int64_t blocks                     # of tiles, of one group
    cdef int64_t units, passes, channel_blocks
    cdef int64_t wave                       # blocks of tiles that are packed together
