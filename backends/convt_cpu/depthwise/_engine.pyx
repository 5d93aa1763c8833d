"""The depthwise engine: tasks of a plan in parallel, by the kernels of one instruction set.

`_plan.pyx` makes the plans; ``kernels/depthwise.h`` does the work.
"""

from cython.parallel cimport prange, threadid
from libc.math cimport isfinite
from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, malloc
cimport numpy as cnp

from .._kernels cimport kernels_f32, kernels_f64
from .._strides cimport Strides, strides_of
from .._types cimport int64_t, real
from ._plan cimport DepthwisePlan

cdef enum:
    ALIGNED = 64                            # bytes


def run(DepthwisePlan plan not None, *arrays_and_threads):
    """See `convt_cpu.engine.Engine`. False if a weight is not finite, or a sum of correlate: zeros of a halo meet them."""
    if plan.correlates:
        fine, coarse, kernel, threads = arrays_and_threads
        if plan.size == 4:
            return _correlate[float](plan, fine, coarse, kernel, threads, NULL)
        return _correlate[double](plan, fine, coarse, kernel, threads, NULL)
    array, kernel, bias, result, threads = arrays_and_threads
    if plan.size == 4:
        return _map[float](plan, array, kernel, bias, result, threads, NULL)
    return _map[double](plan, array, kernel, bias, result, threads, NULL)


cdef bint _map(
    DepthwisePlan plan, cnp.ndarray array, cnp.ndarray kernel, cnp.ndarray bias, cnp.ndarray result, int threads,
    real* typed,
) except -1:
    """Scatter or gather: result = the map of array and kernel, plus bias."""
    cdef Strides of_input = strides_of(array, plan.order), of_output = strides_of(result, plan.order)
    cdef Strides of_kernel = strides_of(kernel, plan.order)
    cdef int64_t of_in = of_kernel.channel, of_out = of_kernel.outer, of_group = plan.p.outputs * of_kernel.outer
    if plan.scatters:
        of_in, of_out, of_group = of_kernel.outer, of_kernel.channel, plan.p.inputs * of_kernel.outer
    cdef real* x = <real*>cnp.PyArray_DATA(array)
    cdef real* k = <real*>cnp.PyArray_DATA(kernel)
    cdef real* b = <real*>cnp.PyArray_DATA(bias) if bias is not None else NULL
    cdef real* y = <real*>cnp.PyArray_DATA(result)
    cdef char* memory = _allocate(plan, threads)
    cdef char* scratch = _aligned(memory)
    cdef real* own
    cdef int64_t task, bad = 0
    if plan.channel_rows and of_input.channel == 1 and of_output.channel == 1:
        own = <real*>scratch + threads * plan.scratch
        _channels(plan, x, &of_input, k, &of_kernel, b, y, &of_output, threads, own)
        free(memory)
        return True
    with nogil:
        for task in prange(plan.tasks, schedule="dynamic", chunksize=1, num_threads=threads):
            own = <real*>scratch + threadid() * plan.scratch
            if real is float:
                bad += not kernels_f32(plan.isa).depthwise(
                    &plan.p, task, x, &of_input, k, of_group, of_in, of_out, of_kernel.axis, b, y, &of_output, own
                )
            else:
                bad += not kernels_f64(plan.isa).depthwise(
                    &plan.p, task, x, &of_input, k, of_group, of_in, of_out, of_kernel.axis, b, y, &of_output, own
                )
    free(memory)
    return not bad


