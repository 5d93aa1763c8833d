"""The direct engine: scatter and gather without a column matrix, by the kernels of one instruction set.

`direct_plan.py` makes the plans; ``kernels/README.md`` says how the kernels work.
"""

from cython.parallel cimport prange, threadid
from libc.stdlib cimport free, malloc
cimport numpy as cnp

from ._geometry cimport int64_t, real

cdef extern from "kernels/kernels.h" nogil:
    ctypedef struct convt_strides:
        int64_t outer
        int64_t channel
        int64_t axis[3]

    ctypedef struct convt_direct_plan:
        int64_t batch, groups, inputs, outputs
        int64_t in_size[3]
        int64_t out_size[3]
        int64_t in_stride[3]
        int64_t out_stride[3]
        int64_t in_planes, out_planes
        const int64_t* in_phase
        const int64_t* first_tap
        const int64_t* taps
        const int64_t* offsets
        const int64_t* offsets_at
        int64_t low[3]
        int64_t count[4]
        int64_t strips[4]
        int64_t rows[3]
        int64_t positions, plane_size, channel_size, block, unit, units_at_once

    ctypedef struct convt_kernels_f32:
        int64_t lanes, max_rows
        int (*pack_weights)(const convt_direct_plan*, int64_t, int64_t, const float*, int64_t, int64_t, int64_t,
                         const int64_t*, float*) noexcept nogil
        void (*strip)(const convt_direct_plan*, int64_t, const float*, const convt_strides*, const float*, const float*,
                   float*, const convt_strides*, float*) noexcept nogil

    ctypedef struct convt_kernels_f64:
        int64_t lanes, max_rows
        int (*pack_weights)(const convt_direct_plan*, int64_t, int64_t, const double*, int64_t, int64_t, int64_t,
                         const int64_t*, double*) noexcept nogil
        void (*strip)(const convt_direct_plan*, int64_t, const double*, const convt_strides*, const double*, const double*,
                   double*, const convt_strides*, double*) noexcept nogil

    int convt_isa_count()
    const char* convt_isa_name(int index)
    int convt_isa_runs_here(int index)
    const convt_kernels_f32* convt_isa_f32(int index)
    const convt_kernels_f64* convt_isa_f64(int index)


def instruction_sets():
    """The names of the instruction sets of this build that run here, best first."""
    return [
        convt_isa_name(index).decode() for index in range(convt_isa_count()) if convt_isa_runs_here(index)
    ]


def _index_of(name):
    for index in range(convt_isa_count()):
        if convt_isa_name(index).decode() == name:
            return index
    raise LookupError(f"instruction set must be one of {instruction_sets()}, got {name!r}")


def vector_length(isa, int size):
    """Elements of `size` bytes in a vector of an instruction set."""
    index = _index_of(isa)
    return convt_isa_f32(index).lanes if size == 4 else convt_isa_f64(index).lanes


def most_rows(isa):
    """The largest number of output channels of one of its direct kernels."""
    return convt_isa_f32(_index_of(isa)).max_rows


