# scatter: columns = panel' pixels, then the columns are added into the fine array.
#
# A task owns some fine channels of some images, or of a part of one image, and computes all columns that reach into it, tile by
# tile. Nobody else writes there, so every sum has one order whatever the number of threads.

from .._call cimport Call, Strides
from .._geometry cimport Geometry
from .._sizes cimport ceil_div, floor_div
from .._types cimport int64_t, real
from ._columns cimport Window, fill_spans, scatter_columns
from ._gemm cimport gemm
from ._geometry cimport Box, box_pixels
from ._panels cimport take_panel
from ._pixels cimport pack_pixels
from ._tiles cimport Tiles


cdef inline int scatter_task(const Call* call, int64_t task, real* scratch) noexcept nogil:
    """The fine channels of one block, in some images, in one part."""
    cdef const Tiles* plan = <const Tiles*>call.plan
    cdef const Geometry* g = &plan.g
    cdef const Strides* of_coarse = &call.of_coarse
    cdef const Strides* of_kernel = &call.of_kernel
    cdef const Strides* of_fine = &call.of_fine
    cdef const real* coarse = <const real*>call.coarse
    cdef const real* kernel = <const real*>call.kernel
    cdef const real* bias = <const real*>call.bias
    cdef real* fine = <real*>call.fine
    cdef int64_t blocks = ceil_div(g.fine_channels, plan.fine_block), batches = ceil_div(g.batch, plan.images)
    cdef int64_t part = task % plan.parts
    cdef int64_t batch = task // plan.parts % batches
    cdef int64_t block = task // plan.parts // batches % blocks
    cdef int64_t group = task // plan.parts // batches // blocks
    cdef int64_t first = block * plan.fine_block                                   # fine channel
    cdef int64_t channels = min(plan.fine_block, g.fine_channels - first)
    cdef real* columns = scratch
    cdef real* pixels = scratch + plan.pixels_at
    cdef real* panel = scratch + plan.panel_at
    cdef int64_t* spans = <int64_t*>(scratch + plan.spans_at)
    cdef const real* k
    cdef int64_t p, q, r, s, c, n, total, pitch
    cdef Window window
    cdef Box box
    _part(plan, part, batch, &window, &box)
    fill_spans(g, &window, spans)
    fine += (group * g.fine_channels + first) * of_fine.channel
    bias = bias + group * g.fine_channels + first if bias != NULL else NULL
    coarse += group * g.coarse_channels * of_coarse.channel
    kernel += group * g.coarse_channels * of_kernel.outer + first * of_kernel.channel
    _fill(&window, box.image, box.images, channels, bias, fine, of_fine)
    total = box_pixels(&box)
    p = 0
    while p < total:
        q = min(p + plan.pixels, total)
        r = 0
        while r < channels * g.taps:
            s = min(r + plan.rows, channels * g.taps)
            c = 0
            while c < g.coarse_channels:
                n = min(plan.channels, g.coarse_channels - c)
                if r == 0 or n < g.coarse_channels:
                    pack_pixels(coarse + c * of_coarse.channel, of_coarse, &box, p, q, n, pixels, plan.pixels)
                pitch = plan.rows
                k = take_panel(g, kernel + c * of_kernel.outer, of_kernel, n, r, s, False, panel, &pitch)
                gemm(
                    True, False, s - r, q - p, n, k, pitch, pixels, plan.pixels,
                    c > 0, columns, plan.pixels,
                )
                c += n
            scatter_columns(g, columns, plan.pixels, r, s, &box, p, q, &window, spans, fine, of_fine)
            r = s
        p = q
    return 1


cdef inline void _part(const Tiles* plan, int64_t part, int64_t batch, Window* window, Box* box) noexcept nogil:
    """The fine elements that a scatter task owns, and the coarse ones that reach them."""
    cdef const Geometry* g = &plan.g
    cdef int axis, cut = plan.part_axis
    cdef int64_t reach = (g.kernel[cut] - 1) * g.dilation[cut], low, high
    for axis in range(3):
        window.first[axis] = box.first[axis] = 0
        window.last[axis] = g.fine[axis]
        box.size[axis] = g.coarse[axis]
    box.image = batch * plan.images
    box.images = min(plan.images, g.batch - box.image)
    if plan.parts > 1:
        window.first[cut] = g.fine[cut] // plan.parts * part + min(part, g.fine[cut] % plan.parts)
        window.last[cut] = g.fine[cut] // plan.parts * (part + 1) + min(part + 1, g.fine[cut] % plan.parts)
        low = max(0, ceil_div(window.first[cut] + g.padding[cut] - reach, g.stride[cut]))
        high = min(g.coarse[cut] - 1, floor_div(window.last[cut] - 1 + g.padding[cut], g.stride[cut]))
        box.first[cut] = low
        box.size[cut] = max(0, high - low + 1)


cdef inline void _fill(
    const Window* window, int64_t image, int64_t images, int64_t channels, const real* bias, real* fine,
    const Strides* strides,
) noexcept nogil:
    """The bias of each channel, or zeros, all over the window."""
    cdef int64_t n, c, z, y, x, step = strides.axis[2], width = window.last[2] - window.first[2]
    cdef real value
    cdef real* row
    for n in range(image, image + images):
        for c in range(channels):
            value = bias[c] if bias != NULL else 0
            for z in range(window.first[0], window.last[0]):
                for y in range(window.first[1], window.last[1]):
                    row = (
                        fine + n * strides.outer + c * strides.channel
                        + z * strides.axis[0] + y * strides.axis[1] + window.first[2] * step
                    )
                    if step == 1:
                        for x in range(width):
                            row[x] = value
                    else:
                        for x in range(width):
                            row[x * step] = value
