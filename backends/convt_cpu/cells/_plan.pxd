# CellsPlan: one scatter with large strides, ready to run. See _plan.pyx.

from .._kernels cimport convt_cells_plan
from .._plan cimport Plan
from .._types cimport int64_t

cdef class CellsPlan(Plan):
    cdef convt_cells_plan p
    cdef int64_t wave                       # tiles of a group that are packed together; in each wave,
    cdef int64_t parts, blocks              # so many tasks along positions and lanes take some tiles and some panels each
    cdef int64_t tile_size                  # of a packed tile of positions, in elements
    cdef double packed                      # elements that are copied, in panels and tiles
    cdef double rows                        # pieces of rows that are copied or written
