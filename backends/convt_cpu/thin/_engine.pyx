"""Runs the plans of the thin engine; ``../kernels/thin.h`` and ``thin_gather.h`` have the work of a task."""

from cython.parallel cimport prange, threadid
from libc.stdlib cimport free, malloc
cimport numpy as cnp

from .._kernels cimport kernels_f32, kernels_f64
from .._strides cimport Strides, strides_of
from .._types cimport int64_t, real
from ._plan cimport ThinPlan

cdef enum:
    ALIGNED = 64                            # bytes, a cache line

cdef struct Call:                           # one call's arrays: where they start, and their strides
    char* coarse
    char* fine
    char* kernel
    char* bias
    Strides of_coarse, of_fine, of_kernel

def run(ThinPlan plan not None, *arrays_and_threads):
    """Computes the plan's map; `convt_cpu.engine.Engine` names the arguments.

    False if something that is not finite could meet the zeros of taps outside of the fine array, where the definition has no
    term at all.
    """
    if plan.scatters:
        coarse, kernel, bias, fine, threads = arrays_and_threads
    elif plan.gathers:
        fine, kernel, bias, coarse, threads = arrays_and_threads
    else:
        fine, coarse, kernel, threads = arrays_and_threads
        bias = None
    cdef Call call = _call(plan, coarse, fine, kernel, bias)
    if plan.size == 4:
        return _run[float](plan, &call, threads, NULL)
    return _run[double](plan, &call, threads, NULL)


cdef Call _call(ThinPlan plan, cnp.ndarray coarse, cnp.ndarray fine, cnp.ndarray kernel, cnp.ndarray bias):
    cdef Call call
    call.coarse, call.fine = <char*>cnp.PyArray_DATA(coarse), <char*>cnp.PyArray_DATA(fine)
    call.kernel = <char*>cnp.PyArray_DATA(kernel)
    call.bias = <char*>cnp.PyArray_DATA(bias) if bias is not None else NULL
    call.of_coarse, call.of_fine = strides_of(coarse, plan.order), strides_of(fine, plan.order)
    call.of_kernel = strides_of(kernel, plan.order)
    return call


