# Plan: one map of one problem, ready to run. See _plan.pyx.

from .._types cimport int64_t, real
from ._geometry cimport Geometry

cdef class Plan:
    cdef Geometry g
    cdef tuple order                                            # of the spatial axes
    cdef readonly object tiling
    cdef readonly str data_map
    cdef readonly object multiply_adds
    cdef int64_t size                                           # of an element, in bytes
    cdef int64_t rows, pixels, channels                         # of a tile
    cdef readonly int64_t tasks
    cdef int64_t fine_block, images, parts, splits              # of a task
    cdef int part_axis
    cdef int64_t pixels_at, panel_at, spans_at, scratch, shared # in elements

    cdef void* allocate(self, int threads) except NULL
