# Panels: a block of the kernel as the matrix that BLAS multiplies.
#
#     panel[c][r]      c: coarse channel of a chunk      r: flattened (fine channel, tap) of a chunk
#
# A C-contiguous kernel already is that matrix and is used in place; any other is packed block by block.

from libc.limits cimport INT_MAX

from .._strides cimport Strides
from .._geometry cimport Geometry
from .._types cimport int64_t, real
from ._columns cimport Row, next_row, row_at
from ._finite cimport settle


cdef inline bint is_panel(const Geometry* g, const Strides* kernel) noexcept nogil:
    """Whether the kernel array itself is a panel whose rows lie `kernel.outer` elements apart, as BLAS can take it."""
    return (
        (kernel.axis[2] == 1 or g.kernel[2] == 1)
        and (kernel.axis[1] == g.kernel[2] or g.kernel[1] == 1)
        and (kernel.axis[0] == g.kernel[1] * g.kernel[2] or g.kernel[0] == 1)
        and (kernel.channel == g.taps or g.fine_channels == 1)
        and g.fine_channels * g.taps <= kernel.outer
        and kernel.outer <= INT_MAX
    )


cdef inline const real* take_panel(
    const Geometry* g, const real* kernel, const Strides* strides, int64_t channels,
    int64_t first_row, int64_t last_row, bint replaces, real* buffer, int64_t* pitch,
) noexcept nogil:
    """panel[c][r - first_row] = kernel[c, channel and tap of r]: in place, or packed into the buffer with its pitch.

    With `replaces`, what is not finite becomes 1 or -1.
    """
    cdef int64_t c, r
    cdef Row row
    cdef const real* source
    if not replaces and is_panel(g, strides):
        pitch[0] = strides.outer
        return kernel + first_row
    row = row_at(g, first_row)
    for r in range(last_row - first_row):
        source = (
            kernel + row.channel * strides.channel
            + row.tap[0] * strides.axis[0] + row.tap[1] * strides.axis[1] + row.tap[2] * strides.axis[2]
        )
        for c in range(channels):
            buffer[c * pitch[0] + r] = source[c * strides.outer]
        next_row(g, &row)
    for c in range(channels if replaces else 0):
        settle(last_row - first_row, buffer + c * pitch[0])
    return buffer


cdef inline void put_panel(
    const Geometry* g, real* kernel, const Strides* strides, int64_t channels,
    int64_t first_row, int64_t last_row, const real* panel, int64_t pitch,
) noexcept nogil:
    """kernel[c, channel and tap of r] = panel[c][r - first_row]."""
    cdef int64_t c, r
    cdef Row row = row_at(g, first_row)
    cdef real* target
    for r in range(last_row - first_row):
        target = (
            kernel + row.channel * strides.channel
            + row.tap[0] * strides.axis[0] + row.tap[1] * strides.axis[1] + row.tap[2] * strides.axis[2]
        )
        for c in range(channels):
            target[c * strides.outer] = panel[c * pitch + r]
        next_row(g, &row)
