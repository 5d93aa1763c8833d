"""CellsPlan: the cells of a problem, and how lanes and positions are cut into tasks; ``kernels/cells_plan.h`` has the picture.

Sizes follow from the problem and the instruction set, never from the number of threads.
"""

from .._geometry cimport Geometry
from .._job cimport Job
from .._kernels cimport convt_cells_plan, lanes_of, most_rows, widest_within
from .._sizes cimport VAST, aligned, ceil_div, even, floor_div, times
from .._types cimport int64_t

from types import SimpleNamespace

__all__ = ["CellsPlan", "cells_plan"]

cdef enum:
    ROWS = 1024                             # of a block: inputs times cells; their sums start from zero
    PANELS = 256 * 1024                     # bytes of a task's panels, in the L2 cache
    MOST_PANELS = 2 * 1024 * 1024
    SUMS = 512 * 1024                       # bytes of the sums that wait for further blocks
    WAVE = 12 * 1024 * 1024                 # bytes of the packed positions of a wave
    MOST_AT_ONCE = 32                       # CONVT_MAX_PANELS
    TASKS = 16                              # keep some cores busy to the end
    MOST = 24 * 1024 * 1024                 # bytes of scratch memory with one thread


cdef class CellsPlan(Plan):
    """See ``convt_cpu._plan.Plan``; `cells_plan` makes it."""

    @property
    def tables(self):
        """All that ``kernels/cells_plan.h`` names, and the schedule, by name: for tests."""
        cdef convt_cells_plan* p = &self.p
        return SimpleNamespace(
            batch=p.batch, groups=p.groups, inputs=p.inputs, outputs=p.outputs, coarse=p.coarse, fine=p.fine,
            kernel=p.kernel, stride=p.stride, padding=p.padding, taps=p.taps, first=p.first, cells=p.cells,
            positions=p.positions, lanes=p.lanes, unit=p.unit, width=p.width, block=p.block, panels=p.panels,
            tiles=p.tiles, wave=self.wave, parts=self.parts, blocks=self.blocks,
        )


def cells_plan(Job job not None):
    """The plan of scatter.

    None for the other maps, for dilated filters, for strides of 1, and where buffers would grow too large.
    """
    cdef const Geometry* g = &job.g
    cdef int axis
    if not job.scatters or g.stride[0] == g.stride[1] == g.stride[2] == 1:
        return None
    for axis in range(3):
        if g.dilation[axis] > 1 and g.kernel[axis] > 1:
            return None
    cdef CellsPlan plan = CellsPlan(job)
    _cut_cells(plan, g)
    return plan if _schedule(plan) else None


cdef void _cut_cells(CellsPlan plan, const Geometry* g):
    """Where the cells lie that have elements of the fine array, and how many positions and lanes that makes."""
    cdef convt_cells_plan* p = &plan.p
    cdef int axis
    p.batch, p.groups, p.inputs, p.outputs = g.batch, g.groups, g.coarse_channels, g.fine_channels
    p.positions, p.lanes = p.batch, p.outputs
    for axis in range(3):
        p.coarse[axis], p.fine[axis], p.kernel[axis] = g.coarse[axis], g.fine[axis], g.kernel[axis]
        p.stride[axis], p.padding[axis] = g.stride[axis], g.padding[axis]
        p.taps[axis] = ceil_div(p.kernel[axis], p.stride[axis])
        p.first[axis] = floor_div(p.padding[axis], p.stride[axis])
        p.cells[axis] = floor_div(p.fine[axis] + p.padding[axis] - 1, p.stride[axis]) + 1 - p.first[axis]
        p.positions, p.lanes = times(p.positions, p.cells[axis]), times(p.lanes, p.stride[axis])


cdef bint _schedule(CellsPlan plan):
    """Kernels, panels, tiles and waves; False where buffers would grow too large."""
    cdef convt_cells_plan* p = &plan.p
    cdef int64_t size = plan.size, vector = lanes_of(plan.isa, size), taps = p.taps[0] * p.taps[1] * p.taps[2]
    cdef int64_t depth = p.inputs * taps, all_panels, all_tiles, panel, tile, sums, scratch
    if p.positions == VAST or p.lanes == VAST:
        return False
    p.unit = even(p.positions, most_rows(plan.isa))
    p.width = vector * widest_within(plan.isa, p.unit, ceil_div(p.lanes, vector))
    p.block = ceil_div(p.inputs, ceil_div(depth, ROWS))
    all_panels, all_tiles = ceil_div(p.lanes, p.width), ceil_div(p.positions, p.unit)
    panel, tile = times(p.block * taps, p.width * size), times(depth, p.unit * size)        # in bytes
    if panel > MOST_PANELS or tile > WAVE:
        return False
    plan.wave = ceil_div(all_tiles, ceil_div(times(all_tiles, tile), WAVE))
    p.panels = max(1, min(min(PANELS // panel, all_panels // TASKS), MOST_AT_ONCE))
    plan.blocks = ceil_div(all_panels, p.panels)
    sums = p.unit * p.width * size * p.panels
    plan.parts = min(plan.wave, ceil_div(TASKS, plan.blocks))
    if p.block < p.inputs:
        plan.parts = min(plan.wave, max(plan.parts, ceil_div(times(plan.wave, sums), SUMS)))
    p.tiles = ceil_div(plan.wave, plan.parts)
    plan.parts = ceil_div(plan.wave, p.tiles)
    plan.tasks = plan.parts * plan.blocks
    scratch = p.panels * panel + times(sums, p.tiles if p.block < p.inputs else 1)
    if scratch + times(plan.wave, tile) > MOST:
        return False
    plan.tile_size = tile // size
    plan.scratch, plan.shared = aligned(scratch) // size, aligned(plan.wave * tile) // size
    _count(plan, <double>depth * all_panels * p.width, all_tiles)
    return True


cdef void _count(CellsPlan plan, double panels, int64_t all_tiles):
    """What the cost model asks for; there are so many elements in the packed panels of a group."""
    cdef convt_cells_plan* p = &plan.p
    cdef double copied = panels * ceil_div(all_tiles, p.tiles)
    plan.multiply_adds = panels * p.groups * all_tiles * p.unit
    plan.packed = p.groups * (<double>all_tiles * plan.tile_size + copied)
    plan.rows = p.groups * (<double>p.positions * p.lanes + copied) / p.stride[2]