cdef class DirectPlan:
    """A `direct_plan.Tables` in C, with the instruction set that runs it."""

    cdef convt_direct_plan p
    cdef readonly object tables
    cdef object _keep                       # the arrays that p points into
    cdef tuple order
    cdef int isa
    cdef bint scatters
    cdef int64_t size                       # of an element, in bytes
    cdef readonly int64_t tasks, units
    cdef int64_t scratch, packed            # in elements: of one thread, of all

    def __cinit__(self, tables):
        cdef convt_direct_plan* p = &self.p
        self.tables = tables
        self.order = tables.order
        self.isa = _index_of(tables.isa)
        self.scatters = tables.scatters
        self.size = tables.size
        p.batch, p.groups, p.inputs, p.outputs = tables.batch, tables.groups, tables.inputs, tables.outputs
        for axis in range(3):
            p.in_size[axis], p.out_size[axis] = tables.in_size[axis], tables.out_size[axis]
            p.in_stride[axis], p.out_stride[axis] = tables.in_stride[axis], tables.out_stride[axis]
            p.low[axis], p.rows[axis] = tables.low[axis], tables.rows[axis]
        for axis in range(4):
            p.count[axis], p.strips[axis] = tables.count[axis], tables.strips[axis]
        p.in_planes, p.out_planes = len(tables.in_phase), len(tables.offsets_at)
        arrays = [tables.in_phase, tables.first_tap, tables.taps, tables.offsets, tables.offsets_at]
        self._keep = arrays
        p.in_phase = <int64_t*>cnp.PyArray_DATA(arrays[0])
        p.first_tap = <int64_t*>cnp.PyArray_DATA(arrays[1])
        p.taps = <int64_t*>cnp.PyArray_DATA(arrays[2])
        p.offsets = <int64_t*>cnp.PyArray_DATA(arrays[3])
        p.offsets_at = <int64_t*>cnp.PyArray_DATA(arrays[4])
        p.positions, p.plane_size, p.channel_size = tables.positions, tables.plane_size, tables.channel_size
        p.block, p.unit, p.units_at_once = tables.block, tables.unit, tables.units_at_once
        self.tasks = p.groups * p.strips[0] * p.strips[1] * p.strips[2] * p.strips[3]
        self.units = p.groups * ((p.outputs + p.unit - 1) // p.unit)
        self.scratch = tables.scratch // self.size
        self.packed = tables.packed // self.size

    cdef convt_strides strides(self, cnp.ndarray array) noexcept:
        """An array's strides in elements, its spatial axes in the plan's order."""
        cdef convt_strides strides
        cdef int axis, missing = 3 - len(self.order)
        cdef cnp.npy_intp* steps = cnp.PyArray_STRIDES(array)
        strides.outer = steps[0] // self.size
        strides.channel = steps[1] // self.size
        for axis in range(3):
            strides.axis[axis] = steps[2 + <int>self.order[axis - missing]] // self.size if axis >= missing else 0
        return strides


def run(DirectPlan plan, cnp.ndarray array, cnp.ndarray kernel, bias, cnp.ndarray result, int threads):
    """result = the plan's map of array and kernel, plus bias. False, and nothing computed, if a weight is not finite.

    Such a weight would meet the zeros of a strip's halo, where the definition has no term at all.
    """
    if plan.size == 4:
        return _run[float](plan, array, kernel, bias, result, threads, NULL)
    return _run[double](plan, array, kernel, bias, result, threads, NULL)


cdef bint _run(
    DirectPlan plan, cnp.ndarray array, cnp.ndarray kernel, cnp.ndarray bias, cnp.ndarray result, int threads, real* typed
) except -1:
    cdef convt_strides of_input = plan.strides(array), of_output = plan.strides(result), of_kernel = plan.strides(kernel)
    cdef const real* x = <const real*>cnp.PyArray_DATA(array)
    cdef const real* k = <const real*>cnp.PyArray_DATA(kernel)
    cdef const real* b = <const real*>cnp.PyArray_DATA(bias) if bias is not None else NULL
    cdef real* y = <real*>cnp.PyArray_DATA(result)
    cdef int64_t task, scratch = plan.scratch, packed = plan.packed, bad = 0
    cdef int64_t units = plan.units // plan.p.groups
    cdef real* weights = <real*>malloc((packed + threads * scratch) * sizeof(real))
    if weights == NULL:
        raise MemoryError(f"cannot allocate {(packed + threads * scratch) * sizeof(real)} bytes of scratch memory")
    with nogil:
        for task in prange(plan.units, schedule="static", num_threads=threads):
            bad += _pack(plan, task // units, task % units, k, &of_kernel, weights)
        if not bad:
            for task in prange(plan.tasks, schedule="dynamic", chunksize=1, num_threads=threads):
                _strip(plan, task, x, &of_input, weights, b, y, &of_output, weights + packed + threadid() * scratch)
    free(weights)
    return not bad


cdef int _pack(
    DirectPlan plan, int64_t group, int64_t unit, const real* kernel, const convt_strides* strides, real* weights
) noexcept nogil:
    """1 if a weight of the unit is not finite."""
    cdef int64_t coarse = plan.p.inputs if plan.scatters else plan.p.outputs
    cdef int64_t inputs = strides.outer if plan.scatters else strides.channel
    cdef int64_t outputs = strides.channel if plan.scatters else strides.outer
    cdef int64_t of_group = coarse * strides.outer
    if real is float:
        return not convt_isa_f32(plan.isa).pack_weights(
            &plan.p, group, unit, kernel, of_group, inputs, outputs, strides.axis, weights
        )
    else:
        return not convt_isa_f64(plan.isa).pack_weights(
            &plan.p, group, unit, kernel, of_group, inputs, outputs, strides.axis, weights
        )


cdef void _strip(
    DirectPlan plan, int64_t task, const real* x, const convt_strides* of_x, const real* weights, const real* bias,
    real* y, const convt_strides* of_y, real* scratch,
) noexcept nogil:
    if real is float:
        convt_isa_f32(plan.isa).strip(&plan.p, task, x, of_x, weights, bias, y, of_y, scratch)
    else:
        convt_isa_f64(plan.isa).strip(&plan.p, task, x, of_x, weights, bias, y, of_y, scratch)
