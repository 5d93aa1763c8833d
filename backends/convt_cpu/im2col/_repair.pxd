# Results that became NaN because an infinity, or a NaN, met the zeros of the padding: those are computed again, by the definition.
#
# In the column matrix padding is zeros, and BLAS multiplies them by whatever the other matrix has. By the definition, taps
# that meet no fine element take no part. Only results with such taps are looked at; there are none in scatter.

from libc.math cimport isnan

from .._call cimport Call, Strides
from .._geometry cimport Geometry
from .._types cimport int64_t, real
from ._tiles cimport Tiles


cdef inline bint is_padded(const Geometry* g) noexcept:
    cdef int axis
    for axis in range(3):
        if not _inside(g, axis, 0, g.coarse[axis] - 1, 0, g.kernel[axis] - 1):
            return True
    return False


cdef inline bint _inside(
    const Geometry* g, int axis, int64_t first, int64_t last, int64_t first_tap, int64_t last_tap
) noexcept nogil:
    """Whether these taps meet fine elements from these coarse positions."""
    return (
        first * g.stride[axis] + first_tap * g.dilation[axis] >= g.padding[axis]
        and last * g.stride[axis] + last_tap * g.dilation[axis] - g.padding[axis] < g.fine[axis]
    )


cdef inline int64_t _met(const Geometry* g, int axis, int64_t position, int64_t tap) noexcept nogil:
    """The fine index, or -1 in the padding."""
    cdef int64_t at = position * g.stride[axis] + tap * g.dilation[axis] - g.padding[axis]
    return at if 0 <= at < g.fine[axis] else -1


cdef inline int repair_gather(const Call* call, int64_t task, real* own) noexcept nogil:
    """One channel of one image: where a coarse element is NaN and some of its taps lie in the padding."""
    cdef const Geometry* g = &(<const Tiles*>call.plan).g
    cdef int64_t channels = g.groups * g.coarse_channels, image = task // channels, channel = task % channels
    cdef int64_t first = channel // g.coarse_channels * g.fine_channels
    _gather_plane(
        g, <const real*>call.fine + image * call.of_fine.outer + first * call.of_fine.channel, &call.of_fine,
        <const real*>call.kernel + channel * call.of_kernel.outer, &call.of_kernel,
        (<const real*>call.bias)[channel] if call.bias != NULL else 0,
        <real*>call.coarse + image * call.of_coarse.outer + channel * call.of_coarse.channel, &call.of_coarse
    )
    return 1


cdef inline void _gather_plane(
    const Geometry* g, const real* fine, const Strides* of_fine, const real* kernel, const Strides* of_kernel, real bias,
    real* coarse, const Strides* of_coarse,
) noexcept nogil:
    """The positions of one channel of one image."""
    cdef int64_t z, y, x
    cdef real* to
    cdef bint inside
    for z in range(g.coarse[0]):
        for y in range(g.coarse[1]):
            inside = _inside(g, 0, z, z, 0, g.kernel[0] - 1) and _inside(g, 1, y, y, 0, g.kernel[1] - 1)
            for x in range(g.coarse[2]):
                to = coarse + z * of_coarse.axis[0] + y * of_coarse.axis[1] + x * of_coarse.axis[2]
                if isnan(to[0]) and not (inside and _inside(g, 2, x, x, 0, g.kernel[2] - 1)):
                    to[0] = bias + _sum_over_taps(g, fine, of_fine, kernel, of_kernel, z, y, x)


cdef inline real _sum_over_taps(
    const Geometry* g, const real* fine, const Strides* of_fine, const real* kernel, const Strides* of_kernel,
    int64_t z, int64_t y, int64_t x,
) noexcept nogil:
    cdef int64_t c, i, j, k, at_z, at_y, at_x
    cdef real total = 0
    for c in range(g.fine_channels):
        for i in range(g.kernel[0]):
            at_z = _met(g, 0, z, i)
            for j in range(g.kernel[1]):
                at_y = _met(g, 1, y, j)
                if at_z < 0 or at_y < 0:
                    continue
                for k in range(g.kernel[2]):
                    at_x = _met(g, 2, x, k)
                    if at_x >= 0:
                        total += (
                            fine[c * of_fine.channel + at_z * of_fine.axis[0] + at_y * of_fine.axis[1] + at_x * of_fine.axis[2]]
                            * kernel[c * of_kernel.channel + i * of_kernel.axis[0] + j * of_kernel.axis[1] + k * of_kernel.axis[2]]
                        )
    return total


cdef inline int repair_correlate(const Call* call, int64_t task, real* own) noexcept nogil:
    """One filter: where an element of the kernel is NaN and its tap lies in the padding somewhere."""
    cdef const Geometry* g = &(<const Tiles*>call.plan).g
    cdef int64_t channel = task // g.fine_channels, of_group = task % g.fine_channels
    _correlate_taps(
        g, <const real*>call.fine + (channel // g.coarse_channels * g.fine_channels + of_group) * call.of_fine.channel,
        &call.of_fine, <const real*>call.coarse + channel * call.of_coarse.channel, &call.of_coarse,
        <real*>call.kernel + channel * call.of_kernel.outer + of_group * call.of_kernel.channel, &call.of_kernel
    )
    return 1


cdef inline void _correlate_taps(
    const Geometry* g, const real* fine, const Strides* of_fine, const real* coarse, const Strides* of_coarse, real* kernel,
    const Strides* of_kernel,
) noexcept nogil:
    """The taps of one filter."""
    cdef int64_t i, j, k
    cdef real* to
    cdef bint inside
    for i in range(g.kernel[0]):
        for j in range(g.kernel[1]):
            inside = _inside(g, 0, 0, g.coarse[0] - 1, i, i) and _inside(g, 1, 0, g.coarse[1] - 1, j, j)
            for k in range(g.kernel[2]):
                to = kernel + i * of_kernel.axis[0] + j * of_kernel.axis[1] + k * of_kernel.axis[2]
                if isnan(to[0]) and not (inside and _inside(g, 2, 0, g.coarse[2] - 1, k, k)):
                    to[0] = _sum_over_positions(g, fine, of_fine, coarse, of_coarse, i, j, k)


cdef inline real _sum_over_positions(
    const Geometry* g, const real* fine, const Strides* of_fine, const real* coarse, const Strides* of_coarse,
    int64_t i, int64_t j, int64_t k,
) noexcept nogil:
    cdef int64_t n, z, y, x, at_z, at_y, at_x
    cdef real total = 0
    for n in range(g.batch):
        for z in range(g.coarse[0]):
            at_z = _met(g, 0, z, i)
            for y in range(g.coarse[1]):
                at_y = _met(g, 1, y, j)
                if at_z < 0 or at_y < 0:
                    continue
                for x in range(g.coarse[2]):
                    at_x = _met(g, 2, x, k)
                    if at_x >= 0:
                        total += (
                            fine[n * of_fine.outer + at_z * of_fine.axis[0] + at_y * of_fine.axis[1] + at_x * of_fine.axis[2]]
                            * coarse[n * of_coarse.outer + z * of_coarse.axis[0] + y * of_coarse.axis[1] + x * of_coarse.axis[2]]
                        )
    return total
