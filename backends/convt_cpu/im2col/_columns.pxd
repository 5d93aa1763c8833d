# Columns: the im2col matrix of one tile, between the fine array and BLAS. It is never larger than a tile.
#
#     columns[r][p]    r: flattened (fine channel, tap) of a chunk     p: flattened position of a Box
#
#     p:    0      1      2      3   ...
#     r  +------+------+------+------+---
#     0  | x[0] | x[s] | x[2s]| ...           channel 0, tap 0       s: stride
#     1  | x[d] |x[s+d]| ...                  channel 0, tap 1       d: dilation
#     ...
#
# `gather_columns` reads the fine array (zeros outside of it), `scatter_columns` adds into it (nothing outside). A Window
# says which part of the fine array takes part; it is how parallel scatters keep off each other's elements.

from .._geometry cimport Geometry
from .._sizes cimport ceil_div
from .._strides cimport Strides
from .._geometry cimport Geometry
from .._sizes cimport ceil_div
from .._types cimport int64_t, real
from ._geometry cimport Box, Run, run_at

cdef struct Window:            # fine indices from first to (excluding) last, per axis
    int64_t first[3]
    int64_t last[3]


cdef inline void everything(const Geometry* g, Window* window, Box* box) noexcept nogil:
    """All fine elements, all coarse positions of all images."""
    cdef int axis
    for axis in range(3):
        window.first[axis] = box.first[axis] = 0
        window.last[axis] = g.fine[axis]
        box.size[axis] = g.coarse[axis]
    box.image = 0
    box.images = g.batch


cdef inline void fill_spans(const Geometry* g, const Window* window, int64_t* spans) noexcept nogil:
    """For each tap of the last axis, the coarse positions spans[2t] <= q < spans[2t + 1] that land in the window."""
    cdef int64_t t, offset
    for t in range(g.kernel[2]):
        offset = t * g.dilation[2] - g.padding[2]
        spans[2 * t] = ceil_div(window.first[2] - offset, g.stride[2])
        spans[2 * t + 1] = ceil_div(window.last[2] - offset, g.stride[2])


cdef struct Row:               # a flattened (fine channel, tap), taken apart
    int64_t channel
    int64_t tap[3]


cdef inline Row row_at(const Geometry* g, int64_t r) noexcept nogil:
    cdef Row row
    cdef int64_t plane
    row.channel = r // g.taps
    r -= row.channel * g.taps
    plane = r // g.kernel[2]
    row.tap[2] = r - plane * g.kernel[2]
    row.tap[0] = plane // g.kernel[1]
    row.tap[1] = plane - row.tap[0] * g.kernel[1]
    return row


cdef inline void next_row(const Geometry* g, Row* row) noexcept nogil:
    row.tap[2] += 1
    if row.tap[2] == g.kernel[2]:
        row.tap[2] = 0
        row.tap[1] += 1
        if row.tap[1] == g.kernel[1]:
            row.tap[1] = 0
            row.tap[0] += 1
            if row.tap[0] == g.kernel[0]:
                row.tap[0] = 0
                row.channel += 1


cdef inline int64_t fine_index(const Geometry* g, int axis, int64_t coarse, int64_t tap) noexcept nogil:
    """The geometry rule."""
    return coarse * g.stride[axis] - g.padding[axis] + tap * g.dilation[axis]


cdef inline void scatter_columns(
    const Geometry* g, const real* columns, int64_t pitch, int64_t first_row, int64_t last_row,
    const Box* box, int64_t begin, int64_t end, const Window* window, const int64_t* spans,
    real* fine, const Strides* strides,
) noexcept nogil:
    """fine[geometry rule] += columns, for rows first_row to last_row and positions begin to end."""
    cdef int64_t p = begin, r, i, y, z, low, high, step = g.stride[2] * strides.axis[2]
    cdef Run run
    cdef Row row
    cdef const real* source
    cdef real* target
    while p < end:
        run = run_at(box, p, end)
        row = row_at(g, first_row)
        for r in range(last_row - first_row):
            z = fine_index(g, 0, run.at[0], row.tap[0])
            y = fine_index(g, 1, run.at[1], row.tap[1])
            low = max(run.at[2], spans[2 * row.tap[2]])
            high = min(run.at[2] + run.length, spans[2 * row.tap[2] + 1])
            if (
                low < high and window.first[0] <= z and z < window.last[0]
                and window.first[1] <= y and y < window.last[1]
            ):
                source = columns + r * pitch + p - begin + low - run.at[2]
                target = (
                    fine + run.image * strides.outer + row.channel * strides.channel
                    + z * strides.axis[0] + y * strides.axis[1]
                    + fine_index(g, 2, low, row.tap[2]) * strides.axis[2]
                )
                if step == 1:
                    for i in range(high - low):
                        target[i] += source[i]
                else:
                    for i in range(high - low):
                        target[i * step] += source[i]
            next_row(g, &row)
        p += run.length


cdef inline void gather_columns(
    const Geometry* g, real* columns, int64_t pitch, int64_t first_row, int64_t last_row,
    const Box* box, int64_t begin, int64_t end, const Window* window, const int64_t* spans,
    const real* fine, const Strides* strides,
) noexcept nogil:
    """columns = fine[geometry rule], zero outside the window, for rows first_row to last_row and positions begin to end."""
    cdef int64_t p = begin, r, i, y, z, low, high, start, stop, step = g.stride[2] * strides.axis[2]
    cdef Run run
    cdef Row row
    cdef const real* source
    cdef real* target
    while p < end:
        run = run_at(box, p, end)
        start = run.at[2]
        stop = start + run.length
        row = row_at(g, first_row)
        for r in range(last_row - first_row):
            z = fine_index(g, 0, run.at[0], row.tap[0])
            y = fine_index(g, 1, run.at[1], row.tap[1])
            low = min(max(start, spans[2 * row.tap[2]]), stop)
            high = max(min(stop, spans[2 * row.tap[2] + 1]), low)
            if not (
                window.first[0] <= z and z < window.last[0] and window.first[1] <= y and y < window.last[1]
            ):
                low = high = stop
            target = columns + r * pitch + p - begin
            for i in range(low - start):
                target[i] = 0
            if low < high:
                source = (
                    fine + run.image * strides.outer + row.channel * strides.channel
                    + z * strides.axis[0] + y * strides.axis[1]
                    + fine_index(g, 2, low, row.tap[2]) * strides.axis[2]
                )
                target += low - start
                if step == 1:
                    for i in range(high - low):
                        target[i] = source[i]
                else:
                    for i in range(high - low):
                        target[i] = source[i * step]
                target += start - low
            for i in range(high - start, stop - start):
                target[i] = 0
            next_row(g, &row)
        p += run.length
