"""Plans of upsampling, and their run over all rows in parallel.

Rows are cut into blocks of columns, so that tables and scratch memory stay small however long rows are. What a block needs
is the same for all that lie alike among the coarse elements: tables of three blocks are enough for any number of them. Where
no two lie alike, the tables of all are kept if they are few, else each task makes its own.
"""

from libc.string cimport memset

cimport numpy as cnp

from .._kernels cimport isa_index
from .._layers cimport layer
from .._memory cimport allocate, release
from .._sizes cimport aligned, ceil_div, times
from .._tasks cimport convt_run
from .._types cimport int64_t

__all__ = ["Rows", "run"]

cdef extern from "resampling/resampling.h" nogil:
    enum:
        CONVT_INTERPOLATE
        CONVT_REPEAT
        CONVT_COLLECT
        CONVT_NAILS
        CONVT_PICK

    ctypedef struct convt_columns:
        int64_t how

    ctypedef struct convt_rows:
        int64_t function, plain
        int64_t outer, inner, width
        int64_t coarse[3]
        int64_t fine[3]
        int64_t scale[3]
        int64_t step[3]
        int64_t offset[3]
        int64_t divisor[3]
        int64_t rows, chunk
        int64_t blocks, block
        int64_t most
        int64_t own
        int64_t tables
        convt_columns* columns

    ctypedef struct convt_resampling:
        int64_t lanes
        int (*find)(const convt_rows*, int64_t block, int64_t piece, convt_columns*, void* memory) noexcept nogil
        int64_t (*pack)(const convt_rows*, convt_columns*, void* memory) noexcept nogil
        void (*run)(const convt_rows*, int64_t task, const void* inp, void* out, void* memory) noexcept nogil

    const convt_resampling* convt_resampling_of(int isa, int size)

cdef enum:
    BLOCK = 1 << 13                         # fine elements of a row that are done with one set of tables
    WIDTH = 1 << 10                         # elements of `inner` that are done at once
    TASK = 1 << 14                          # fine elements of a task
    MADE_FOR = 16                           # rows at least, where there are so many, of a task that makes tables of its own
    KEPT = 1 << 22                          # bytes of tables that are kept, where those of three blocks are not enough

_FUNCTIONS = {
    "bilinear": (CONVT_INTERPOLATE, CONVT_COLLECT),
    "nearest": (CONVT_REPEAT, CONVT_COLLECT),
    "bed_of_nails": (CONVT_NAILS, CONVT_PICK),
}


