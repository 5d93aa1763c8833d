"""The correlate engine: correlate without a column matrix, by the kernels of one instruction set.

`_schedule.pxd` says what the two schedules are, `_steps.pxd` leads to the steps that they put in order.
"""

from cython.parallel cimport prange, threadid
from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, malloc
cimport numpy as cnp

from .._kernels cimport convt_correlate_block
from .._sizes cimport ceil_div
from .._strides cimport Strides, strides_of
from .._types cimport int64_t, real
from ._plan cimport PIECES, CorrelatePlan
from ._steps cimport pack_coarse, pack_fine, sum_strip, write

cdef enum:
    ALIGNED = 64                            # bytes: a vector that lies in two cache lines takes twice as long to load
    ADDED = 4096                            # elements of the tasks' sums that are added in one go
    WRITTEN = 16                            # coarse channels that are written in one go

cdef struct Call:                           # strides of one call's arrays
    Strides of_fine, of_coarse, of_kernel


def run(CorrelatePlan plan not None, cnp.ndarray fine, cnp.ndarray coarse, cnp.ndarray kernel, int threads):
    """kernel = the plan's correlation of fine and coarse. False, and nothing useful, if an element of it is not finite.

    It may then come from a coarse element that has met the zeros around the packed fine array, where the definition has no
    term at all. What has met them and is finite, has added zero.
    """
    if plan.size == 4:
        return _run[float](plan, fine, coarse, kernel, threads, NULL)
    return _run[double](plan, fine, coarse, kernel, threads, NULL)


