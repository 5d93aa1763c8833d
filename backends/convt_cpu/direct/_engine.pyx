"""The direct engine: scatter and gather without a column matrix, by the kernels of one instruction set.

`_plan.pyx` makes the plans; ``kernels/README.md`` says how the kernels work.
"""

from cython.parallel cimport prange, threadid
from libc.stdlib cimport free, malloc
cimport numpy as cnp

from .._kernels cimport kernels_f32, kernels_f64
from .._strides cimport Strides, strides_of
from .._types cimport int64_t, real
from ._plan cimport DirectPlan

cdef enum:
    PIECES = 16                             # in which a strip is packed by several threads
    ALIGNED = 64                            # bytes of a cache line, where scratch memory starts

cdef struct Call:                           # strides of one call's arrays; those of the kernel seen from in- to output
    Strides of_input, of_output
    int64_t of_group, of_in, of_out
    const int64_t* of_axis


def run(DirectPlan plan not None, cnp.ndarray array, cnp.ndarray kernel, bias, cnp.ndarray result, int threads):
    """result = the plan's map of array and kernel, plus bias. False, and nothing computed, if a weight is not finite.

    Such a weight would meet the zeros of a strip's halo, where the definition has no term at all.
    """
    if plan.size == 4:
        return _run[float](plan, array, kernel, bias, result, threads, NULL)
    return _run[double](plan, array, kernel, bias, result, threads, NULL)


