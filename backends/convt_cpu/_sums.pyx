"""channel_sums: the sum of each channel over images and positions, in double precision; the gradient of a bias."""

from cython.parallel cimport prange
cimport numpy as cnp

from ._types cimport int64_t, real

cdef enum:
    LANES = 8                  # independent partial sums, so that additions overlap in time


def channel_sums(array, sums, int threads):
    """sums[c] = the sum of array[:, c]; both of one type, float or double."""
    if array.dtype.itemsize == 4:
        _channel_sums[float](array, sums, threads, NULL)
    else:
        _channel_sums[double](array, sums, threads, NULL)


cdef _channel_sums(cnp.ndarray array, cnp.ndarray sums, int threads, real* typed):
    cdef const real* first = <const real*>cnp.PyArray_DATA(array)
    cdef real* result = <real*>cnp.PyArray_DATA(sums)
    cdef int64_t channel, channels = cnp.PyArray_DIM(array, 1), step
    cdef int64_t[5] shape = [1, 1, 1, 1, 1], strides = [0, 0, 0, 0, 0]   # N, C and three spatial axes, the last at the end
    cdef int axis, missing = 5 - cnp.PyArray_NDIM(array)
    for axis in range(cnp.PyArray_NDIM(array)):
        shape[axis + missing if axis > 1 else axis] = cnp.PyArray_DIM(array, axis)
        strides[axis + missing if axis > 1 else axis] = cnp.PyArray_STRIDE(array, axis) // <int64_t>sizeof(real)
    step = strides[1]
    with nogil:
        for channel in prange(channels, schedule="static", num_threads=threads):
            result[channel] = <real>_sum(first + channel * step, shape, strides)


cdef double _sum(const real* first, const int64_t* shape, const int64_t* strides) noexcept nogil:
    """Over all axes but the channels."""
    cdef double[LANES] lanes = [0, 0, 0, 0, 0, 0, 0, 0]
    cdef double total = 0
    cdef int64_t n, z, y, x, lane, step = strides[4]
    cdef const real* row
    for n in range(shape[0]):
        for z in range(shape[2]):
            for y in range(shape[3]):
                row = first + n * strides[0] + z * strides[2] + y * strides[3]
                x = 0
                while x + LANES <= shape[4]:
                    for lane in range(LANES):
                        lanes[lane] += row[(x + lane) * step]
                    x += LANES
                while x < shape[4]:
                    total += row[x * step]
                    x += 1
    for lane in range(LANES):
        total += lanes[lane]
    return total
