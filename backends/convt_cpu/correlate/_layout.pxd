# The buffers of a correlate plan: sizes in bytes of packed strips and of sums.
#
# ``pack.h`` and ``strip.h`` show how they are laid out.

from .._sizes cimport aligned, ceil_div, times
from .._types cimport int64_t
from ..machine._record cimport convt_machine, share, usable_l2
from ._shape cimport Shape

cdef struct Axis:                           # after packing: what stride and dilation had in common is in `step`
    int64_t coarse, kernel, stride, dilation, step

cdef struct Caches:                         # bytes; `caches_of` says of what
    int64_t own_sums, strip, block, near

cdef struct Layout:                         # of one group
    int64_t coarse                          # channels
    int64_t positions[4]                    # images and coarse positions along the axes
    int64_t all_positions
    Axis axes[3]
    int64_t run, runs                       # taps of a run, and how many there are
    int64_t blocks                          # of fine channels
    Shape shape
    int64_t lanes
    int64_t size                            # of an element, in bytes
    Caches caches


cdef inline Caches caches_of(const convt_machine* m) noexcept nogil:
    """What a task keeps in the L1 and L2 caches of its core, in bytes."""
    cdef int64_t l1 = m.l1, l2 = usable_l2(m)
    cdef Caches c
    c.own_sums = min(l2, 1024 * 1024)       # the sums of one task; no more, since all tasks have some
    c.strip = share(l2, 5, 16)              # a strip that one thread packs for itself
    c.block = share(l2, 3, 16)              # the sums of a block
    c.near = share(l1, 1, 2)                # the vectors that several kernels read
    return c


cdef inline Axis axis_of(int64_t coarse, int64_t kernel, int64_t stride, int64_t dilation) noexcept nogil:
    cdef int64_t step = stride, other = dilation
    if kernel == 1:
        return Axis(coarse, 1, 1, 1, stride)
    while other:
        step, other = other, step % other
    return Axis(coarse, kernel, stride // step, dilation // step, step)


cdef inline int64_t coarse_pitch(const Layout* l, int64_t coarse) noexcept nogil:
    """In elements; positions an even number of cache lines apart would meet in fewer sets of the cache."""
    cdef int64_t pitch = coarse if l.shape.fine_lanes else ceil_div(coarse, l.lanes) * l.lanes
    return pitch + l.lanes * (pitch > 2 * l.lanes and pitch % (2 * l.lanes) == 0)


cdef inline int64_t packed_coarse(const Layout* l, const int64_t* count, int64_t coarse) noexcept nogil:
    """Of one block of so many channels."""
    return aligned(times(count[0] * count[1] * count[2] * count[3], coarse_pitch(l, coarse)) * l.size)


cdef inline int64_t packed_fine(const Layout* l, const int64_t* count) noexcept nogil:
    """Of one block of channels; kernels read up to a vector beyond the end."""
    cdef int64_t elements = times(count[0], l.shape.fine_block)
    cdef int axis
    for axis in range(3):
        elements = times(elements, _met(&l.axes[axis], count[axis + 1]))
    return aligned((elements + l.lanes) * l.size)


cdef inline int64_t _met(const Axis* a, int64_t count) noexcept nogil:
    """Fine positions along an axis from the first that some coarse ones meet to the last."""
    return (count - 1) * a.stride + (a.kernel - 1) * a.dilation + 1


cdef inline int64_t sums_of(const Layout* l, int64_t coarse, int64_t runs) noexcept nogil:
    """Of a block of some coarse channels and runs."""
    cdef int64_t length = l.run * l.shape.fine_block
    if l.shape.fine_lanes:
        return aligned(times(coarse * runs, ceil_div(length, l.lanes) * l.lanes) * l.size)
    return aligned(times(runs * length, ceil_div(coarse, l.lanes) * l.lanes) * l.size)


cdef inline int64_t written(const Layout* l, int64_t runs) noexcept nogil:
    """Of the taps of one coarse channel, or of a vector of them as well, on their way to the kernel."""
    return aligned(times(runs * l.run * l.shape.fine_block, 1 if l.shape.fine_lanes else 1 + l.lanes) * l.size)
