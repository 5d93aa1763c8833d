# WinogradPlan: scatter or gather of one problem, ready to run. See _plan.pyx.

from .._kernels cimport convt_winograd_plan
from .._types cimport int64_t

cdef class WinogradPlan:
    cdef convt_winograd_plan p
    cdef tuple order
    cdef int isa
    cdef int64_t size                       # of an element, in bytes
    cdef bint by_outputs
    cdef readonly int64_t tasks             # that can run at once
    cdef readonly object multiply_adds      # those in padded vectors included
    cdef readonly object transformed        # elements of all transformed windows and tiles
    cdef readonly object weights            # transformed weights, as often as they are transformed
    cdef readonly int64_t waves             # times that the weights are transformed
    cdef int64_t blocks                     # of tiles, of one group
    cdef int64_t units, passes, channel_blocks
    cdef int64_t wave                       # blocks of tiles that are packed together
    cdef int64_t scratch, shared            # in elements: of one thread, of all