cdef void _channels(
    DepthwisePlan plan, const real* x, Strides* of_input, const real* k, const Strides* of_kernel, const real* bias, real* y,
    Strides* of_output, int threads, real* weights,
) noexcept:
    """Scatter or gather where channels are densest in memory and every group has one."""
    cdef int64_t rows = plan.p.batch * plan.p.out_size[0] * plan.p.out_size[1], step = plan.channel_rows
    cdef int64_t groups = plan.p.groups, t, group, task, tap
    cdef const int64_t* at
    with nogil:
        for t in range(plan.p.first_tap[plan.p.out_planes]):
            at = plan.p.taps + 3 * t
            tap = at[0] * of_kernel.axis[0] + at[1] * of_kernel.axis[1] + at[2] * of_kernel.axis[2]
            for group in range(groups):
                weights[t * groups + group] = k[group * of_kernel.outer + tap]
        for task in prange((rows + step - 1) // step, schedule="dynamic", chunksize=1, num_threads=threads):
            if real is float:
                kernels_f32(plan.isa).depthwise_channels(
                    &plan.p, task * step, min((task + 1) * step, rows), x, of_input, weights, bias, y, of_output
                )
            else:
                kernels_f64(plan.isa).depthwise_channels(
                    &plan.p, task * step, min((task + 1) * step, rows), x, of_input, weights, bias, y, of_output
                )


cdef bint _correlate(
    DepthwisePlan plan, cnp.ndarray fine, cnp.ndarray coarse, cnp.ndarray kernel, int threads, real* typed
) except -1:
    """kernel = the sum over the coarse positions, each times the fine element that the tap meets there."""
    cdef Strides of_fine = strides_of(fine, plan.order), of_coarse = strides_of(coarse, plan.order)
    cdef Strides of_kernel = strides_of(kernel, plan.order)
    cdef real* f = <real*>cnp.PyArray_DATA(fine)
    cdef real* c = <real*>cnp.PyArray_DATA(coarse)
    cdef real* k = <real*>cnp.PyArray_DATA(kernel)
    cdef char* memory = _allocate(plan, threads)
    cdef char* scratch = _aligned(memory)
    cdef real* sums = <real*>scratch + threads * plan.scratch
    cdef real* own
    cdef int64_t task, group, bad = 0
    cdef int64_t of_task = plan.p.outputs * plan.p.inputs * plan.p.first_tap[1]
    with nogil:
        for task in prange(plan.tasks, schedule="dynamic", chunksize=1, num_threads=threads):
            own = <real*>scratch + threadid() * plan.scratch
            if real is float:
                kernels_f32(plan.isa).depthwise_correlate(
                    &plan.p, task, f, &of_fine, c, &of_coarse, sums + task * of_task, own
                )
            else:
                kernels_f64(plan.isa).depthwise_correlate(
                    &plan.p, task, f, &of_fine, c, &of_coarse, sums + task * of_task, own
                )
        for group in range(plan.p.groups):
            bad += not _add_splits(
                plan, sums + group * plan.p.splits * of_task, of_task, k + group * plan.p.outputs * of_kernel.outer,
                &of_kernel,
            )
    free(memory)
    return not bad


cdef bint _add_splits(
    DepthwisePlan plan, const real* sums, int64_t of_task, real* kernel, const Strides* strides
) noexcept nogil:
    """The filters of one group from its partial sums, added in their order. False if one is not finite."""
    cdef int64_t t, tap, split, filters = plan.p.first_tap[1], finite = True
    cdef const int64_t* at
    cdef double total
    for t in range(of_task):
        total = 0
        for split in range(plan.p.splits):
            total = total + sums[split * of_task + t]
        at = plan.p.taps + 3 * (t % filters)
        tap = at[0] * strides.axis[0] + at[1] * strides.axis[1] + at[2] * strides.axis[2]
        kernel[
            t // filters // plan.p.inputs * strides.outer + t // filters % plan.p.inputs * strides.channel + tap
        ] = <real>total
        finite = finite and isfinite(total)
    return finite


cdef char* _allocate(DepthwisePlan plan, int threads) except NULL:
    """Scratch memory for so many threads; the caller frees it."""
    cdef int64_t wanted = (threads * plan.scratch + plan.shared) * plan.size + ALIGNED
    cdef char* memory = <char*>malloc(wanted)
    if memory == NULL:
        raise MemoryError(f"cannot allocate {wanted} bytes of scratch memory")
    return memory


cdef inline char* _aligned(char* memory) noexcept:
    return memory + (-<uintptr_t>memory) % ALIGNED
