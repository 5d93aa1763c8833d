"""Winograd's filter gradient, by the kernels of one instruction set.

`_plan.pyx` says what the two schedules are, `_steps.pxd` leads to the steps that they put in order.
"""

from cython.parallel cimport prange, threadid
from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, malloc
cimport numpy as cnp

from .._sizes cimport LINE, ceil_div
from .._strides cimport Strides, strides_of
from .._types cimport int64_t, real
from ._plan cimport WinogradCorrelatePlan
from ._steps cimport pack, sum_strip, write

cdef enum:
    ADDED = 4096                            # elements of the tasks' sums that are added in one go
    WRITTEN = 8                             # coarse channels that are written in one go

cdef struct Call:                           # strides of one call's arrays
    Strides of_fine, of_coarse, of_kernel


def run(WinogradCorrelatePlan plan not None, cnp.ndarray fine, cnp.ndarray coarse, cnp.ndarray kernel, int threads):
    """kernel = the plan's correlation of fine and coarse. False, and nothing useful, if an element of it is not finite.

    The transforms mix neighbours: a number that is not finite spoils taps that it does not reach by the definition.
    """
    if plan.size == 4:
        return _run[float](plan, fine, coarse, kernel, threads, NULL)
    return _run[double](plan, fine, coarse, kernel, threads, NULL)


