"""Runs the functions of ``windows.h`` in parallel, on contiguous arrays."""

cimport numpy as cnp
from libc.stdint cimport int32_t

from .._kernels cimport isa_index
from .._layers cimport layer
from .._memory cimport allocate, release
from .._sizes cimport LINE, VAST, aligned, ceil_div, times
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
        int64_t plane, pixels, block, taps, apart, wide, together, padded, rows, columns
        int64_t tile[3]
        int64_t tiles[3]
        int64_t starts[CONVT_GATHERED]

    ctypedef struct convt_pooling:
        int64_t lanes
        void (*pool)(
            const convt_windows*, int64_t first, int64_t last, const void* fine, void* coarse, int64_t* indices,
            void* scratch) noexcept nogil
        void (*pool_tiles)(
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
    TILE = 1 << 15                          # elements that a tile keeps for each of the first two axes
    LEAST_COLUMNS = 64                      # windows of a tile, if an image has so many
    LEAST_LINES = 4
    OVERHEAD = 24                           # elements: of a row of windows, or a line of channels

cdef double CLEARLY = 2                     # times the cost of the other way: costs are estimates


cdef class Windows:
    """The geometry of one problem, for arrays (outer, z, y, x, inner), of three sizes each.

    Parameters
    ----------
    fine, coarse, size, stride, before : sequence of int
        Of the arrays, the windows, and the padding before the first elements.
    outer, inner : int
    isa : str
        The instruction set.
    itemsize : int
    by_tiles : bool, optional
        Whether `pool` goes by tiles where it can; otherwise the cheaper way is taken.
    """

    cdef convt_windows p
    cdef const convt_pooling* table
    cdef readonly int64_t pool_tasks
    cdef readonly int64_t plane_tasks       # of the others
    cdef readonly bint by_tiles             # whether pool goes by tiles, not by rows
    cdef readonly double cost               # of pool: about what it takes, in elements that are compared one by one
    cdef int64_t rows, chunk, pool_scratch
    cdef bint flat                          # whether there is nothing along the first axis

    def __cinit__(self, fine, coarse, size, stride, before, outer, inner, isa, itemsize, by_tiles=None):
        cdef convt_windows* p = &self.p
        cdef int64_t i
        self.table = convt_pooling_of(isa_index(isa), itemsize)
        fine, coarse, size, stride, before = _merged(fine, coarse, size, stride, before)
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
        self.plane_tasks = p.outer * ((p.inner + p.block - 1) // p.block)
        self._cut_tiles()
        cdef double rows = self._cost_by_rows(), tiles = self._cost_by_tiles()
        cdef bint fits = itemsize > 4 or p.plane < <int64_t>1 << 31
        self.by_tiles = fits and (by_tiles if by_tiles is not None else CLEARLY * tiles < rows)
        self.cost = tiles if self.by_tiles else rows
        if self.by_tiles:
            self._plan_tiles(itemsize)
        else:
            self._plan_rows(itemsize)

    cdef int _plan_rows(self, int64_t itemsize) except -1:
        cdef convt_windows* p = &self.p
        cdef int64_t per_row = times(times(p.fine[2], p.inner), times(min(p.stride[0], p.size[0]), min(p.stride[1], p.size[1])))
        cdef int64_t phases = min(p.stride[2], p.taps), pitch = p.block + SLACK + p.taps // p.stride[2]
        self.chunk = max(1, TASK // max(1, per_row))
        self.pool_tasks = ceil_div(self.rows, self.chunk)
        self.pool_scratch = (3 * (p.block + SLACK) + phases * pitch) * itemsize + 16 * phases if p.inner == 1 else SLACK
        self.pool_scratch = aligned(self.pool_scratch)
        return 0

    cdef int _cut_tiles(self) except -1:
        """As many windows as have elements in common and as there is room for, those of the first axes before those of the last."""
        cdef convt_windows* p = &self.p
        cdef int64_t lanes = self.table.lanes, axis, room, planes
        cdef int64_t[3] common
        p.padded = 1 if p.inner == 1 else lanes
        self.flat = p.fine[0] == 1 and p.size[0] == 1
        for axis in range(3):
            common[axis] = min(p.coarse[axis], (p.size[axis] - 1) // p.stride[axis] + 1)
        p.together = common[2]
        room = (2 * TILE if self.flat else TILE) // p.padded
        planes = 1 if self.flat else min(common[0], TILE) + 2
        p.tile[2] = min(p.coarse[2], max(LEAST_COLUMNS, room // (planes * (min(common[1], TILE) + 2))))
        p.tile[1] = min(common[1], max(LEAST_LINES, room // (p.tile[2] * planes)))
        p.tile[0] = min(common[0], max(1, room // (p.tile[2] * p.tile[1])))
        for axis in range(3):
            p.tiles[axis] = ceil_div(p.coarse[axis], p.tile[axis])
        p.together = min(p.together, p.tile[2])
        return 0

    cdef int _plan_tiles(self, int64_t itemsize) except -1:
        cdef convt_windows* p = &self.p
        cdef int64_t tiles = p.outer * ceil_div(p.inner, p.padded) * p.tiles[0] * p.tiles[1] * p.tiles[2]
        cdef int64_t pitch = p.tile[2] * p.padded + self.table.lanes
        self.rows = tiles
        self.chunk = <int64_t>max(1, min(TASK / max(1, self.cost / tiles), tiles))
        self.pool_tasks = ceil_div(tiles, self.chunk)
        self.pool_scratch = p.tile[0] * p.tile[1] * pitch + 2 * (pitch + p.padded)
        if not self.flat:
            self.pool_scratch += 2 * p.tile[1] * pitch
        self.pool_scratch = aligned(2 * itemsize * self.pool_scratch)
        return 0

    cdef double _cost_by_rows(self):
        """Each window by itself."""
        cdef convt_windows* p = &self.p
        cdef double lanes = self.table.lanes, windows = <double>self.rows
        for axis in range(2):
            windows *= min(p.size[axis], p.fine[axis])
        if p.inner > 1:
            return windows * p.coarse[2] * min(p.size[2], p.fine[2]) * (OVERHEAD / 8.0 + 3.0 * p.inner / lanes)
        cdef double taps = <double>p.size[2] * ((p.coarse[2] + p.block - 1) // p.block)
        cdef double copied = taps * p.block if p.stride[2] > p.size[2] else p.fine[2]
        if p.taps < p.size[2]:
            copied += taps * SLACK / 4      # lines of phases are cleared again and again
        return windows * (2 * taps * ceil_div(p.block, self.table.lanes) + (copied if p.stride[2] > 1 else copied / lanes))

    cdef double _cost_by_tiles(self):
        """Elements in common once for all windows of a tile, the others one after the other."""
        cdef convt_windows* p = &self.p
        cdef double lanes = self.table.lanes, n, common, others, cost
        n = p.together
        others = (n - 1) * min(p.stride[2], p.size[2])
        common = max(0.0, min(p.size[2], p.fine[2]) - others)
        if p.inner == 1:
            cost = common / lanes + (common if common < 16 * lanes else 0) + 4 * others + 2 * n + OVERHEAD
        else:
            cost = (common + 2 * others + n) * (OVERHEAD + 2.0 * p.padded / lanes)
        cost *= <double>p.tile[2] / n       # a line of windows
        for axis in range(1, 0 if self.flat else -1, -1):
            n = p.tile[axis]
            others = (n - 1) * min(p.stride[axis], p.size[axis])
            common = max(0.0, min(p.size[axis], p.fine[axis]) - others)
            merged = 3.0 * p.tile[2] * p.padded * (p.tile[1] if axis == 0 else 1) / lanes + OVERHEAD
            cost = (common + 2 * others) * (cost + merged) + 2 * n * merged
        for axis in range(3):
            cost *= p.tiles[axis]
        return cost * p.outer * ((p.inner + p.padded - 1) // p.padded)


def _merged(fine, coarse, size, stride, before):
    """The same windows as those of fewer axes: windows of whole rows are windows of what the rows come to."""
    stride = [step if count > 1 else window for step, count, window in zip(stride, coarse, size)]
    while (fine[0], fine[1], size[0], size[1]) != (1, 1, 1, 1) and coarse[2] == 1 and size[2] == fine[2] and before[2] == 0:
        row = fine[2]
        if size[1] * row >= VAST:
            break
        fine, coarse = (1, fine[0], fine[1] * row), (1, coarse[0], coarse[1])
        size, stride, before = (1, size[0], size[1] * row), (1, stride[0], stride[1] * row), (0, before[0], before[1] * row)
    return fine, coarse, size, stride, before


cdef struct Running:                        # one call, as the layer's threads see it
    const convt_windows* p
    const convt_pooling* table
    int64_t rows, chunk, segment, bytes     # bytes: of a seat's scratch memory
    int which, by_tiles
    void* a
    void* b
    void* c
    char* scratch


def run(Windows windows not None, str name, cnp.ndarray one, cnp.ndarray two, cnp.ndarray three, int threads):
    """One of pool, pool_backward, unpool and unpool_backward, on its three arrays; whether all given indices were inside."""
    cdef int64_t tasks = windows.pool_tasks if name == "pool" else windows.plane_tasks
    cdef Running r
    r.p, r.table, r.rows, r.chunk = &windows.p, windows.table, windows.rows, windows.chunk
    r.by_tiles = windows.by_tiles
    r.which = ("pool", "pool_backward", "unpool", "unpool_backward").index(name)
    r.segment = min(max(SEGMENT, REMEMBERED // threads), windows.p.plane) if name == "unpool_backward" else 0
    r.bytes = windows.pool_scratch if name == "pool" else max(LINE, r.segment * <int64_t>sizeof(int32_t))
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
        if r.by_tiles:
            r.table.pool_tiles(r.p, task * r.chunk, min((task + 1) * r.chunk, r.rows), r.a, r.b, <int64_t*>r.c, scratch)
        else:
            r.table.pool(r.p, task * r.chunk, min((task + 1) * r.chunk, r.rows), r.a, r.b, <int64_t*>r.c, scratch)
        return 1
    if r.which == 1:
        return r.table.pool_backward(r.p, task, task + 1, r.a, <int64_t*>r.b, r.c, scratch)
    if r.which == 2:
        return r.table.unpool(r.p, task, task + 1, r.a, <int64_t*>r.b, r.c, scratch)
    return r.table.unpool_backward(r.p, task, task + 1, r.a, <int64_t*>r.b, r.c, scratch, r.segment)
