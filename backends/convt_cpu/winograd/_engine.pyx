"""The Winograd engine: scatter and gather with fewer multiplications, by the kernels of one instruction set.

`_plan.pyx` makes the plans; ``kernels/winograd.h`` has the tasks.
"""

from cython.parallel cimport prange, threadid
from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, malloc
cimport numpy as cnp

from .._kernels cimport kernels_f32, kernels_f64
from .._strides cimport Strides, strides_of
from .._types cimport int64_t, real
from ._plan cimport WinogradPlan

cdef enum:
    LINE = 64                               # bytes
    FREQUENCIES = 16

cdef struct Call:                           # strides of one call's arrays; those of the kernel seen from in- to output
    Strides of_input, of_output
    int64_t of_group, of_in, of_out
    const int64_t* of_axis


def run(WinogradPlan plan not None, cnp.ndarray array, cnp.ndarray kernel, bias, cnp.ndarray result, int threads):
    """result = the plan's map of array and kernel, plus bias. False if a number is not finite, or huge.

    The transforms mix neighbours: such a number would spoil outputs that it does not reach by the definition.
    """
    if plan.size == 4:
        return _run[float](plan, array, kernel, bias, result, threads, NULL)
    return _run[double](plan, array, kernel, bias, result, threads, NULL)


