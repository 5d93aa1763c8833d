"""Runs a plan's functions over all rows, in parallel."""

cimport numpy as cnp

from .._kernels cimport isa_index
from .._layers cimport layer
from .._memory cimport allocate, release
from .._tasks cimport convt_run
from .._types cimport int64_t

cdef extern from "resampling/resampling.h" nogil:
    ctypedef struct convt_rows:
        int64_t outer, inner, width
        int64_t coarse[3]
        int64_t fine[3]
        int64_t scale[3]
        int64_t origin[2]
        int64_t box[2]
        int64_t add
        const int64_t* low[2]
        const int64_t* high[2]
        const double* part[2]
        const int64_t* start[2]
        const int64_t* end[2]
        const double* weight[2]
        int64_t reach[3]
        int64_t coarse_first, coarse_count, fine_first, fine_count
        int64_t how, groups, plain
        const int64_t* at
        const int64_t* base
        const void* first
        const void* second
        const void* keep
        const void* take
        const int64_t* column_start
        const int64_t* column_count
        const void* column_weight

    ctypedef void (*convt_rows_function)(
        const convt_rows*, int64_t first, int64_t last, const void* inp, void* out, void* scratch) noexcept nogil

    ctypedef struct convt_resampling:
        int64_t lanes, permutes
        convt_rows_function interpolate
        convt_rows_function repeat
        convt_rows_function collect
        convt_rows_function nails
        convt_rows_function pick

    const convt_resampling* convt_resampling_of(int isa, int size)
    const int CONVT_COPY, CONVT_PERMUTE, CONVT_INDEX, CONVT_BLOCKS

COPY, PERMUTE, INDEX, BLOCKS = CONVT_COPY, CONVT_PERMUTE, CONVT_INDEX, CONVT_BLOCKS


def permuted_lanes(str isa, int size):
    """The length of the vectors that an instruction set permutes; 0 if it does not."""
    cdef const convt_resampling* table = convt_resampling_of(isa_index(isa), size)
    return table.lanes if table.permutes else 0


cdef class Rows:
    """A `plan.Plan` in C."""

    cdef convt_rows p
    cdef object _keep                       # the arrays that p points into
    cdef convt_rows_function run
    cdef int64_t rows                       # that are written
    cdef int64_t chunk                      # rows of one task
    cdef int64_t scratch                    # bytes of each thread
    cdef readonly int64_t tasks
    cdef readonly int64_t nbytes            # of its tables

    def __cinit__(self, plan):
        cdef convt_rows* p = &self.p
        cdef const convt_resampling* table = convt_resampling_of(isa_index(plan.isa), plan.itemsize)
        self._keep = plan
        p.outer, p.inner, p.width, p.add = plan.outer, plan.inner, plan.width, plan.add
        for axis in range(3):
            p.coarse[axis], p.fine[axis], p.scale[axis] = plan.coarse[axis], plan.fine[axis], plan.scale[axis]
        for axis in range(2):
            p.origin[axis], p.box[axis] = plan.origin[axis], plan.box[axis]
            p.low[axis] = <int64_t*>_data(plan.low[axis])
            p.high[axis] = <int64_t*>_data(plan.high[axis])
            p.part[axis] = <double*>_data(plan.part[axis])
            p.start[axis] = <int64_t*>_data(plan.start[axis])
            p.end[axis] = <int64_t*>_data(plan.end[axis])
            p.weight[axis] = <double*>_data(plan.weight[axis])
        for axis in range(3):
            p.reach[axis] = plan.reach[axis]
        p.coarse_first, p.coarse_count, p.fine_first, p.fine_count = plan.columns
        p.how, p.groups, p.plain = plan.how, len(plan.base), plan.plain
        p.at, p.base = <int64_t*>_data(plan.at), <int64_t*>_data(plan.base)
        p.first, p.second, p.keep, p.take = _data(plan.first), _data(plan.second), _data(plan.keep), _data(plan.take)
        p.column_start, p.column_count = <int64_t*>_data(plan.column_start), <int64_t*>_data(plan.column_count)
        p.column_weight = _data(plan.column_weight)
        if plan.function == "interpolate":
            self.run = table.interpolate
        elif plan.function == "repeat":
            self.run = table.repeat
        elif plan.function == "collect":
            self.run = table.collect
        elif plan.function == "nails":
            self.run = table.nails
        else:
            self.run = table.pick
        self.rows, self.chunk, self.scratch, self.nbytes = plan.rows, plan.chunk, plan.scratch, plan.nbytes
        self.tasks = (self.rows + self.chunk - 1) // self.chunk


cdef void* _data(array) noexcept:
    return cnp.PyArray_DATA(<cnp.ndarray>array)


cdef struct Running:                        # one call, as the layer's threads see it
    const convt_rows* p
    convt_rows_function run
    int64_t rows, chunk, bytes              # bytes: of a seat's scratch memory
    const void* x
    void* y
    char* scratch


def run(Rows rows not None, cnp.ndarray array, cnp.ndarray result, int threads):
    """result = the plan's map of array, both contiguous in the plan's order."""
    cdef Running r
    r.p, r.run, r.rows, r.chunk, r.bytes = &rows.p, rows.run, rows.rows, rows.chunk, rows.scratch
    r.x, r.y = cnp.PyArray_DATA(array), cnp.PyArray_DATA(result)
    cdef convt_run on_threads = layer()
    r.scratch = <char*>allocate(threads * r.bytes)
    try:
        with nogil:
            on_threads(&_task, &r, rows.tasks, threads)
    finally:
        release(r.scratch)


cdef int _task(void* running, int64_t task, int seat) noexcept nogil:
    cdef Running* r = <Running*>running
    r.run(r.p, task * r.chunk, min((task + 1) * r.chunk, r.rows), r.x, r.y, r.scratch + seat * r.bytes)
    return 1
