"""The depthwise engine: tasks of a plan in parallel, by the kernels of one instruction set.

`plan.py` makes the plans; ``kernels/depthwise.h`` does the work.
"""

from cython.parallel cimport prange, threadid
from libc.math cimport isfinite
from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, malloc
cimport numpy as cnp

from .._kernels cimport convt_depthwise_plan, isa_index, kernels_f32, kernels_f64
from .._strides cimport Strides, strides_of
from .._types cimport int64_t, real

cdef enum:
    ALIGNED = 64                            # bytes

cdef class DepthwisePlan:
    """A `depthwise.plan.Tables` in C, with the instruction set that runs it."""

    cdef convt_depthwise_plan p
    cdef readonly object tables
    cdef object _keep                       # the arrays that p points into
    cdef tuple order
    cdef int isa
    cdef bint correlates, scatters
    cdef int64_t size                       # of an element, in bytes
    cdef int64_t channel_rows               # of a task where lanes are channels, if they can be
    cdef readonly int64_t tasks
    cdef readonly object multiply_adds
    cdef int64_t scratch, shared            # bytes of one thread, of all

    def __cinit__(self, tables):
        cdef convt_depthwise_plan* p = &self.p
        self.tables = tables
        self.order = tables.order
        self.isa = isa_index(tables.isa)
        self.correlates, self.scatters = tables.data_map == "correlate", tables.data_map == "scatter"
        self.size = tables.size
        p.batch, p.groups, p.inputs, p.outputs = tables.batch, tables.groups, tables.inputs, tables.outputs
        for axis in range(3):
            p.in_size[axis], p.out_size[axis] = tables.in_size[axis], tables.out_size[axis]
            p.in_stride[axis], p.out_stride[axis] = tables.in_stride[axis], tables.out_stride[axis]
            p.low[axis], p.count[axis], p.boxes[axis] = tables.low[axis], tables.count[axis], tables.boxes[axis]
            p.rows[axis] = tables.rows[axis]
        p.in_planes, p.out_planes = len(tables.in_phase), len(tables.first_tap) - 1
        self._keep = [tables.in_phase, tables.first_tap, tables.taps, tables.offsets, tables.reach]
        p.in_phase = <int64_t*>cnp.PyArray_DATA(self._keep[0])
        p.first_tap = <int64_t*>cnp.PyArray_DATA(self._keep[1])
        p.taps = <int64_t*>cnp.PyArray_DATA(self._keep[2])
        p.offsets = <int64_t*>cnp.PyArray_DATA(self._keep[3])
        p.reach = <int64_t*>cnp.PyArray_DATA(self._keep[4])
        p.slide, p.plane_size, p.channel_size = tables.slide, tables.plane_size, tables.channel_size
        p.chunk, p.chunk_size, p.units, p.splits = tables.chunk, tables.chunk_size, tables.units, tables.splits
        self.channel_rows = tables.channel_rows
        self.tasks, self.multiply_adds = tables.tasks, tables.multiply_adds
        self.scratch, self.shared = tables.scratch, tables.shared

    @property
    def packed(self):
        """Elements of all packed boxes."""
        return self.tables.packed

    @property
    def scratch_bytes(self):
        """Of one thread."""
        return self.scratch

    @property
    def shared_bytes(self):
        """Of all threads together."""
        return self.shared


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
        own = <real*>(scratch + threads * plan.scratch)
        _channels(plan, x, &of_input, k, &of_kernel, b, y, &of_output, threads, own)
        free(memory)
        return True
    with nogil:
        for task in prange(plan.tasks, schedule="dynamic", chunksize=1, num_threads=threads):
            own = <real*>(scratch + threadid() * plan.scratch)
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
    cdef real* sums = <real*>(scratch + threads * plan.scratch)
    cdef real* own
    cdef int64_t task, group, bad = 0
    cdef int64_t of_task = plan.p.outputs * plan.p.inputs * plan.p.first_tap[1]
    with nogil:
        for task in prange(plan.tasks, schedule="dynamic", chunksize=1, num_threads=threads):
            own = <real*>(scratch + threadid() * plan.scratch)
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
    cdef int64_t wanted = threads * plan.scratch + plan.shared + ALIGNED
    cdef char* memory = <char*>malloc(wanted)
    if memory == NULL:
        raise MemoryError(f"cannot allocate {wanted} bytes of scratch memory")
    return memory


cdef inline char* _aligned(char* memory) noexcept:
    return memory + (-<uintptr_t>memory) % ALIGNED
