"""correlate: panel += pixels columns', where the columns are read from the fine array.

A task owns a block of the kernel. Where there are few blocks, several tasks share one: each sums over a part of the coarse
positions, and the partial sums are added in the end, in their order.
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
from ._panels cimport put_panel
from ._pixels cimport pack_pixels
from ._plan cimport Im2colPlan


def correlate(Im2colPlan plan, cnp.ndarray fine, cnp.ndarray coarse, cnp.ndarray kernel, int threads):
    """kernel = the sum over the coarse positions, each times the fine element that the tap meets there."""
    if plan.g.size == 4:
        _correlate[float](plan, fine, coarse, kernel, threads, NULL)
    else:
        _correlate[double](plan, fine, coarse, kernel, threads, NULL)


cdef _correlate(Im2colPlan plan, cnp.ndarray fine, cnp.ndarray coarse, cnp.ndarray kernel, int threads, real* typed):
    cdef Strides of_coarse = strides_of(coarse, plan.order), of_kernel = strides_of(kernel, plan.order), of_fine = strides_of(fine, plan.order)
    cdef real* c = <real*>cnp.PyArray_DATA(coarse)
    cdef real* k = <real*>cnp.PyArray_DATA(kernel)
    cdef real* f = <real*>cnp.PyArray_DATA(fine)
    cdef real* scratch = <real*>plan.allocate(threads)
    cdef real* sums = scratch + threads * plan.scratch
    cdef int64_t task, blocks = plan.tasks // plan.splits
    cdef bint no_room = False
    with nogil:
        for task in prange(plan.tasks, schedule="dynamic", chunksize=1, num_threads=threads):
            _correlate_task(
                plan, task, f, &of_fine, c, &of_coarse, k, &of_kernel, scratch + threadid() * plan.scratch, sums, &no_room
            )
        if plan.splits > 1:
            for task in prange(blocks, schedule="dynamic", chunksize=1, num_threads=threads):
                _add_splits(plan, task, sums, k, &of_kernel)
    free(scratch)
    if no_room:
        raise MemoryError("cannot allocate BLAS's scratch memory")


cdef void _correlate_task(
    Im2colPlan plan, int64_t task, const real* fine, const Strides* of_fine, const real* coarse, const Strides* of_coarse,
    real* kernel, const Strides* of_kernel, real* scratch, real* sums, bint* no_room,
) noexcept nogil:
    """One block of the kernel, summed over one split of the coarse positions."""
    cdef int before = limit_blas()
    if before < 0:
        no_room[0] = True
        return
    cdef const Geometry* g = &plan.g
    cdef int64_t split = task % plan.splits, block = task // plan.splits
    cdef Block b = _block(plan, block)
    cdef Window window
    cdef Box box
    cdef real* columns = scratch
    cdef real* pixels = scratch + plan.pixels_at
    cdef real* panel = sums + task * plan.channels * plan.rows if plan.splits > 1 else scratch + plan.panel_at
    cdef int64_t* spans = <int64_t*>(scratch + plan.spans_at)
    cdef int64_t p, q, tiles, begin, end
    everything(g, &window, &box)
    fill_spans(g, &window, spans)
    fine += b.group * g.fine_channels * of_fine.channel
    coarse += b.channel * of_coarse.channel
    tiles = ceil_div(box_pixels(&box), plan.pixels)
    begin = (tiles // plan.splits * split + min(split, tiles % plan.splits)) * plan.pixels
    end = (tiles // plan.splits * (split + 1) + min(split + 1, tiles % plan.splits)) * plan.pixels
    end = min(end, box_pixels(&box))
    p = begin
    while p < end:
        q = min(p + plan.pixels, end)
        gather_columns(g, columns, plan.pixels, b.first_row, b.last_row, &box, p, q, &window, spans, fine, of_fine)
        pack_pixels(coarse, of_coarse, &box, p, q, b.channels, pixels, plan.pixels)
        gemm(
            False, True, b.channels, b.last_row - b.first_row, q - p, pixels, plan.pixels,
            columns, plan.pixels, p > begin, panel, plan.rows,
        )
        p = q
    if plan.splits == 1:
        put_panel(
            g, kernel + b.channel * of_kernel.outer, of_kernel, b.channels, b.first_row, b.last_row, panel, plan.rows
        )
    release_blas(before)


cdef struct Block:             # of the kernel: some coarse channels, some rows
    int64_t group
    int64_t channel            # the first one, over all groups
    int64_t channels
    int64_t first_row
    int64_t last_row


cdef Block _block(Im2colPlan plan, int64_t index) noexcept nogil:
    cdef const Geometry* g = &plan.g
    cdef int64_t rows = g.fine_channels * g.taps
    cdef int64_t across = ceil_div(rows, plan.rows), down = ceil_div(g.coarse_channels, plan.channels)
    cdef Block block
    cdef int64_t channel = index // across % down * plan.channels
    block.group = index // across // down
    block.channel = block.group * g.coarse_channels + channel
    block.channels = min(plan.channels, g.coarse_channels - channel)
    block.first_row = index % across * plan.rows
    block.last_row = min(block.first_row + plan.rows, rows)
    return block


cdef void _add_splits(
    Im2colPlan plan, int64_t index, real* sums, real* kernel, const Strides* of_kernel
) noexcept nogil:
    """The sum of a block's partial sums, in their order."""
    cdef Block b = _block(plan, index)
    cdef int64_t size = plan.channels * plan.rows, split, c, i
    cdef int64_t rows = b.last_row - b.first_row
    cdef real* total = sums + index * plan.splits * size
    cdef const real* part
    for split in range(1, plan.splits):
        part = total + split * size
        for c in range(b.channels):
            for i in range(rows):
                total[c * plan.rows + i] += part[c * plan.rows + i]
    put_panel(
        &plan.g, kernel + b.channel * of_kernel.outer, of_kernel, b.channels, b.first_row, b.last_row, total, plan.rows
    )
