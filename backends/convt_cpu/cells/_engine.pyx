"""Runs the plans of the cells engine; ``../kernels/cells.h`` has the work of a task."""

from cython.parallel cimport prange, threadid
from libc.stdlib cimport free, malloc
cimport numpy as cnp

from .._kernels cimport kernels_f32, kernels_f64
from .._strides cimport Strides, strides_of
from .._types cimport int64_t, real
from ._plan cimport CellsPlan

cdef struct Call:                           # strides of one call's arrays
    Strides of_input, of_kernel, of_output

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