cdef bint _run(
    WinogradCorrelatePlan plan, cnp.ndarray fine, cnp.ndarray coarse, cnp.ndarray kernel, int threads, real* typed
) except -1:
    cdef Call call
    call.of_fine, call.of_coarse = strides_of(fine, plan.order), strides_of(coarse, plan.order)
    call.of_kernel = strides_of(kernel, plan.order)
    cdef real* f = <real*>cnp.PyArray_DATA(fine)
    cdef real* c = <real*>cnp.PyArray_DATA(coarse)
    cdef real* k = <real*>cnp.PyArray_DATA(kernel)
    cdef int64_t size = (plan.shared + threads * plan.scratch) * sizeof(real) + LINE
    cdef void* memory = malloc(size)
    cdef bint moderate
    if memory == NULL:
        raise MemoryError(f"cannot allocate {size} bytes of scratch memory")
    cdef real* scratch = <real*>((<uintptr_t>memory + LINE - 1) // LINE * LINE)
    with nogil:
        if plan.together:
            moderate = _together(plan, &call, f, c, k, scratch, threads)
        else:
            moderate = _apart(plan, &call, f, c, k, scratch, threads)
    free(memory)
    return moderate


cdef bint _apart(
    WinogradCorrelatePlan plan, const Call* call, const real* fine, const real* coarse, real* kernel, real* scratch,
    int threads
) noexcept nogil:
    """Each task packs and sums some strips; then the sums of a group's tasks are added and transformed."""
    cdef real* own = scratch + plan.shared
    cdef int64_t task, bad = 0, of_group = plan.fine_blocks * plan.coarse_blocks * plan.of_sums, pieces
    for task in prange(plan.p.groups * plan.splits, schedule="dynamic", chunksize=1, num_threads=threads):
        _split(plan, task, call, fine, coarse, scratch + task * of_group, own + threadid() * plan.scratch)
    if plan.splits > 1:
        pieces = ceil_div(of_group, ADDED)
        for task in prange(plan.p.groups * pieces, schedule="static", num_threads=threads):
            _add_splits(plan.splits, of_group, task % pieces * ADDED, scratch + task // pieces * plan.splits * of_group)
    pieces = ceil_div(plan.p.coarse.block, WRITTEN) * plan.coarse_blocks * plan.fine_blocks
    for task in prange(plan.p.groups * pieces, schedule="static", num_threads=threads):
        bad += not _write_piece(
            plan, task // pieces, task % pieces, call, scratch + task // pieces * plan.splits * of_group, kernel,
            own + threadid() * plan.scratch
        )
    return bad == 0


cdef void _split(
    WinogradCorrelatePlan plan, int64_t task, const Call* call, const real* fine, const real* coarse, real* sums, real* own
) noexcept nogil:
    """One task's strips of a group."""
    cdef int64_t group = task // plan.splits, split = task % plan.splits, strip, unit, units, i, pair
    cdef int64_t first = plan.strips * split // plan.splits, last = plan.strips * (split + 1) // plan.splits
    cdef real* v = own
    cdef real* g = v + plan.strip_units * plan.fine_blocks * plan.of_fine
    cdef real* rows = g + plan.strip_units * plan.coarse_blocks * plan.of_coarse
    for strip in range(first, last):
        unit = strip * plan.strip_units
        units = min(plan.strip_units, plan.units - unit)
        for i in range(units * (plan.fine_blocks + plan.coarse_blocks)):
            _pack(plan, group, unit, units, i, call, fine, coarse, v, g, rows)
        for pair in range(plan.coarse_blocks * plan.fine_blocks):
            _sum(plan, pair, units, v, g, strip > first, sums + pair * plan.of_sums)


cdef void _add_splits(int64_t splits, int64_t size, int64_t first, real* sums) noexcept nogil:
    """Add some elements of all other sums to the first ones, in their order."""
    cdef int64_t split, i
    cdef const real* part
    for split in range(1, splits):
        part = sums + split * size
        for i in range(first, min(first + ADDED, size)):
            sums[i] += part[i]


cdef bint _write_piece(
    WinogradCorrelatePlan plan, int64_t group, int64_t piece, const Call* call, const real* sums, real* kernel, real* own
) noexcept nogil:
    """Some coarse channels of two blocks; whether all their taps are finite."""
    cdef int64_t pieces = ceil_div(plan.p.coarse.block, WRITTEN), pair = piece // pieces, first = piece % pieces * WRITTEN
    cdef int64_t rows = min(plan.p.coarse.block, plan.p.coarse.channels - pair // plan.fine_blocks * plan.p.coarse.block)
    return write(
        plan, group, pair % plan.fine_blocks, pair // plan.fine_blocks, first, min(first + WRITTEN, rows),
        sums + pair * plan.of_sums, False, kernel, &call.of_kernel, own
    )


cdef bint _together(
    WinogradCorrelatePlan plan, const Call* call, const real* fine, const real* coarse, real* kernel, real* scratch,
    int threads
) noexcept nogil:
    """Strip by strip, all threads pack; then each task sums a pair of blocks and transforms the sums."""
    cdef real* own = scratch + plan.shared
    cdef real* v = scratch
    cdef real* g = v + plan.strip_units * plan.fine_blocks * plan.of_fine
    cdef int64_t group, strip, task, unit, units, bad = 0
    for group in range(plan.p.groups):
        for strip in range(plan.strips):
            unit = strip * plan.strip_units
            units = min(plan.strip_units, plan.units - unit)
            for task in prange(
                units * (plan.fine_blocks + plan.coarse_blocks), schedule="dynamic", chunksize=1, num_threads=threads
            ):
                _pack(plan, group, unit, units, task, call, fine, coarse, v, g, own + threadid() * plan.scratch)
            for task in prange(
                plan.fine_blocks * plan.coarse_blocks, schedule="dynamic", chunksize=1, num_threads=threads
            ):
                bad += not _sum_pair(plan, group, strip, task, units, call, v, g, kernel, own + threadid() * plan.scratch)
            if bad:
                return False
    return True


cdef bint _sum_pair(
    WinogradCorrelatePlan plan, int64_t group, int64_t strip, int64_t pair, int64_t units, const Call* call, const real* v,
    const real* g, real* kernel, real* own
) noexcept nogil:
    """The sums of two blocks over one strip, written or added to the kernel; whether all are finite."""
    cdef int64_t fine = pair % plan.fine_blocks, coarse = pair // plan.fine_blocks
    _sum(plan, pair, units, v, g, False, own)
    return write(
        plan, group, fine, coarse, 0, min(plan.p.coarse.block, plan.p.coarse.channels - coarse * plan.p.coarse.block), own,
        strip > 0, kernel, &call.of_kernel, own + plan.of_sums
    )


cdef void _sum(
    WinogradCorrelatePlan plan, int64_t pair, int64_t units, const real* v, const real* g, bint add, real* sums
) noexcept nogil:
    """Of a strip of so many units, for a pair of blocks."""
    cdef int64_t fine = pair % plan.fine_blocks, coarse = pair // plan.fine_blocks
    sum_strip(
        plan, fine, coarse, units * plan.p.unit_tiles, v + fine * units * plan.of_fine, g + coarse * units * plan.of_coarse,
        add, sums
    )


cdef void _pack(
    WinogradCorrelatePlan plan, int64_t group, int64_t first, int64_t units, int64_t piece, const Call* call,
    const real* fine, const real* coarse, real* v, real* g, real* rows
) noexcept nogil:
    """One unit of one block of a strip, which begins with unit `first` of the group."""
    cdef int64_t block = piece // units, unit = piece % units, tiles = units * plan.p.unit_tiles
    cdef int64_t at = unit * plan.p.unit_tiles, index = group * plan.units + first + unit
    if block < plan.fine_blocks:
        v += block * units * plan.of_fine + at * plan.p.fine.width
        pack(plan, True, index, block, tiles, fine, &call.of_fine, v, rows)
        return
    block -= plan.fine_blocks
    g += block * units * plan.of_coarse + at * plan.p.coarse.width
    pack(plan, False, index, block, tiles, coarse, &call.of_coarse, g, rows)
