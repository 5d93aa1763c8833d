# WinogradPlan: scatter or gather of one problem, ready to run. See _plan.pyx.

from .._call cimport convt_waves
from .._plan cimport Plan
from .._types cimport int64_t

cdef extern from "winograd/plan.h" nogil:
    const int CONVT_WINOGRAD_TILES, CONVT_WINOGRAD_STRIDE, CONVT_WINOGRAD_LISTS, CONVT_WINOGRAD_BANDS

    ctypedef struct convt_winograd_band:
        int64_t low, high, elements, phases

    ctypedef struct convt_winograd_plan:
        int64_t batch, groups, inputs, outputs
        int64_t in_size[2]
        int64_t out_size[2]
        int64_t kernel[2]
        int64_t in_stride[2]
        int64_t out_stride[2]
        int64_t in_first[2]
        int64_t out_first[2]
        int64_t taps[2]
        int64_t window[2]
        int64_t places[2]
        int64_t low[2]
        int64_t high[2]
        int64_t lattices[2]
        int64_t tiles[2]
        int64_t bands[2]
        convt_winograd_band band[2][8]          # CONVT_WINOGRAD_BANDS
        int64_t frame, frequencies, matrices
        int64_t tap_matrix[9]
        int64_t flips, in_phases, out_phases, block_tiles, pitch, block_channels, tile, unit, pass_ "pass", v_size, u_size
        int64_t units, channel_blocks, kept, inside_blocks, blocks
        convt_waves waves

cdef enum Schedule:                         # see stages.h
    BY_TILES = 0
    TOGETHER = 1
    BY_OUTPUTS = 2


cdef class WinogradPlan(Plan):
    cdef convt_winograd_plan p
    cdef Schedule schedule
