# Taps: which planes of the arrays each of them reads and writes, and where. ``direct/plan.h`` says what planes are.

from libc.stdlib cimport qsort

from ._geometry cimport Geometry
from ._sizes cimport floor_div
from ._types cimport int64_t

cdef struct Tap:
    int64_t at[3]                           # its place in the kernel
    int64_t plane[6]                        # what it reads: three phases of the input, and where that packed plane starts
    int64_t in_plane, out_plane             # the numbers of the planes that it reads and writes
    int64_t inside[3]                       # where it reads, from the packed plane's start,
    int64_t shift                           # the same as an offset into the packed plane
    int64_t offset                          # and into a packed channel

cdef struct Reach:                          # of the taps along an axis
    int64_t low                             # the lowest shift
    int64_t halo                            # how far behind it the highest is


cdef inline Reach reach_along(const Geometry* g, int axis, bint scatters) noexcept nogil:
    cdef Reach r
    cdef int64_t first = floor_div(-g.padding[axis], g.stride[axis])
    cdef int64_t last = floor_div((g.kernel[axis] - 1) * g.dilation[axis] - g.padding[axis], g.stride[axis])
    r.low, r.halo = -last if scatters else first, last - first
    return r


cdef inline void list_taps(
    const Geometry* g, bint scatters, const Reach* reach, const bint* copied, Tap* taps
) noexcept nogil:
    """All taps in the kernel's order. Along `copied` axes, a plane is packed once for each shift."""
    cdef int64_t z, y, x, tap = 0
    for z in range(g.kernel[0]):
        for y in range(g.kernel[1]):
            for x in range(g.kernel[2]):
                taps[tap].at[0], taps[tap].at[1], taps[tap].at[2] = z, y, x
                _look(g, scatters, reach, copied, &taps[tap])
                tap += 1


cdef inline void _look(const Geometry* g, bint scatters, const Reach* reach, const bint* copied, Tap* tap) noexcept nogil:
    cdef int axis
    cdef int64_t met, step, phase, shift, start
    tap.out_plane = 0
    for axis in range(3):
        met = tap.at[axis] * g.dilation[axis] - g.padding[axis]     # by the coarse element 0
        step = floor_div(met, g.stride[axis])
        phase = met - step * g.stride[axis]
        shift = -step if scatters else step
        start = shift if copied[axis] else reach[axis].low
        tap.plane[axis], tap.plane[axis + 3] = 0 if scatters else phase, start
        tap.inside[axis] = shift - start
        if scatters:
            tap.out_plane = tap.out_plane * g.stride[axis] + phase


cdef inline int64_t number_planes(Tap* taps, int64_t count) noexcept nogil:
    """Sort the taps by what they read, and number the packed planes; how many there are."""
    cdef int64_t tap, planes = 0
    qsort(taps, count, sizeof(Tap), &_by_plane)
    for tap in range(count):
        if tap and _by_plane(&taps[tap - 1], &taps[tap]):
            planes += 1
        taps[tap].in_plane = planes
    return planes + 1


cdef inline void place(Tap* taps, int64_t count, const int64_t* rows, int64_t plane_size) noexcept nogil:
    """Find the offsets in a packed channel, whose planes have rows of such lengths."""
    cdef int64_t tap
    for tap in range(count):
        taps[tap].shift = (taps[tap].inside[0] * rows[1] + taps[tap].inside[1]) * rows[2] + taps[tap].inside[2]
        taps[tap].offset = taps[tap].in_plane * plane_size + taps[tap].shift


cdef inline void sort_by_writes(Tap* taps, int64_t count) noexcept nogil:
    """Sort the taps by the planes that they write, then as they lie in the kernel."""
    qsort(taps, count, sizeof(Tap), &_by_output_and_place)


cdef inline void sort_by_reads(Tap* taps, int64_t count) noexcept nogil:
    """Sort the taps by the planes that they write, then by where they read."""
    qsort(taps, count, sizeof(Tap), &_by_output_and_offset)


cdef inline int64_t lines_of(Tap* taps, int64_t count, int64_t lanes, int64_t tile) noexcept nogil:
    """How many vectors of a packed channel a tile of so many vectors touches. The taps change their order."""
    cdef int64_t tap, line, end = 0, lines = 0
    qsort(taps, count, sizeof(Tap), &_by_offset)
    for tap in range(count):
        line = taps[tap].offset // lanes
        lines += line + tile + 1 - max(line, end)
        end = line + tile + 1
    return lines


cdef inline int _by_plane(const void* left, const void* right) noexcept nogil:
    return _first_difference((<const Tap*>left).plane, (<const Tap*>right).plane, 6)


cdef inline int _by_output_and_place(const void* left, const void* right) noexcept nogil:
    cdef int by_output = _first_difference(&(<const Tap*>left).out_plane, &(<const Tap*>right).out_plane, 1)
    return by_output or _first_difference((<const Tap*>left).at, (<const Tap*>right).at, 3)


cdef inline int _by_output_and_offset(const void* left, const void* right) noexcept nogil:
    cdef int by_output = _first_difference(&(<const Tap*>left).out_plane, &(<const Tap*>right).out_plane, 1)
    return by_output or _by_offset(left, right)


cdef inline int _by_offset(const void* left, const void* right) noexcept nogil:
    return _first_difference(&(<const Tap*>left).offset, &(<const Tap*>right).offset, 1)


cdef inline int _first_difference(const int64_t* a, const int64_t* b, int length) noexcept nogil:
    cdef int i
    for i in range(length):
        if a[i] != b[i]:
            return -1 if a[i] < b[i] else 1
    return 0