cdef bint _run(ThinPlan plan, const Call* call, int threads, real* typed) except -1:
    cdef int64_t elements = plan.shared + threads * plan.scratch
    cdef void* memory = malloc(elements * sizeof(real) + ALIGNED)
    cdef real* scratch = <real*>((<size_t>memory + ALIGNED - 1) // ALIGNED * ALIGNED)
    cdef int64_t group
    cdef bint finite = True
    if memory == NULL:
        raise MemoryError(f"cannot allocate {elements * sizeof(real)} bytes of scratch memory")
    with nogil:
        for group in range(plan.p.groups):
            if not finite:
                break
            if plan.gathers:
                finite = _gather(plan, group, call, scratch, threads)
            else:
                finite = _by_lanes(plan, group, call, scratch, threads)
    free(memory)
    return finite


cdef bint _by_lanes(ThinPlan plan, int64_t group, const Call* call, real* scratch, int threads) noexcept nogil:
    """Scatter or correlate: pack all rows, then each task is the lanes of some fine channels."""
    cdef real* own = scratch + plan.shared
    cdef int64_t task, bad = 0
    cdef int64_t parts = (plan.p.outputs + plan.p.part - 1) // plan.p.part
    for task in prange(plan.wave, schedule="dynamic", chunksize=1, num_threads=threads):
        bad += not _rows(plan, group, task, call, scratch + task * plan.tile_size)
    if bad and not plan.scatters:
        return False
    for task in prange(parts, schedule="dynamic", chunksize=1, num_threads=threads):
        _lanes(plan, group, task * plan.p.part, call, scratch, own + threadid() * plan.scratch)
    return True


cdef bint _gather(ThinPlan plan, int64_t group, const Call* call, real* scratch, int threads) noexcept nogil:
    """Wave by wave, pack the columns of some positions; then each task is some coarse channels at some of them."""
    cdef real* own = scratch + plan.shared
    cdef int64_t first = 0, count, runs, task, bad = 0
    cdef int64_t parts = (plan.p.inputs + plan.p.channels - 1) // plan.p.channels
    while first < plan.p.positions and not bad:
        count = min(plan.wave, plan.p.positions - first)
        runs = (count + plan.p.run - 1) // plan.p.run
        for task in prange(count, schedule="dynamic", chunksize=1, num_threads=threads):
            _column(plan, group, first + task, call, scratch + task * plan.p.pitch)
        for task in prange(parts * runs, schedule="dynamic", chunksize=1, num_threads=threads):
            bad += not _dots(
                plan, group, task // runs, first, task % runs * plan.p.run, count, call, scratch,
                own + threadid() * plan.scratch
            )
        first += count
    return not bad


cdef inline real* _of_group(char* array, int64_t group, int64_t channels, int64_t stride, real* typed) noexcept nogil:
    """A group's first element."""
    return <real*>array + group * channels * stride


cdef inline bint _rows(ThinPlan plan, int64_t group, int64_t tile, const Call* call, real* rows) noexcept nogil:
    cdef const real* coarse = _of_group[real](call.coarse, group, plan.p.inputs, call.of_coarse.channel, NULL)
    if real is float:
        return kernels_f32(plan.isa).thin_rows(&plan.p, plan.scatters, tile, coarse, &call.of_coarse, rows)
    else:
        return kernels_f64(plan.isa).thin_rows(&plan.p, plan.scatters, tile, coarse, &call.of_coarse, rows)


cdef inline void _lanes(
    ThinPlan plan, int64_t group, int64_t first, const Call* call, const real* rows, real* scratch
) noexcept nogil:
    cdef real* kernel = _of_group[real](call.kernel, group, plan.p.inputs, call.of_kernel.outer, NULL)
    cdef real* fine = _of_group[real](call.fine, group, plan.p.outputs, call.of_fine.channel, NULL)
    cdef const real* bias = <real*>call.bias + group * plan.p.outputs if call.bias != NULL else NULL
    if plan.scatters:
        if real is float:
            kernels_f32(plan.isa).thin_scatter(
                &plan.p, first, rows, kernel, &call.of_kernel, bias, fine, &call.of_fine, scratch
            )
        else:
            kernels_f64(plan.isa).thin_scatter(
                &plan.p, first, rows, kernel, &call.of_kernel, bias, fine, &call.of_fine, scratch
            )
    else:
        if real is float:
            kernels_f32(plan.isa).thin_correlate(&plan.p, first, rows, fine, &call.of_fine, kernel, &call.of_kernel, scratch)
        else:
            kernels_f64(plan.isa).thin_correlate(&plan.p, first, rows, fine, &call.of_fine, kernel, &call.of_kernel, scratch)


cdef inline void _column(ThinPlan plan, int64_t group, int64_t position, const Call* call, real* column) noexcept nogil:
    cdef const real* fine = _of_group[real](call.fine, group, plan.p.outputs, call.of_fine.channel, NULL)
    if real is float:
        kernels_f32(plan.isa).thin_column(&plan.p, position, fine, &call.of_fine, column)
    else:
        kernels_f64(plan.isa).thin_column(&plan.p, position, fine, &call.of_fine, column)


cdef inline bint _dots(
    ThinPlan plan, int64_t group, int64_t part, int64_t first, int64_t position, int64_t count, const Call* call,
    const real* columns, real* scratch,
) noexcept nogil:
    """The channels of a part at some of the `count` positions whose columns are given; those start with `first`."""
    cdef const real* kernel = _of_group[real](call.kernel, group, plan.p.inputs, call.of_kernel.outer, NULL)
    cdef real* coarse = _of_group[real](call.coarse, group, plan.p.inputs, call.of_coarse.channel, NULL)
    cdef const real* bias = <real*>call.bias + group * plan.p.inputs if call.bias != NULL else NULL
    cdef int64_t some = min(plan.p.run, count - position), channel = part * plan.p.channels
    columns += position * plan.p.pitch
    if real is float:
        return kernels_f32(plan.isa).thin_gather(
            &plan.p, channel, first + position, some, columns, kernel, &call.of_kernel, bias, coarse, &call.of_coarse, scratch
        )
    else:
        return kernels_f64(plan.isa).thin_gather(
            &plan.p, channel, first + position, some, columns, kernel, &call.of_kernel, bias, coarse, &call.of_coarse, scratch
        )
