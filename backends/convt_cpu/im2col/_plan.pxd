# Im2colPlan: one map of one problem, ready to run. See _plan.pyx.

from .._geometry cimport Geometry
from .._plan cimport Plan
from .._types cimport int64_t

cdef class Im2colPlan(Plan):
    cdef Geometry g
    cdef readonly str data_map
    cdef readonly int64_t rows, pixels, channels                # of a tile: (fine channel, tap) pairs, coarse positions,
                                                                # coarse channels per group
    cdef readonly int64_t fine_block, images, parts             # of a scatter task: fine channels, images, and one of so
    cdef readonly int part_axis                                 # many parts of the fine array along an axis
    cdef readonly int64_t splits                                # partial sums over the coarse positions of a correlate
    cdef int64_t pixels_at, panel_at, spans_at                  # in elements

    cdef void* allocate(self, int threads) except NULL