cdef bint _run(
    WinogradPlan plan, cnp.ndarray array, cnp.ndarray kernel, cnp.ndarray bias, cnp.ndarray result, int threads, real* typed
) except -1:
    cdef Call call
    call.of_input, call.of_output = strides_of(array, plan.order), strides_of(result, plan.order)
    cdef Strides of_kernel = strides_of(kernel, plan.order)
    call.of_axis = of_kernel.axis
    call.of_in, call.of_out = of_kernel.channel, of_kernel.outer
    call.of_group = plan.p.outputs * of_kernel.outer
    if plan.p.flips:
        call.of_in, call.of_out = of_kernel.outer, of_kernel.channel
        call.of_group = plan.p.inputs * of_kernel.outer
    cdef real* x = <real*>cnp.PyArray_DATA(array)
    cdef real* k = <real*>cnp.PyArray_DATA(kernel)
    cdef real* b = <real*>cnp.PyArray_DATA(bias) if bias is not None else NULL
    cdef real* y = <real*>cnp.PyArray_DATA(result)
    cdef int64_t size = (plan.shared + threads * plan.scratch) * sizeof(real) + LINE
    cdef void* memory = malloc(size)
    cdef bint moderate
    if memory == NULL:
        raise MemoryError(f"cannot allocate {size} bytes of scratch memory")
    cdef real* scratch = <real*>((<uintptr_t>memory + LINE - 1) // LINE * LINE)
    with nogil:
        if plan.by_outputs:
            moderate = _by_outputs(plan, &call, x, k, b, y, scratch, threads)
        else:
            moderate = _by_tiles(plan, &call, x, k, b, y, scratch, threads)
    free(memory)
    return moderate


cdef bint _by_tiles(
    WinogradPlan plan, const Call* call, const real* x, const real* k, const real* b, real* y, real* scratch, int threads
) noexcept nogil:
    """Transform all weights; then each task is a block of tiles."""
    cdef real* own = scratch + plan.shared
    cdef int64_t task, bad = 0, of_group = plan.channel_blocks * plan.units
    for task in prange(plan.p.groups * of_group, schedule="static", num_threads=threads):
        bad += not _weights(
            plan, task % plan.units, task // plan.units % plan.channel_blocks, call, k + task // of_group * call.of_group,
            scratch + task * FREQUENCIES * plan.p.out_phases * plan.p.u_size
        )
    if not bad:
        for task in prange(plan.tasks, schedule="dynamic", chunksize=1, num_threads=threads):
            bad += not _tiles(plan, task, call, x, scratch, b, y, own + threadid() * plan.scratch)
    return not bad


cdef bint _by_outputs(
    WinogradPlan plan, const Call* call, const real* x, const real* k, const real* b, real* y, real* scratch, int threads
) noexcept nogil:
    """Wave by wave, transform the windows of some blocks of tiles; then each task is a pass of outputs."""
    cdef real* own = scratch + plan.shared
    cdef int64_t group, first, blocks, task, bad = 0, of_piece = FREQUENCIES * plan.p.v_size
    for group in range(plan.p.groups):
        first = 0
        while first < plan.blocks and not bad:
            blocks = min(plan.wave, plan.blocks - first)
            for task in prange(blocks * plan.channel_blocks, schedule="dynamic", chunksize=1, num_threads=threads):
                bad += not _input(
                    plan, first + task // plan.channel_blocks, task % plan.channel_blocks, call,
                    x + group * plan.p.inputs * call.of_input.channel, scratch + task * of_piece
                )
            if not bad:
                for task in prange(plan.passes, schedule="dynamic", chunksize=1, num_threads=threads):
                    bad += not _outputs(
                        plan, task, first, blocks, call, scratch, k + group * call.of_group,
                        b + group * plan.p.outputs if b != NULL else b,
                        y + group * plan.p.outputs * call.of_output.channel, own + threadid() * plan.scratch
                    )
            first += blocks
    return not bad


cdef inline bint _weights(
    WinogradPlan plan, int64_t unit, int64_t block, const Call* call, const real* k, real* u
) noexcept nogil:
    """Transform the weights of one unit and one block of channels of a group."""
    cdef int64_t channel = block * plan.p.block_channels, row = unit * plan.p.unit
    cdef int64_t channels = min(plan.p.block_channels, plan.p.inputs - channel)
    cdef int64_t rows = min(plan.p.unit, plan.p.outputs - row)
    k += channel * call.of_in + row * call.of_out
    if real is float:
        return kernels_f32(plan.isa).winograd_weights(
            &plan.p, channels, rows, k, call.of_in, call.of_out, call.of_axis, u
        )
    else:
        return kernels_f64(plan.isa).winograd_weights(
            &plan.p, channels, rows, k, call.of_in, call.of_out, call.of_axis, u
        )


cdef inline bint _tiles(
    WinogradPlan plan, int64_t task, const Call* call, const real* x, const real* u, const real* b, real* y, real* scratch,
) noexcept nogil:
    if real is float:
        return kernels_f32(plan.isa).winograd_tiles(
            &plan.p, task, x, &call.of_input, u, b, y, &call.of_output, scratch
        )
    else:
        return kernels_f64(plan.isa).winograd_tiles(
            &plan.p, task, x, &call.of_input, u, b, y, &call.of_output, scratch
        )


cdef inline bint _input(
    WinogradPlan plan, int64_t block, int64_t piece, const Call* call, const real* x, real* v
) noexcept nogil:
    """Transform the windows of one block of tiles and one block of channels."""
    cdef int64_t channel = piece * plan.p.block_channels
    cdef int64_t channels = min(plan.p.block_channels, plan.p.inputs - channel)
    x += channel * call.of_input.channel
    if real is float:
        return kernels_f32(plan.isa).winograd_input(&plan.p, block, channels, x, &call.of_input, v)
    else:
        return kernels_f64(plan.isa).winograd_input(&plan.p, block, channels, x, &call.of_input, v)


cdef inline bint _outputs(
    WinogradPlan plan, int64_t task, int64_t first, int64_t blocks, const Call* call, const real* v, const real* k,
    const real* b, real* y, real* scratch,
) noexcept nogil:
    if real is float:
        return kernels_f32(plan.isa).winograd_outputs(
            &plan.p, task, first, blocks, v, k, call.of_in, call.of_out, call.of_axis, b, y, &call.of_output, scratch
        )
    else:
        return kernels_f64(plan.isa).winograd_outputs(
            &plan.p, task, first, blocks, v, k, call.of_in, call.of_out, call.of_axis, b, y, &call.of_output, scratch
        )
