"""Runs the plans of the cells engine; ``../kernels/cells.h`` has the work of a task."""

from cython.parallel cimport prange, threadid
from libc.stdlib cimport free, malloc
cimport numpy as cnp

from .._kernels cimport convt_cells_plan, isa_index, kernels_f32, kernels_f64
from .._strides cimport Strides, strides_of
from .._types cimport int64_t, real

cdef struct Call:                           # strides of one call's arrays
    Strides of_input, of_kernel, of_output

cdef class CellsPlan:
    """A `cells.plan.Tables` in C, with the instruction set that runs it."""

    cdef convt_cells_plan p
    cdef readonly object tables
    cdef tuple order
    cdef int isa
    cdef int64_t size                       # of an element, in bytes
    cdef int64_t wave, parts, blocks        # tiles that are packed together; tasks of a wave along positions and lanes
    cdef readonly int64_t tasks             # that can run at once
    cdef readonly object multiply_adds      # of all tiles and panels, padded ones included
    cdef int64_t tile_size                  # of a packed tile of positions, in elements
    cdef int64_t scratch, shared            # in elements: of one thread, of all

    def __cinit__(self, tables):
        cdef convt_cells_plan* p = &self.p
        self.tables = tables
        self.order = tables.order
        self.isa = isa_index(tables.isa)
        self.size = tables.size
        p.batch, p.groups, p.inputs, p.outputs = tables.batch, tables.groups, tables.inputs, tables.outputs
        for axis in range(3):
            p.coarse[axis], p.fine[axis], p.kernel[axis] = tables.coarse[axis], tables.fine[axis], tables.kernel[axis]
            p.stride[axis], p.padding[axis], p.taps[axis] = tables.stride[axis], tables.padding[axis], tables.taps[axis]
            p.first[axis], p.cells[axis] = tables.first[axis], tables.cells[axis]
        p.positions, p.lanes, p.unit, p.width = tables.positions, tables.lanes, tables.unit, tables.width
        p.block, p.panels, p.tiles = tables.block, tables.panels, tables.tiles
        self.wave, self.parts, self.blocks = tables.wave, tables.parts, tables.blocks
        self.tasks = self.parts * self.blocks
        self.multiply_adds = tables.multiply_adds
        self.tile_size = p.inputs * p.taps[0] * p.taps[1] * p.taps[2] * p.unit
        self.scratch = tables.scratch // self.size
        self.shared = tables.shared // self.size

    @property
    def scratch_bytes(self):
        """Of one thread."""
        return self.scratch * self.size

    @property
    def shared_bytes(self):
        """Of all threads together."""
        return self.shared * self.size


def run(CellsPlan plan not None, cnp.ndarray array, cnp.ndarray kernel, bias, cnp.ndarray result, int threads):
    """result = the scatter of array by kernel, plus bias. False if an element of either is not finite.

    Such an element would meet zeros of the other, where the definition has no term at all.
    """
    if plan.size == 4:
        return _run[float](plan, array, kernel, bias, result, threads, NULL)
    return _run[double](plan, array, kernel, bias, result, threads, NULL)


cdef bint _run(
    CellsPlan plan, cnp.ndarray array, cnp.ndarray kernel, cnp.ndarray bias, cnp.ndarray result, int threads, real* typed
) except -1:
    cdef Call call
    call.of_input, call.of_output = strides_of(array, plan.order), strides_of(result, plan.order)
    call.of_kernel = strides_of(kernel, plan.order)
    cdef real* x = <real*>cnp.PyArray_DATA(array)
    cdef real* k = <real*>cnp.PyArray_DATA(kernel)
    cdef real* b = <real*>cnp.PyArray_DATA(bias) if bias is not None else NULL
    cdef real* y = <real*>cnp.PyArray_DATA(result)
    cdef int64_t elements = plan.shared + threads * plan.scratch
    cdef real* scratch = <real*>malloc(elements * sizeof(real))
    cdef bint finite
    if scratch == NULL:
        raise MemoryError(f"cannot allocate {elements * sizeof(real)} bytes of scratch memory")
    with nogil:
        finite = _waves(plan, &call, x, k, b, y, scratch, threads)
    free(scratch)
    return finite


cdef bint _waves(
    CellsPlan plan, const Call* call, const real* x, const real* k, const real* b, real* y, real* scratch, int threads
) noexcept nogil:
    """Wave by wave, pack some tiles of all groups' positions; then each task is some panels of lanes at some of the tiles."""
    cdef real* own = scratch + plan.shared
    cdef int64_t group, first, tiles, task, bad = 0
    cdef int64_t all_tiles = (plan.p.positions + plan.p.unit - 1) // plan.p.unit
    for group in range(plan.p.groups):
        first = 0
        while first < all_tiles and not bad:
            tiles = min(plan.wave, all_tiles - first)
            for task in prange(tiles, schedule="dynamic", chunksize=1, num_threads=threads):
                bad += not _rows(plan, group, first + task, call, x, scratch + task * plan.tile_size)
            for task in prange(plan.parts * plan.blocks, schedule="dynamic", chunksize=1, num_threads=threads):
                bad += not _task(
                    plan, group, task, first, tiles, call, scratch, k, b, y, own + threadid() * plan.scratch
                )
            first += tiles
    return not bad


cdef inline bint _rows(
    CellsPlan plan, int64_t group, int64_t tile, const Call* call, const real* x, real* rows
) noexcept nogil:
    if real is float:
        return kernels_f32(plan.isa).cells_rows(&plan.p, group, tile, x, &call.of_input, rows)
    else:
        return kernels_f64(plan.isa).cells_rows(&plan.p, group, tile, x, &call.of_input, rows)


cdef inline bint _task(
    CellsPlan plan, int64_t group, int64_t task, int64_t first, int64_t tiles, const Call* call, const real* rows,
    const real* k, const real* b, real* y, real* scratch,
) noexcept nogil:
    """Some panels at some of the wave's `tiles` tiles, which start with `first`."""
    cdef int64_t panel = task // plan.parts * plan.p.panels * plan.p.width, tile = task % plan.parts * plan.p.tiles
    tiles = min(plan.p.tiles, tiles - tile)
    if tiles <= 0:
        return True
    rows += tile * plan.tile_size
    k += group * plan.p.inputs * call.of_kernel.outer
    if real is float:
        return kernels_f32(plan.isa).cells(
            &plan.p, group, panel, first + tile, tiles, rows, k, call.of_kernel.outer, call.of_kernel.channel,
            &call.of_kernel, b, y, &call.of_output, scratch
        )
    else:
        return kernels_f64(plan.isa).cells(
            &plan.p, group, panel, first + tile, tiles, rows, k, call.of_kernel.outer, call.of_kernel.channel,
            &call.of_kernel, b, y, &call.of_output, scratch
        )