cdef bint _run(
    CorrelatePlan plan, cnp.ndarray fine, cnp.ndarray coarse, cnp.ndarray kernel, int threads, real* typed
) except -1:
    cdef Call call
    call.of_fine, call.of_coarse = strides_of(fine, plan.order), strides_of(coarse, plan.order)
    call.of_kernel = strides_of(kernel, plan.order)
    cdef real* f = <real*>cnp.PyArray_DATA(fine)
    cdef real* c = <real*>cnp.PyArray_DATA(coarse)
    cdef real* k = <real*>cnp.PyArray_DATA(kernel)
    cdef int64_t elements = plan.shared + threads * plan.scratch
    cdef void* memory = malloc(elements * sizeof(real) + ALIGNED)
    cdef real* scratch = <real*>((<uintptr_t>memory + ALIGNED - 1) // ALIGNED * ALIGNED)
    cdef bint finite
    if memory == NULL:
        raise MemoryError(f"cannot allocate {elements * sizeof(real)} bytes of scratch memory")
    with nogil:
        if plan.together:
            finite = _together(plan, &call, f, c, k, scratch, threads)
        else:
            finite = _apart(plan, &call, f, c, k, scratch, threads)
    free(memory)
    return finite


cdef bint _apart(
    CorrelatePlan plan, const Call* call, const real* fine, const real* coarse, real* kernel, real* scratch, int threads
) noexcept nogil:
    """Each task packs and sums some strips; then the sums of a group's tasks are added."""
    cdef real* own = scratch + plan.shared
    cdef int64_t task, bad = 0, of_group = plan.blocks * plan.of_sums, pieces
    for task in prange(plan.p.groups * plan.splits, schedule="dynamic", chunksize=1, num_threads=threads):
        _split(plan, task, call, fine, coarse, scratch, own + threadid() * plan.scratch)
    if plan.splits > 1:
        pieces = ceil_div(of_group, ADDED)
        for task in prange(plan.p.groups * pieces, schedule="static", num_threads=threads):
            _add_splits(
                plan.splits, of_group, task % pieces * ADDED, scratch + task // pieces * plan.splits * of_group
            )
    pieces = ceil_div(plan.p.coarse, WRITTEN)
    for task in prange(plan.p.groups * plan.blocks * pieces, schedule="static", num_threads=threads):
        bad += not _write_piece(
            plan, task // pieces, task % pieces, call, scratch, kernel, own + threadid() * plan.scratch
        )
    return bad == 0


cdef void _split(
    CorrelatePlan plan, int64_t task, const Call* call, const real* fine, const real* coarse, real* all_sums, real* own
) noexcept nogil:
    """One task's strips of a group."""
    cdef int64_t group = task // plan.splits, split = task % plan.splits, strip, block
    cdef int64_t first = plan.strips * split // plan.splits, last = plan.strips * (split + 1) // plan.splits
    cdef real* sums = all_sums + task * plan.blocks * plan.of_sums
    cdef convt_correlate_block b
    for strip in range(group * plan.strips + first, group * plan.strips + last):
        pack_coarse(plan, strip, 0, 0, 1, coarse, &call.of_coarse, own)
        for block in range(plan.blocks):
            b = plan.block(group, block, 0, 0)
            pack_fine(plan, strip, block, 0, 1, fine, &call.of_fine, own + plan.of_coarse)
            sum_strip(
                plan, strip, &b, own, own + plan.of_coarse, strip > group * plan.strips + first,
                sums + block * plan.of_sums
            )


cdef void _add_splits(int64_t splits, int64_t size, int64_t first, real* sums) noexcept nogil:
    """Add some elements of all other sums to the first ones, in their order."""
    cdef int64_t split, i
    cdef const real* part
    for split in range(1, splits):
        part = sums + split * size
        for i in range(first, min(first + ADDED, size)):
            sums[i] += part[i]


cdef bint _write_piece(
    CorrelatePlan plan, int64_t index, int64_t piece, const Call* call, const real* sums, real* kernel, real* own
) noexcept nogil:
    """Write some coarse channels of a group's block; whether all are finite."""
    cdef int64_t group = index // plan.blocks, block = index % plan.blocks
    cdef convt_correlate_block b = plan.block(group, block, 0, 0)
    return write(
        plan, &b, piece * WRITTEN, min((piece + 1) * WRITTEN, plan.p.coarse),
        sums + (group * plan.splits * plan.blocks + block) * plan.of_sums, False, kernel, &call.of_kernel, own
    )


cdef bint _together(
    CorrelatePlan plan, const Call* call, const real* fine, const real* coarse, real* kernel, real* scratch, int threads
) noexcept nogil:
    """Strip by strip, all threads pack; then each task sums one block of the kernel."""
    cdef real* own = scratch + plan.shared
    cdef int64_t group, wave, strip, task, blocks, bad = 0
    for group in range(plan.p.groups):
        wave = 0
        while wave < plan.blocks:
            blocks = min(plan.wave, plan.blocks - wave)
            for strip in range(plan.strips):
                for task in prange(
                    (blocks + plan.coarse_blocks) * PIECES, schedule="dynamic", chunksize=1, num_threads=threads
                ):
                    _pack(plan, group * plan.strips + strip, wave, task, call, fine, coarse, scratch)
                for task in prange(
                    blocks * plan.coarse_blocks * plan.run_blocks, schedule="dynamic", chunksize=1, num_threads=threads
                ):
                    bad += not _sum_block(
                        plan, group, strip, wave, task, call, scratch, kernel, own + threadid() * plan.scratch
                    )
                if bad:
                    return False
            wave += blocks
    return True


cdef void _pack(
    CorrelatePlan plan, int64_t strip, int64_t wave, int64_t task, const Call* call, const real* fine,
    const real* coarse, real* packed
) noexcept nogil:
    """One piece of a strip: of a block of the coarse array, or of the fine one."""
    cdef int64_t block = task // PIECES, piece = task % PIECES
    if block < plan.coarse_blocks:
        pack_coarse(
            plan, strip, block, piece, PIECES, coarse, &call.of_coarse, packed + block * plan.of_coarse
        )
        return
    block -= plan.coarse_blocks
    packed += plan.coarse_blocks * plan.of_coarse + block * plan.of_fine
    pack_fine(plan, strip, wave + block, piece, PIECES, fine, &call.of_fine, packed)


cdef bint _sum_block(
    CorrelatePlan plan, int64_t group, int64_t strip, int64_t wave, int64_t task, const Call* call, const real* packed,
    real* kernel, real* own
) noexcept nogil:
    """A block's sums over one strip, written or added to the kernel; whether all are finite."""
    cdef int64_t runs = task % plan.run_blocks, coarse = task // plan.run_blocks % plan.coarse_blocks
    cdef int64_t block = task // plan.run_blocks // plan.coarse_blocks
    cdef convt_correlate_block b = plan.block(group, wave + block, coarse, runs)
    sum_strip(
        plan, group * plan.strips + strip, &b, packed + coarse * plan.of_coarse,
        packed + plan.coarse_blocks * plan.of_coarse + block * plan.of_fine, False, own
    )
    return write(
        plan, &b, 0, b.coarse_end - b.coarse, own, strip > 0, kernel, &call.of_kernel, own + plan.of_sums
    )
