# A `convt.backend.Problem` in C: three spatial axes in the order in which they are walked (missing ones, in front, have size
# 1), channels counted per group.

from ._types cimport int64_t

cdef extern from "kernels/geometry.h" nogil:
    ctypedef struct Geometry "convt_geometry":
        int64_t batch, groups
        int64_t fine_channels, coarse_channels
        int64_t fine[3]
        int64_t coarse[3]
        int64_t kernel[3]
        int64_t stride[3]
        int64_t padding[3]
        int64_t dilation[3]
        int64_t taps, size


cdef inline Geometry geometry_of(object problem, tuple order) except *:
    cdef Geometry g
    cdef int axis, source, missing = 3 - len(order)
    cdef tuple fine = problem.fine_shape, coarse = problem.coarse_shape, kernel = problem.kernel_shape
    cdef tuple stride = problem.stride, padding = problem.padding, dilation = problem.dilation
    g.batch, g.groups, g.size = problem.batch, problem.groups, problem.dtype.itemsize
    g.fine_channels = <int64_t>problem.fine_channels // g.groups
    g.coarse_channels = <int64_t>problem.coarse_channels // g.groups
    for axis in range(missing):
        g.fine[axis] = g.coarse[axis] = g.kernel[axis] = g.stride[axis] = g.dilation[axis] = 1
        g.padding[axis] = 0
    for axis in range(missing, 3):
        source = order[axis - missing]
        g.fine[axis], g.coarse[axis], g.kernel[axis] = fine[source], coarse[source], kernel[source]
        g.stride[axis], g.padding[axis], g.dilation[axis] = stride[source], padding[source], dilation[source]
    g.taps = g.kernel[0] * g.kernel[1] * g.kernel[2]       # fits: no array has 2**62 bytes
    return g


cdef inline int64_t positions_of(const Geometry* g) noexcept nogil:
    """Coarse positions of all images."""
    return g.batch * g.coarse[0] * g.coarse[1] * g.coarse[2]


cdef inline int64_t weights_of(const Geometry* g) noexcept nogil:
    """Elements of the kernel."""
    return g.groups * g.coarse_channels * g.fine_channels * g.taps


cdef inline void name_sides(
    const Geometry* g, bint scatters, int64_t* in_size, int64_t* out_size, int64_t* in_stride, int64_t* out_stride
) noexcept nogil:
    """Which array is the input and which one the output, and by what stride each is cut into phases."""
    cdef int axis
    for axis in range(3):
        in_size[axis] = g.coarse[axis] if scatters else g.fine[axis]
        out_size[axis] = g.fine[axis] if scatters else g.coarse[axis]
        in_stride[axis] = 1 if scatters else g.stride[axis]
        out_stride[axis] = g.stride[axis] if scatters else 1
