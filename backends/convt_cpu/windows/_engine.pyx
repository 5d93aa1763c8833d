"""Runs the plans of the windows engine; ``../kernels/windows.h`` has the work of a task."""

from cython.parallel cimport prange, threadid
from libc.stdlib cimport free, malloc
cimport numpy as cnp

from .._kernels cimport convt_windows_plan, isa_index, kernels_f32, kernels_f64
from .._strides cimport Strides, strides_of
from .._types cimport int64_t, real

cdef enum:
    ALIGNED = 64                            # bytes, a cache line

cdef struct Call:                           # strides of one call's arrays
    Strides of_fine, of_kernel, of_coarse

cdef class WindowsPlan:
    """A `windows.plan.Tables` in C, with the instruction set that runs it."""

    cdef convt_windows_plan p
    cdef readonly object tables
    cdef tuple order
    cdef int isa
    cdef int64_t size                       # of an element, in bytes
    cdef readonly int64_t tasks             # that can run at once
    cdef readonly object multiply_adds      # of all tasks, padded vectors and filters included
    cdef readonly int64_t scratch_bytes     # of each thread
    cdef readonly int64_t shared_bytes      # of all threads together: none

    def __cinit__(self, tables):
        cdef convt_windows_plan* p = &self.p
        self.tables = tables
        self.order = tables.order
        self.isa = isa_index(tables.isa)
        self.size = tables.size
        p.batch, p.groups, p.inputs, p.outputs = tables.batch, tables.groups, tables.inputs, tables.outputs
        for axis in range(3):
            p.fine[axis], p.coarse[axis], p.kernel[axis] = tables.fine[axis], tables.coarse[axis], tables.kernel[axis]
            p.stride[axis], p.padding[axis], p.dilation[axis] = tables.stride[axis], tables.padding[axis], tables.dilation[axis]
            p.count[axis], p.boxes[axis], p.rows[axis] = tables.count[axis], tables.boxes[axis], tables.rows[axis]
        p.part, p.chunk = tables.part, tables.chunk
        p.vectors, p.steps, p.block = tables.vectors, tables.steps, tables.block
        p.offsets = <int64_t*>cnp.PyArray_DATA(tables.offsets)
        self.tasks = tables.tasks
        self.multiply_adds = tables.multiply_adds
        self.scratch_bytes, self.shared_bytes = tables.scratch, 0


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
    cdef int64_t own = plan.scratch_bytes // sizeof(real), task, bad = 0
    cdef void* memory = malloc(threads * plan.scratch_bytes + ALIGNED)
    cdef real* scratch = <real*>((<size_t>memory + ALIGNED - 1) // ALIGNED * ALIGNED)
    if memory == NULL:
        raise MemoryError(f"cannot allocate {threads * plan.scratch_bytes} bytes of scratch memory")
    with nogil:
        for task in prange(plan.tasks, schedule="dynamic", chunksize=1, num_threads=threads):
            bad += not _task(plan, task, &call, x, w, b, y, scratch + threadid() * own)
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
