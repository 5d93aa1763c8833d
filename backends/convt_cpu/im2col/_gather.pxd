# gather: pixels += panel columns, where the columns are read from the fine array.
#
# A task owns one tile of coarse positions in some of their channels.

from .._call cimport Call, Strides
from .._geometry cimport Geometry
from .._sizes cimport ceil_div
from .._types cimport int64_t, real
from ._columns cimport Window, everything, fill_spans, gather_columns
from ._finite cimport told
from ._gemm cimport gemm
from ._geometry cimport Box, box_pixels
from ._panels cimport take_panel
from ._pixels cimport unpack_pixels
from ._tiles cimport Tiles


cdef inline int gather_task(const Call* call, int64_t task, real* scratch) noexcept nogil:
    """One tile of coarse positions, in some channels."""
    cdef const Tiles* plan = <const Tiles*>call.plan
    cdef const Geometry* g = &plan.g
    cdef const Strides* of_coarse = &call.of_coarse
    cdef const Strides* of_kernel = &call.of_kernel
    cdef const Strides* of_fine = &call.of_fine
    cdef const real* fine = <const real*>call.fine
    cdef const real* kernel = <const real*>call.kernel
    cdef const real* bias = <const real*>call.bias
    cdef real* coarse = <real*>call.coarse
    cdef int64_t blocks = ceil_div(g.coarse_channels, plan.channels)
    cdef int64_t block = task % blocks
    cdef Window window
    cdef Box box
    everything(g, &window, &box)
    cdef int64_t tiles = ceil_div(box_pixels(&box), plan.pixels)
    cdef int64_t tile = task // blocks % tiles, group = task // blocks // tiles
    cdef int64_t p = tile * plan.pixels
    cdef int64_t q = min(p + plan.pixels, box_pixels(&box))
    cdef int64_t first = group * g.coarse_channels + block * plan.channels         # coarse channel
    cdef int64_t channels = min(plan.channels, g.coarse_channels - block * plan.channels)
    cdef real* columns = scratch
    cdef real* pixels = scratch + plan.pixels_at
    cdef real* panel = scratch + plan.panel_at
    cdef int64_t* spans = <int64_t*>(scratch + plan.spans_at)
    cdef const real* k
    cdef int64_t r, s, pitch
    fill_spans(g, &window, spans)
    fine += group * g.fine_channels * of_fine.channel
    coarse += first * of_coarse.channel
    kernel += first * of_kernel.outer
    r = 0
    while r < g.fine_channels * g.taps:
        s = min(r + plan.rows, g.fine_channels * g.taps)
        gather_columns(g, columns, plan.pixels, r, s, &box, p, q, &window, spans, fine, of_fine)
        pitch = plan.rows
        k = take_panel(g, kernel, of_kernel, channels, r, s, call.replaces, panel, &pitch)
        gemm(
            False, False, channels, q - p, s - r, k, pitch, columns, plan.pixels, r > 0, pixels, plan.pixels
        )
        r = s
    unpack_pixels(
        coarse, of_coarse, &box, p, q, channels, pixels, plan.pixels, bias + first if bias != NULL else NULL
    )
    return told(channels, q - p, pixels, plan.pixels)
