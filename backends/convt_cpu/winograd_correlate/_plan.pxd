# WinogradCorrelatePlan: one filter gradient, ready to run. See _plan.pyx.

from .._plan cimport Plan
from .._types cimport int64_t

cdef extern from "winograd_correlate/plan.h" nogil:
    const int CONVT_UNIT_TILES, CONVT_STRIP_TILES, CONVT_TRANSFORMED

    ctypedef struct convt_winograd_side:
        int64_t channels, block, panel, width, pitch
        int64_t size[3]
        int64_t first[3]
        int64_t stride[3]
        int64_t elements[3]
        int64_t phases[3]
        int64_t span[2]

    ctypedef struct convt_winograd_correlate_plan:
        convt_winograd_side fine, coarse
        int64_t batch, groups
        int64_t kernel[3]
        int64_t dilation[3]
        int64_t taps[3]
        int64_t points[3]
        int64_t lines[3]
        int64_t before[3]
        int64_t inner[3]
        int64_t behind[3]
        int64_t units[3]
        int64_t unit[2]
        int64_t unit_tiles, frequencies, phases, rows, tile, chunk
        int64_t all_units, strip_units, strips, fine_blocks, coarse_blocks, splits, cuts, chunks, round_groups, of_fine, of_coarse, of_sums

cdef class WinogradCorrelatePlan(Plan):
    cdef convt_winograd_correlate_plan p
    cdef bint together                      # whether all threads pack a strip together, or each its own
