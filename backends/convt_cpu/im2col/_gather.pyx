"""gather: pixels += panel columns, where the columns are read from the fine array.

A task owns one tile of coarse positions in some of their channels.
"""

from cython.parallel cimport prange, threadid
from libc.stdlib cimport free
cimport numpy as cnp

from .._blas_limit cimport limit_blas, release_blas
from .._geometry cimport Geometry
from .._sizes cimport ceil_div
from .._strides cimport Strides, strides_of
from .._types cimport int64_t, real
from ._columns cimport Window, everything, fill_spans, gather_columns
from ._gemm cimport gemm
from ._geometry cimport Box, box_pixels
from ._panels cimport take_panel
from ._pixels cimport unpack_pixels
from ._plan cimport Im2colPlan


def gather(Im2colPlan plan, cnp.ndarray fine, cnp.ndarray kernel, bias, cnp.ndarray coarse, int threads):
    """coarse = bias + the sum over the taps, each times its fine element."""
    if plan.g.size == 4:
        _gather[float](plan, fine, kernel, bias, coarse, threads, NULL)
    else:
        _gather[double](plan, fine, kernel, bias, coarse, threads, NULL)


cdef _gather(
    Im2colPlan plan, cnp.ndarray fine, cnp.ndarray kernel, cnp.ndarray bias, cnp.ndarray coarse, int threads, real* typed
):
    cdef Strides of_coarse = strides_of(coarse, plan.order), of_kernel = strides_of(kernel, plan.order), of_fine = strides_of(fine, plan.order)
    cdef real* c = <real*>cnp.PyArray_DATA(coarse)
    cdef real* k = <real*>cnp.PyArray_DATA(kernel)
    cdef real* f = <real*>cnp.PyArray_DATA(fine)
    cdef real* b = <real*>cnp.PyArray_DATA(bias) if bias is not None else NULL
    cdef real* scratch = <real*>plan.allocate(threads)
    cdef int64_t task
    cdef bint no_room = False
    with nogil:
        for task in prange(plan.tasks, schedule="dynamic", chunksize=1, num_threads=threads):
            _gather_task(
                plan, task, f, &of_fine, k, &of_kernel, b, c, &of_coarse, scratch + threadid() * plan.scratch, &no_room
            )
    free(scratch)
    if no_room:
        raise MemoryError("cannot allocate BLAS's scratch memory")


cdef void _gather_task(
    Im2colPlan plan, int64_t task, const real* fine, const Strides* of_fine, const real* kernel, const Strides* of_kernel,
    const real* bias, real* coarse, const Strides* of_coarse, real* scratch, bint* no_room,
) noexcept nogil:
    """One tile of coarse positions, in some channels."""
    cdef int before = limit_blas()
    if before < 0:
        no_room[0] = True
        return
    cdef const Geometry* g = &plan.g
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
        k = take_panel(g, kernel, of_kernel, channels, r, s, panel, &pitch)
        gemm(
            False, False, channels, q - p, s - r, k, pitch, columns, plan.pixels, r > 0, pixels, plan.pixels
        )
        r = s
    unpack_pixels(
        coarse, of_coarse, &box, p, q, channels, pixels, plan.pixels, bias + first if bias != NULL else NULL
    )
    release_blas(before)
