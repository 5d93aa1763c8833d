# Strips of a direct plan: how the planes of the output are cut into boxes that are packed one at a time. See _plan.pyx.

from .._sizes cimport ceil_div, even
from .._types cimport int64_t

cdef struct Strips:                         # and the positions of one that are computed; see ``plan.h``
    int64_t count[4]
    int64_t strips[4]
    int64_t rows[3]
    int64_t slices
    int64_t sums_pitch[2]
    int64_t positions


cdef inline Strips cut(
    int64_t batch, const int64_t* planes, const int64_t* halo, int64_t target, int64_t lanes, bint sliced
) noexcept nogil:
    """Strips of about `target` positions. With `sliced`, halos between slices are left out where that saves something."""
    cdef Strips s
    cdef int axis
    cdef int64_t slices, area, row, of_slice, whole
    if halo[0]:
        _thick(&s, planes, halo, target)
    else:
        _filled(&s, batch, planes, halo, target)
    s.strips[0] = ceil_div(batch, s.count[0])
    for axis in range(3):
        s.strips[axis + 1] = ceil_div(planes[axis], s.count[axis + 1])
        s.rows[axis] = s.count[axis + 1] + halo[axis]
    slices, area = s.count[0] * s.count[1], s.rows[1] * s.rows[2]
    row = (s.count[2] - 1) * s.rows[2] + s.count[3]
    of_slice = ceil_div(row, lanes) * lanes
    whole = ceil_div(((s.count[0] - 1) * s.rows[0] + s.count[1] - 1) * area + row, lanes) * lanes
    s.slices, s.positions = 1, whole
    s.sums_pitch[0], s.sums_pitch[1] = s.rows[0] * area, area
    if sliced and slices * of_slice < whole:
        s.slices, s.positions = slices, slices * of_slice
        s.sums_pitch[0], s.sums_pitch[1] = s.count[1] * of_slice, of_slice
    return s


cdef inline int64_t number_of(const Strips* s) noexcept nogil:
    return s.strips[0] * s.strips[1] * s.strips[2] * s.strips[3]


cdef inline double computed(const Strips* s) noexcept nogil:
    """Positions of all strips."""
    return <double>number_of(s) * s.positions


cdef inline int64_t packed(const Strips* s) noexcept nogil:
    """Positions of a packed plane, halos included."""
    return s.count[0] * s.rows[0] * s.rows[1] * s.rows[2]


cdef inline int64_t span_of(const Strips* s) noexcept nogil:
    """Packed positions from the first that is computed to behind the last."""
    cdef int64_t before = 0
    if s.slices > 1:
        before = ((s.count[0] - 1) * s.rows[0] + s.count[1] - 1) * s.rows[1] * s.rows[2]
    return before + s.positions // s.slices


cdef inline void _filled(
    Strips* s, int64_t batch, const int64_t* planes, const int64_t* halo, int64_t target
) noexcept nogil:
    """The target filled with positions from the last axis on, then with images."""
    cdef int axis
    cdef int64_t size, whole, room = target
    s.count[0], s.count[1], s.count[2], s.count[3] = 1, 1, 1, 1
    for axis in range(3, -1, -1):
        if room < 1:
            break
        size = planes[axis - 1] if axis else batch
        whole = size + halo[axis - 1] if axis else size
        if whole > room:
            s.count[axis] = even(size, room)
            break
        s.count[axis] = size
        room //= whole


cdef inline void _thick(Strips* s, const int64_t* planes, const int64_t* halo, int64_t target) noexcept nogil:
    """Several rows of several slices of one image, so that the halos of slices do not outgrow them."""
    cdef int64_t x = planes[2], y, z, of_z, of_y
    cdef double beside, least = (1 + halo[0]) * (1 + halo[1])       # packed positions for each that is computed
    if x + halo[2] > target:
        x = even(x, max(1, target - halo[2]))
    s.count[0], s.count[1], s.count[2], s.count[3] = 1, 1, 1, x
    for z in range(1, planes[0] + 1):
        y = min(planes[1], target // ((z + halo[0]) * (x + halo[2])) - halo[1])
        if y < 1:
            break
        of_z, of_y = even(planes[0], z), even(planes[1], y)
        beside = <double>((of_z + halo[0]) * (of_y + halo[1])) / (of_z * of_y)
        if beside < least:
            least = beside
            s.count[1], s.count[2] = of_z, of_y
