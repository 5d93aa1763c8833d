# correlate: panel += pixels columns', where the columns are read from the fine array.
#
# A task owns a block of the kernel. Where there are few blocks, several tasks share one: each sums over a part of the coarse
# positions, and the partial sums are added in the end, in their order.

from .._call cimport Call, Strides
from .._geometry cimport Geometry
from .._sizes cimport ceil_div
from .._types cimport int64_t, real
from ._columns cimport Window, everything, fill_spans, gather_columns
from ._finite cimport settle, told
from ._gemm cimport gemm
from ._geometry cimport Box, box_pixels
from ._panels cimport put_panel
from ._pixels cimport pack_pixels
from ._tiles cimport Tiles


cdef struct Block:             # of the kernel: some coarse channels, some rows
    int64_t group
    int64_t channel            # the first one, over all groups
    int64_t channels
    int64_t first_row
    int64_t last_row


cdef inline Block _block(const Tiles* plan, int64_t index) noexcept nogil:
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


cdef inline int correlate_task(const Call* call, int64_t task, real* scratch) noexcept nogil:
    """One block of the kernel, summed over one split of the coarse positions."""
    cdef const Tiles* plan = <const Tiles*>call.plan
    cdef const Geometry* g = &plan.g
    cdef const Strides* of_coarse = &call.of_coarse
    cdef const Strides* of_kernel = &call.of_kernel
    cdef const Strides* of_fine = &call.of_fine
    cdef const real* fine = <const real*>call.fine
    cdef const real* coarse = <const real*>call.coarse
    cdef real* kernel = <real*>call.kernel
    cdef real* sums = <real*>call.shared
    cdef int64_t split = task % plan.splits, block = task // plan.splits
    cdef Block b = _block(plan, block)
    cdef Window window
    cdef Box box
    cdef real* columns = scratch
    cdef real* pixels = scratch + plan.pixels_at
    cdef real* panel = sums + task * plan.channels * plan.rows if plan.splits > 1 else scratch + plan.panel_at
    cdef int64_t* spans = <int64_t*>(scratch + plan.spans_at)
    cdef int64_t p, q, r, tiles, begin, end
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
        for r in range(b.channels if call.replaces else 0):
            settle(q - p, pixels + r * plan.pixels)
        gemm(
            False, True, b.channels, b.last_row - b.first_row, q - p, pixels, plan.pixels,
            columns, plan.pixels, p > begin, panel, plan.rows,
        )
        p = q
    if plan.splits == 1:
        put_panel(
            g, kernel + b.channel * of_kernel.outer, of_kernel, b.channels, b.first_row, b.last_row, panel, plan.rows
        )
    return told(b.channels, b.last_row - b.first_row, panel, plan.rows)


cdef inline int add_splits(const Call* call, int64_t index, real* own) noexcept nogil:
    """The sum of a block's partial sums, in their order."""
    cdef const Tiles* plan = <const Tiles*>call.plan
    cdef real* sums = <real*>call.shared
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
        &plan.g, <real*>call.kernel + b.channel * call.of_kernel.outer, &call.of_kernel, b.channels, b.first_row, b.last_row, total, plan.rows
    )
    return 1
