"""Runs the plans of the windows engine; ``../kernels/windows.h`` has the work of a task."""

from cython.parallel cimport prange, threadid
from libc.stdlib cimport free, malloc
cimport numpy as cnp

from .._kernels cimport kernels_f32, kernels_f64
from .._strides cimport Strides, strides_of
from .._types cimport int64_t, real
from ._plan cimport WindowsPlan

cdef enum:
    ALIGNED = 64                            # bytes, a cache line

cdef struct Call:                           # strides of one call's arrays
    Strides of_fine, of_kernel, of_coarse

def run(WindowsPlan plan not None, cnp.ndarray fine, cnp.ndarray kernel, bias, cnp.ndarray coarse, int threads):
    """coarse = the gather of fine by kernel, plus bias. False if a result is not finite.

    Something that is not finite may have met the zeros around an array or behind a filter, where the definition has no term.
    """
    if plan.size == 4:
        return _run[float](plan, fine, kernel, bias, coarse, threads, NULL)
    return _run[double](plan, fine, kernel, bias, coarse, threads, NULL)


cdef bint _run(
    WindowsPlan plan, cnp.ndarray fine, cnp.ndarray kernel, cnp.ndarray bias, cnp.ndarray coarse, int threads, real* typed
) except -1:
    cdef Call call
    call.of_fine, call.of_coarse = strides_of(fine, plan.order), strides_of(coarse, plan.order)
    call.of_kernel = strides_of(kernel, plan.order)
    cdef real* x = <real*>cnp.PyArray_DATA(fine)
    cdef real* w = <real*>cnp.PyArray_DATA(kernel)
    cdef real* b = <real*>cnp.PyArray_DATA(bias) if bias is not None else NULL
    cdef real* y = <real*>cnp.PyArray_DATA(coarse)
    cdef int64_t elements = threads * plan.scratch, task, bad = 0
    cdef void* memory = malloc(elements * sizeof(real) + ALIGNED)
    cdef real* scratch = <real*>((<size_t>memory + ALIGNED - 1) // ALIGNED * ALIGNED)
    if memory == NULL:
        raise MemoryError(f"cannot allocate {elements * sizeof(real)} bytes of scratch memory")
    with nogil:
        for task in prange(plan.tasks, schedule="dynamic", chunksize=1, num_threads=threads):
            bad += not _task(plan, task, &call, x, w, b, y, scratch + threadid() * plan.scratch)
    free(memory)
    return not bad


cdef inline bint _task(
    WindowsPlan plan, int64_t task, const Call* call, const real* x, const real* w, const real* b, real* y, real* scratch
) noexcept nogil:
    """Box by box of one group, then its parts."""
    cdef int64_t parts = (plan.p.outputs + plan.p.part - 1) // plan.p.part
    cdef int64_t boxes = plan.tasks // parts // plan.p.groups
    cdef int64_t part = task % parts, box = task // parts % boxes, group = task // parts // boxes
    if real is float:
        return kernels_f32(plan.isa).windows(
            &plan.p, group, part, box, x, &call.of_fine, w, &call.of_kernel, b, y, &call.of_coarse, scratch
        )
    else:
        return kernels_f64(plan.isa).windows(
            &plan.p, group, part, box, x, &call.of_fine, w, &call.of_kernel, b, y, &call.of_coarse, scratch
        )
