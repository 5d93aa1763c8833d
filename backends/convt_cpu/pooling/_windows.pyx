"""Runs the functions of ``windows.h`` in parallel, on contiguous arrays."""

cimport numpy as cnp
from libc.stdint cimport int32_t

from .._kernels cimport isa_index
from .._layers cimport layer
from .._memory cimport allocate, release
from .._sizes cimport LINE
from .._tasks cimport convt_run
from .._types cimport int64_t

cdef extern from "pooling/pooling.h" nogil:
    enum:
        CONVT_GATHERED

    ctypedef struct convt_windows:
        int64_t outer, inner
        int64_t fine[3]
        int64_t coarse[3]
        int64_t size[3]
        int64_t stride[3]
        int64_t before[3]
        int64_t plane, pixels, block, taps, apart, wide, rows, columns
        int64_t starts[CONVT_GATHERED]

    ctypedef struct convt_pooling:
        void (*pool)(
            const convt_windows*, int64_t first, int64_t last, const void* fine, void* coarse, int64_t* indices,
            void* scratch) noexcept nogil
        int (*pool_backward)(
            const convt_windows*, int64_t first, int64_t last, const void* coarse, const int64_t* indices, void* fine,
            void* scratch) noexcept nogil
        int (*unpool)(
            const convt_windows*, int64_t first, int64_t last, const void* coarse, const int64_t* indices, void* fine,
            void* scratch) noexcept nogil
        int (*unpool_backward)(
            const convt_windows*, int64_t first, int64_t last, const void* fine, const int64_t* indices, void* coarse,
            void* scratch, int64_t segment) noexcept nogil

    const convt_pooling* convt_pooling_of(int isa, int size)

cdef enum:
    WINDOWS = 1024                          # of a row at once
    CHANNELS = 64                           # at once, where they lie together
    PHASES = 1 << 16                        # elements at most of a block's phases, and taps at most that are done at once
    REMEMBERED = 3 << 21                    # fine elements at most whose winners all threads together remember at once, ...
    SEGMENT = 1 << 19                       # ... if those are not fewer for each
    TASK = 1 << 14                          # fine elements of a task of rows
    SLACK = 64                              # elements for the last vectors


cdef class Windows:
    """The geometry of one problem, for arrays (outer, z, y, x, inner)."""

    cdef convt_windows p
    cdef const convt_pooling* table
    cdef readonly int64_t row_tasks         # of pool
    cdef readonly int64_t plane_tasks       # of the others
    cdef int64_t rows, chunk, row_scratch

    def __cinit__(self, fine, coarse, size, stride, before, outer, inner, isa, itemsize):
        cdef convt_windows* p = &self.p
        cdef int64_t i
        self.table = convt_pooling_of(isa_index(isa), itemsize)
        p.outer, p.inner, p.plane, p.pixels, p.apart = outer, inner, 1, 1, 1
        for axis in range(3):
            p.fine[axis], p.coarse[axis], p.size[axis] = fine[axis], coarse[axis], size[axis]
            p.stride[axis], p.before[axis] = stride[axis], before[axis]
            p.plane *= p.fine[axis]
            p.pixels *= p.coarse[axis]
            p.apart &= p.before[axis] == 0 and p.size[axis] <= p.stride[axis]
            p.apart &= (p.coarse[axis] - 1) * p.stride[axis] + p.size[axis] <= p.fine[axis]
        p.wide = (size[0] * fine[1] + size[1]) * fine[2] + size[2] >= 2 ** (31 if itemsize == 4 else 62)
        p.columns = max(1, min(p.coarse[2], CONVT_GATHERED))
        p.rows = max(1, min(p.coarse[1], CONVT_GATHERED // p.columns))
        for i in range(p.rows * p.columns if p.apart else 0):
            p.starts[i] = i // p.columns * p.stride[1] * p.fine[2] + i % p.columns * p.stride[2]
        p.block = min(WINDOWS, p.coarse[2]) if p.inner == 1 else CHANNELS
        p.taps = min(p.size[2], PHASES if p.stride[2] <= PHASES // (p.block + SLACK) else PHASES // (p.block + SLACK))
        self.rows = p.outer * p.coarse[0] * p.coarse[1]
        self.chunk = max(1, TASK // max(1, fine[2] * inner * min(stride[0] * stride[1], size[0] * size[1])))
        self.row_tasks = (self.rows + self.chunk - 1) // self.chunk
        self.plane_tasks = p.outer * ((p.inner + p.block - 1) // p.block)
        phases = min(p.stride[2], p.taps)
        pitch = p.block + SLACK + p.taps // p.stride[2]
        self.row_scratch = (3 * (p.block + SLACK) + phases * pitch) * itemsize + 16 * phases if p.inner == 1 else SLACK
        self.row_scratch = (self.row_scratch + 63) // 64 * 64


cdef struct Running:                        # one call, as the layer's threads see it
    const convt_windows* p
    const convt_pooling* table
    int64_t rows, chunk, segment, bytes     # bytes: of a seat's scratch memory
    int which
    void* a
    void* b
    void* c
    char* scratch


def run(Windows windows not None, str name, cnp.ndarray one, cnp.ndarray two, cnp.ndarray three, int threads):
    """One of pool, pool_backward, unpool and unpool_backward, on its three arrays; whether all given indices were inside."""
    cdef int64_t tasks = windows.row_tasks if name == "pool" else windows.plane_tasks
    cdef Running r
    r.p, r.table, r.rows, r.chunk = &windows.p, windows.table, windows.rows, windows.chunk
    r.which = ("pool", "pool_backward", "unpool", "unpool_backward").index(name)
    r.segment = min(max(SEGMENT, REMEMBERED // threads), windows.p.plane) if name == "unpool_backward" else 0
    r.bytes = windows.row_scratch if name == "pool" else max(LINE, r.segment * <int64_t>sizeof(int32_t))
    r.a, r.b, r.c = cnp.PyArray_DATA(one), cnp.PyArray_DATA(two), cnp.PyArray_DATA(three)
    cdef convt_run on_threads = layer()
    r.scratch = <char*>allocate(threads * r.bytes)
    cdef bint inside
    try:
        with nogil:
            inside = on_threads(&_task, &r, tasks, threads)
    finally:
        release(r.scratch)
    return inside


cdef int _task(void* running, int64_t task, int seat) noexcept nogil:
    cdef Running* r = <Running*>running
    cdef void* scratch = r.scratch + seat * r.bytes
    if r.which == 0:
        r.table.pool(r.p, task * r.chunk, min((task + 1) * r.chunk, r.rows), r.a, r.b, <int64_t*>r.c, scratch)
        return 1
    if r.which == 1:
        return r.table.pool_backward(r.p, task, task + 1, r.a, <int64_t*>r.b, r.c, scratch)
    if r.which == 2:
        return r.table.unpool(r.p, task, task + 1, r.a, <int64_t*>r.b, r.c, scratch)
    return r.table.unpool_backward(r.p, task, task + 1, r.a, <int64_t*>r.b, r.c, scratch, r.segment)
