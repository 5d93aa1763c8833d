# CellsPlan: one scatter with large strides, ready to run. See _plan.pyx.

from .._call cimport convt_waves
from .._geometry cimport Geometry
from .._plan cimport Plan
from .._types cimport int64_t

cdef extern from "cells/plan.h" nogil:
    const int CONVT_MAX_PANELS

    ctypedef struct convt_cells_plan:
        Geometry g
        int64_t inputs, outputs
        int64_t full
        int64_t taps[3]
        int64_t first[3]
        int64_t cells[3]
        int64_t positions, lanes, unit, width, block, panels, tiles, parts, pieces, tile_size
        convt_waves waves

cdef class CellsPlan(Plan):
    cdef convt_cells_plan p
