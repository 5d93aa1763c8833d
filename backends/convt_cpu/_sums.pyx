"""channel_sums: the sum of each channel over images and positions, in double precision; the gradient of a bias.

The rows of the array are cut into parts, as many as follow from its shape. Each part has sums of its own, which are added in
the end, in their order. Where channels are the densest axis in memory, many are summed at once; else one after the other.
Channels are done in rounds, so that there are never more sums than scratch memory is for.
"""

from libc.string cimport memset
cimport numpy as cnp

from ._layers cimport layer
from ._memory cimport allocate, release
from ._tasks cimport convt_run
from ._types cimport int64_t, real

cdef enum:
    LANES = 16                 # independent partial sums, so that additions overlap in time
    PARTS = 16                 # enough to keep some cores busy to the end
    CHANNELS = 1 << 16         # of a round

cdef struct Array:             # N, C and three spatial axes, the last at the end
    int64_t[5] shape
    int64_t[5] strides         # in elements
    int64_t rows, parts        # along the last axis: all, and in how many parts they are cut


cdef struct Sums:              # of one call
    const void* first
    Array a
    int64_t channel, channels  # the first of the round, and how many it has
    double* partial            # of each part


def channel_sums(cnp.ndarray array, cnp.ndarray sums, int threads):
    """sums[c] = the sum of array[:, c]; both of one type, float or double."""
    if array.dtype.itemsize == 4:
        _channel_sums[float](array, sums, threads, NULL)
    else:
        _channel_sums[double](array, sums, threads, NULL)


cdef int _channel_sums(cnp.ndarray array, cnp.ndarray sums, int threads, real* typed) except -1:
    cdef real* result = <real*>cnp.PyArray_DATA(sums)
    cdef Sums s
    s.first, s.a = cnp.PyArray_DATA(array), _described(array, sizeof(real))
    cdef int64_t all_channels = s.a.shape[1], size = s.a.parts * min(CHANNELS, all_channels) * <int64_t>sizeof(double)
    cdef convt_run on_threads = layer()
    s.partial, s.channel = <double*>allocate(size), 0
    try:
        with nogil:
            while s.channel < all_channels:
                s.channels = min(CHANNELS, all_channels - s.channel)
                _round(&s, threads, result + s.channel, on_threads)
                s.channel += s.channels
    finally:
        release(s.partial)
    return 0


cdef int _round(Sums* s, int threads, real* result, convt_run on_threads) except -1 nogil:
    cdef int64_t channels = s.channels, c, part
    cdef int64_t tasks = s.a.parts if s.a.strides[1] == 1 else s.a.parts * channels
    memset(s.partial, 0, s.a.parts * channels * sizeof(double))
    if real is float:
        on_threads(&_sum_f32, s, tasks, threads)
    else:
        on_threads(&_sum_f64, s, tasks, threads)
    for c in range(channels):
        for part in range(1, s.a.parts):
            s.partial[c] += s.partial[part * channels + c]
        result[c] = <real>s.partial[c]
    return 0


cdef int _sum_f32(void* sums, int64_t task, int seat) noexcept nogil:
    return _sum(<const Sums*>sums, <const float*>(<const Sums*>sums).first, task)


cdef int _sum_f64(void* sums, int64_t task, int seat) noexcept nogil:
    return _sum(<const Sums*>sums, <const double*>(<const Sums*>sums).first, task)


cdef int _sum(const Sums* s, const real* first, int64_t task) noexcept nogil:
    """All channels of the round and a part where they are the densest axis, else one."""
    first += s.channel * s.a.strides[1]
    if s.a.strides[1] == 1:
        _sum_all(first, &s.a, task, s.channels, s.partial + task * s.channels)
    else:
        s.partial[task] = _sum_one(first + task % s.channels * s.a.strides[1], &s.a, task // s.channels)
    return 1


cdef Array _described(cnp.ndarray array, int64_t size) noexcept:
    cdef Array a
    cdef int axis, at, missing = 5 - cnp.PyArray_NDIM(array)
    for axis in range(5):
        a.shape[axis], a.strides[axis] = 1, 0
    for axis in range(cnp.PyArray_NDIM(array)):
        at = axis + missing if axis > 1 else axis
        a.shape[at], a.strides[at] = cnp.PyArray_DIM(array, axis), cnp.PyArray_STRIDE(array, axis) // size
    a.rows = a.shape[0] * a.shape[2] * a.shape[3]
    a.parts = max(1, min(a.rows, PARTS))
    return a


cdef inline const real* _row(const real* first, const Array* a, int64_t index) noexcept nogil:
    cdef int64_t y = index % a.shape[3], z = index // a.shape[3] % a.shape[2], n = index // a.shape[3] // a.shape[2]
    return first + n * a.strides[0] + z * a.strides[2] + y * a.strides[3]


cdef double _sum_one(const real* first, const Array* a, int64_t part) noexcept nogil:
    """One channel of a part."""
    cdef double[LANES] lanes
    cdef double total = 0
    cdef int64_t index, x, lane, count = a.shape[4], step = a.strides[4]
    cdef const real* row
    for lane in range(LANES):
        lanes[lane] = 0
    for index in range(a.rows * part // a.parts, a.rows * (part + 1) // a.parts):
        row = _row(first, a, index)
        x = 0
        if step == 1:
            while x + LANES <= count:
                for lane in range(LANES):
                    lanes[lane] += row[x + lane]
                x += LANES
        while x < count:
            total += row[x * step]
            x += 1
    for lane in range(LANES):
        total += lanes[lane]
    return total


cdef void _sum_all(const real* first, const Array* a, int64_t part, int64_t channels, double* sums) noexcept nogil:
    """Channels of a part, neighbours in memory."""
    cdef int64_t index, _x, c
    cdef const real* row
    for index in range(a.rows * part // a.parts, a.rows * (part + 1) // a.parts):
        row = _row(first, a, index)
        for _x in range(a.shape[4]):
            for c in range(channels):
                sums[c] += row[c]
            row += a.strides[4]