cdef class Rows:
    """The plan of one map, for arrays (outer, *size, inner) of three spatial axes and `scale` times that.

    Parameters
    ----------
    size, scale : tuple of int
    mode, align_corners, backward
        The map.
    outer, inner : int
    isa : str
        The instruction set.
    itemsize : int
    block, width : int, optional
        Elements of a row, and of `inner`, that are done at once.
    """

    cdef convt_rows p
    cdef const convt_resampling* functions
    cdef void** memory                      # of each block's tables
    cdef readonly int64_t tasks
    cdef readonly int64_t scratch           # bytes of each thread
    cdef readonly int64_t nbytes            # of the tables

    def __cinit__(
        self, size, scale, str mode not None, bint align_corners, bint backward, outer, inner, str isa not None, int itemsize,
        int64_t block=BLOCK, int64_t width=WIDTH,
    ):
        cdef convt_rows* p = &self.p
        cdef int axis, last = 2
        self.functions = convt_resampling_of(isa_index(isa), itemsize)
        memset(p, 0, sizeof(convt_rows))
        while last > 0 and size[last] == 1 and scale[last] == 1:
            last -= 1                       # axes where nothing happens go in front
        for axis in range(3):
            p.coarse[axis] = size[axis - 2 + last] if axis >= 2 - last else 1
            p.scale[axis] = scale[axis - 2 + last] if axis >= 2 - last else 1
            p.fine[axis] = p.coarse[axis] * p.scale[axis]
        p.function, p.plain, p.outer, p.inner = _FUNCTIONS[mode][backward], mode != "bilinear", outer, inner
        for axis in range(3):
            if p.plain:
                p.step[axis], p.offset[axis], p.divisor[axis] = 1, 0, p.scale[axis]
            elif align_corners:
                p.step[axis], p.offset[axis], p.divisor[axis] = p.coarse[axis] - 1, 0, max(p.fine[axis] - 1, 1)
            else:
                p.step[axis], p.offset[axis], p.divisor[axis] = 2, 1 - p.scale[axis], 2 * p.scale[axis]
        self._cut(block, width, itemsize)
        cdef bint alike = p.plain or not align_corners
        if p.scale[2] == 1 or p.function in (CONVT_NAILS, CONVT_PICK):
            self.scratch -= p.own           # no tables
            p.own = 0
        elif p.scale[2] <= p.most and (alike or times(p.blocks, p.own) <= KEPT):
            self._keep_tables(alike)
        else:
            p.chunk = max(p.chunk, min(p.rows, MADE_FOR))
        self.tasks = p.blocks * ceil_div(p.rows, p.chunk)

    cdef int _cut(self, int64_t block, int64_t width, int itemsize) except -1:
        """Into blocks of columns, and tasks; and the memory that those take."""
        cdef convt_rows* p = &self.p
        cdef bint coarse = p.function in (CONVT_COLLECT, CONVT_PICK), collects = p.function == CONVT_COLLECT
        cdef int64_t scale = p.scale[2], per_row, columns, entries
        p.width = min(p.inner, width)
        p.most = max(1, block // p.width)
        if coarse:
            p.block = max(1, p.most // scale)
        else:
            p.block = p.most // scale * scale if scale <= p.most else p.most
        p.blocks = ceil_div(p.coarse[2] if coarse else p.fine[2], p.block)
        p.rows = p.outer * (p.coarse[0] * p.coarse[1] if coarse else p.fine[0] * p.fine[1])
        columns = min(p.block, p.coarse[2] if coarse else p.fine[2])
        per_row = columns * p.inner
        if coarse:
            per_row = times(per_row, scale * p.scale[0] * p.scale[1])
        p.chunk = max(1, min(p.rows, TASK // max(1, per_row)))
        if collects:
            columns = p.most if scale > p.most else min(p.fine[2], (2 * p.block + 2) * scale)
            entries = p.block * min(p.fine[2], 3 * scale) if scale <= p.most else columns
            p.own = aligned(16 * (p.block + columns) + entries * itemsize)
        else:
            entries = columns * (p.inner if p.inner <= max(self.functions.lanes, 4) // 2 else 1)
            p.own = aligned(8 * columns + entries * (16 + 2 * itemsize))
            columns = min(p.coarse[2], columns // scale + 3)
        self.scratch = p.own + aligned(columns * p.width * itemsize + 128)
        return 0

    cdef int _keep_tables(self, bint alike) except -1:
        """Of all blocks; where they lie alike, of the first, the second and the last."""
        cdef convt_rows* p = &self.p
        cdef int64_t tables = min(p.blocks, 3) if alike else p.blocks, i
        cdef char* temporary
        p.columns = <convt_columns*>allocate(tables * sizeof(convt_columns))
        self.memory = <void**>allocate(tables * sizeof(void*))
        temporary = <char*>allocate(p.own)
        try:
            for i in range(tables):
                self._keep_table(i, p.blocks - 1 if i == 2 and alike else i, temporary)
        finally:
            release(temporary)
        self.scratch -= p.own
        p.own = 0
        return 0

    cdef int _keep_table(self, int64_t i, int64_t block, void* temporary) except -1:
        cdef convt_columns* columns = &self.p.columns[i]
        cdef int64_t size
        self.functions.find(&self.p, block, 0, columns, temporary)
        size = self.functions.pack(&self.p, columns, NULL)
        self.memory[i] = allocate(size)
        self.p.tables = i + 1
        self.functions.pack(&self.p, columns, self.memory[i])
        self.nbytes += size + sizeof(convt_columns)
        return 0

    def __dealloc__(self):
        cdef int64_t i
        for i in range(self.p.tables):
            release(self.memory[i])
        release(self.memory)
        release(self.p.columns)

    @property
    def tables(self):
        """How many blocks have tables that are kept."""
        return self.p.tables

    @property
    def blocks(self):
        """Of the columns."""
        return self.p.blocks


cdef struct Running:                        # one call, as the layer's threads see it
    const convt_rows* p
    const convt_resampling* functions
    int64_t bytes                           # of a seat's scratch memory
    const void* x
    void* y
    char* scratch


def run(Rows rows not None, cnp.ndarray array, cnp.ndarray result, int threads):
    """result = the plan's map of array, both contiguous in the plan's order."""
    cdef Running r
    r.p, r.functions, r.bytes = &rows.p, rows.functions, rows.scratch
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
    r.functions.run(r.p, task, r.x, r.y, r.scratch + seat * r.bytes)
    return 1