cdef bint _run(
    DirectPlan plan, cnp.ndarray array, cnp.ndarray kernel, cnp.ndarray bias, cnp.ndarray result, int threads, real* typed
) except -1:
    cdef Call call
    call.of_input, call.of_output = strides_of(array, plan.order), strides_of(result, plan.order)
    cdef Strides of_kernel = strides_of(kernel, plan.order)
    call.of_axis = of_kernel.axis
    call.of_in, call.of_out = of_kernel.channel, of_kernel.outer
    call.of_group = plan.p.outputs * of_kernel.outer
    if plan.scatters:
        call.of_in, call.of_out = of_kernel.outer, of_kernel.channel
        call.of_group = plan.p.inputs * of_kernel.outer
    cdef real* x = <real*>cnp.PyArray_DATA(array)
    cdef real* k = <real*>cnp.PyArray_DATA(kernel)
    cdef real* b = <real*>cnp.PyArray_DATA(bias) if bias is not None else NULL
    cdef real* y = <real*>cnp.PyArray_DATA(result)
    cdef int64_t elements = plan.shared + threads * plan.scratch
    cdef void* memory = malloc(elements * sizeof(real) + ALIGNED)
    cdef bint finite
    if memory == NULL:
        raise MemoryError(f"cannot allocate {elements * sizeof(real)} bytes of scratch memory")
    cdef real* scratch = <real*>((<size_t>memory + ALIGNED - 1) // ALIGNED * ALIGNED)
    with nogil:
        if plan.by_outputs:
            finite = _by_outputs(plan, &call, x, k, b, y, scratch, threads)
        else:
            finite = _by_strips(plan, &call, x, k, b, y, scratch, threads)
    free(memory)
    return finite


cdef bint _by_strips(
    DirectPlan plan, const Call* call, const real* x, const real* k, const real* b, real* y, real* scratch, int threads
) noexcept nogil:
    """Pack all weights; then each task is a strip."""
    cdef real* own = scratch + plan.shared
    cdef int64_t task, passes = plan.p.groups * plan.passes, bad = 0
    if threads == 1:                        # entering a parallel region would take longer than a tiny call
        for task in range(passes):
            bad += not _pack_group_pass(plan, task, call, k, scratch)
        for task in range(plan.tasks if not bad else 0):
            _strip(plan, task, call, x, scratch, b, y, own)
        return not bad
    for task in prange(passes, schedule="static", num_threads=threads):
        bad += not _pack_group_pass(plan, task, call, k, scratch)
    if not bad:
        for task in prange(plan.tasks, schedule="dynamic", chunksize=1, num_threads=threads):
            _strip(plan, task, call, x, scratch, b, y, own + threadid() * plan.scratch)
    return not bad


cdef inline bint _pack_group_pass(
    DirectPlan plan, int64_t task, const Call* call, const real* k, real* weights
) noexcept nogil:
    """Pack one pass of one group into the weights of all."""
    cdef int64_t group = task // plan.passes
    cdef int64_t of_group = plan.p.inputs * plan.p.outputs * plan.p.first_tap[plan.p.out_planes]
    return _pack_pass(plan, task % plan.passes, call, k + group * call.of_group, weights + group * of_group)


cdef bint _by_outputs(
    DirectPlan plan, const Call* call, const real* x, const real* k, const real* b, real* y, real* scratch, int threads
) noexcept nogil:
    """Wave by wave, pack some strips; then each task is a unit of outputs."""
    cdef real* own = scratch + plan.shared
    cdef int64_t group, first, strips, task, bad = 0, of_strip = plan.p.strip_size
    for group in range(plan.p.groups):
        first = 0
        while first < plan.strips and not bad:
            strips = min(plan.wave, plan.strips - first)
            for task in prange(strips * PIECES, schedule="dynamic", chunksize=1, num_threads=threads):
                _pack(
                    plan, group * plan.strips + first + task // PIECES, task % PIECES, call, x,
                    scratch + task // PIECES * of_strip
                )
            for task in prange(plan.tasks, schedule="dynamic", chunksize=1, num_threads=threads):
                bad += not _outputs(
                    plan, task, group * plan.strips + first, strips, call, scratch, k + group * call.of_group, b, y,
                    own + threadid() * plan.scratch
                )
            first += strips
    return not bad


cdef inline bint _pack_pass(
    DirectPlan plan, int64_t index, const Call* call, const real* k, real* weights
) noexcept nogil:
    """Pack one pass of a group whose weights go to `weights`."""
    cdef int64_t first = index * plan.p.pass_, last = min(first + plan.p.pass_, plan.p.outputs)
    weights += first * plan.p.inputs * plan.p.first_tap[plan.p.out_planes]
    if real is float:
        return kernels_f32(plan.isa).pack_pass(
            &plan.p, first, last, k, call.of_in, call.of_out, call.of_axis, weights
        )
    else:
        return kernels_f64(plan.isa).pack_pass(
            &plan.p, first, last, k, call.of_in, call.of_out, call.of_axis, weights
        )


cdef inline void _strip(
    DirectPlan plan, int64_t task, const Call* call, const real* x, const real* weights, const real* b, real* y,
    real* scratch,
) noexcept nogil:
    if real is float:
        kernels_f32(plan.isa).strip(&plan.p, task, x, &call.of_input, weights, b, y, &call.of_output, scratch)
    else:
        kernels_f64(plan.isa).strip(&plan.p, task, x, &call.of_input, weights, b, y, &call.of_output, scratch)


cdef inline void _pack(
    DirectPlan plan, int64_t task, int64_t piece, const Call* call, const real* x, real* strip
) noexcept nogil:
    cdef int64_t first = plan.p.inputs * piece // PIECES, last = plan.p.inputs * (piece + 1) // PIECES
    if real is float:
        kernels_f32(plan.isa).pack(&plan.p, task, first, last, x, &call.of_input, strip)
    else:
        kernels_f64(plan.isa).pack(&plan.p, task, first, last, x, &call.of_input, strip)


cdef inline bint _outputs(
    DirectPlan plan, int64_t task, int64_t first, int64_t strips, const Call* call, const real* packed, const real* k,
    const real* b, real* y, real* scratch,
) noexcept nogil:
    if real is float:
        return kernels_f32(plan.isa).outputs(
            &plan.p, task, first, strips, packed, k, call.of_in, call.of_out, call.of_axis, b, y, &call.of_output, scratch
        )
    else:
        return kernels_f64(plan.isa).outputs(
            &plan.p, task, first, strips, packed, k, call.of_in, call.of_out, call.of_axis, b, y, &call.of_output, scratch
        )
