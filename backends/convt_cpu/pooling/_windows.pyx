"""Runs the functions of ``windows.h`` in parallel, on contiguous arrays."""

from cython.parallel cimport prange, threadid
from libc.stdlib cimport free, malloc
cimport numpy as cnp

from .._kernels cimport isa_index
from .._types cimport int64_t

cdef extern from "pooling/pooling.h" nogil:
    ctypedef struct convt_windows:
        int64_t outer, inner
        int64_t fine[3]
        int64_t coarse[3]
        int64_t size[3]
        int64_t stride[3]
        int64_t before[3]
        int64_t plane, pixels, block, segment

    ctypedef struct convt_pooling:
        void (*pool)(
            const convt_windows*, int64_t first, int64_t last, const void* fine, void* coarse, int64_t* indices,
            void* scratch) noexcept nogil
        void (*pool_backward)(
            const convt_windows*, int64_t first, int64_t last, const void* coarse, const int64_t* indices, void* fine,
            void* scratch) noexcept nogil
        void (*unpool)(
            const convt_windows*, int64_t first, int64_t last, const void* coarse, const int64_t* indices, void* fine,
            void* scratch) noexcept nogil
        void (*unpool_backward)(
            const convt_windows*, int64_t first, int64_t last, const void* fine, const int64_t* indices, void* coarse,
            void* scratch) noexcept nogil
        int (*inside)(const convt_windows*, int64_t count, const int64_t* indices) noexcept nogil

    const convt_pooling* convt_pooling_of(int isa, int size)

cdef enum:
    WINDOWS = 1024                          # of a row at once
    CHANNELS = 64                           # at once, where they lie together
    SEGMENT = 1 << 21                       # fine elements whose winners are remembered at once
    TASK = 1 << 14                          # fine elements of a task of rows, indices of a task that checks them
    SLACK = 64                              # elements for the last vectors


cdef class Windows:
    """The geometry of one problem, for arrays (outer, z, y, x, inner)."""

    cdef convt_windows p
    cdef const convt_pooling* table
    cdef readonly int64_t row_tasks         # of pool
    cdef readonly int64_t plane_tasks       # of the others
    cdef int64_t rows, chunk, row_scratch, plane_scratch

    def __cinit__(self, fine, coarse, size, stride, before, outer, inner, isa, itemsize):
        cdef convt_windows* p = &self.p
        self.table = convt_pooling_of(isa_index(isa), itemsize)
        p.outer, p.inner, p.plane, p.pixels = outer, inner, 1, 1
        for axis in range(3):
            p.fine[axis], p.coarse[axis], p.size[axis] = fine[axis], coarse[axis], size[axis]
            p.stride[axis], p.before[axis] = stride[axis], before[axis]
            p.plane *= p.fine[axis]
            p.pixels *= p.coarse[axis]
        p.block = min(WINDOWS, p.coarse[2]) if p.inner == 1 else CHANNELS
        p.segment = min(SEGMENT, p.plane)
        self.rows = p.outer * p.coarse[0] * p.coarse[1]
        self.chunk = max(1, TASK // (p.fine[2] * p.inner * min(p.stride[0] * p.stride[1], p.size[0] * p.size[1])))
        self.row_tasks = (self.rows + self.chunk - 1) // self.chunk
        self.plane_tasks = p.outer * ((p.inner + p.block - 1) // p.block)
        phases = min(p.stride[2], p.size[2])
        pitch = p.block + SLACK + p.size[2] // p.stride[2]
        self.row_scratch = (3 * (p.block + SLACK) + phases * pitch) * itemsize + 16 * phases if p.inner == 1 else SLACK
        self.row_scratch = (self.row_scratch + 63) // 64 * 64
        self.plane_scratch = p.segment * 4


def run(Windows windows not None, str name, cnp.ndarray one, cnp.ndarray two, cnp.ndarray three, int threads):
    """One of pool, pool_backward, unpool and unpool_backward, on its three arrays."""
    cdef bint rows = name == "pool"
    cdef int64_t bytes = windows.row_scratch if rows else windows.plane_scratch
    cdef int64_t tasks = windows.row_tasks if rows else windows.plane_tasks, task
    cdef int which = ("pool", "pool_backward", "unpool", "unpool_backward").index(name)
    cdef void* a = cnp.PyArray_DATA(one)
    cdef void* b = cnp.PyArray_DATA(two)
    cdef void* c = cnp.PyArray_DATA(three)
    cdef char* scratch = <char*>malloc(threads * bytes)
    if scratch == NULL:
        raise MemoryError(f"cannot allocate {threads * bytes} bytes of scratch memory")
    with nogil:
        for task in prange(tasks, schedule="static", num_threads=threads):
            _task(windows, which, task, a, b, c, scratch + threadid() * bytes)
    free(scratch)


cdef inline void _task(Windows w, int which, int64_t task, void* a, void* b, void* c, void* scratch) noexcept nogil:
    if which == 0:
        w.table.pool(&w.p, task * w.chunk, min((task + 1) * w.chunk, w.rows), a, b, <int64_t*>c, scratch)
    elif which == 1:
        w.table.pool_backward(&w.p, task, task + 1, a, <int64_t*>b, c, scratch)
    elif which == 2:
        w.table.unpool(&w.p, task, task + 1, a, <int64_t*>b, c, scratch)
    else:
        w.table.unpool_backward(&w.p, task, task + 1, a, <int64_t*>b, c, scratch)


def inside(Windows windows not None, cnp.ndarray indices, int threads):
    """Whether all indices of a contiguous array are those of fine elements."""
    cdef const int64_t* first = <const int64_t*>cnp.PyArray_DATA(indices)
    cdef int64_t count = cnp.PyArray_SIZE(indices), task, outside = 0
    with nogil:
        for task in prange((count + TASK - 1) // TASK, schedule="static", num_threads=threads):
            outside += not windows.table.inside(&windows.p, min(TASK, count - task * TASK), first + task * TASK)
    return outside == 0
