"""CellsPlan: the cells of a problem, and how lanes and positions are cut into tasks; ``plan.h`` has the picture."""

from .._cost cimport cycles_of, words
from .._geometry cimport Geometry
from .._job cimport Job
from .._kernels cimport lanes_of, most_rows, stage, widest_within
from .._plan cimport REPEATS
from .._sizes cimport VAST, ceil_div, even, floor_div, times
from .._types cimport int64_t
from ..machine._record cimport convt_machine, share, usable_l2

from types import SimpleNamespace

__all__ = ["CellsPlan", "cells_plan", "cells_suits"]

cdef enum:                                  # the same on every machine
    ROWS = 1024                             # of a block: inputs times cells; their sums start from zero
    MOST_PANELS = 2 * 1024 * 1024           # bytes of a task's panels
    WAVE = 12 * 1024 * 1024                 # bytes of the packed positions of a wave
    PARTS = 16                              # of all panels and positions: more would pack and read the same again
    TASKS = 64                              # keep many cores busy
    MOST = 24 * 1024 * 1024                 # bytes of scratch memory with one thread
    STRIDE = 4                              # along some axis, that makes rows of cells worth writing

cdef struct Caches:                         # bytes; `_caches` says of what
    int64_t panels, sums


cdef Caches _caches(const convt_machine* m) noexcept:
    """What a task keeps in the L2 cache of its core, in bytes."""
    cdef int64_t l2 = usable_l2(m)
    cdef Caches c
    c.panels = share(l2, 1, 4)              # a task's panels, if they are several
    c.sums = share(l2, 1, 2)                # the sums that wait for further blocks
    return c


cdef double PACKED = 0.5                    # cycles for an element that is packed in rows
cdef double ROW = 10.0                      # for each row of a cell

cdef int ROWS_STAGE = stage("cells_rows"), PANELS_STAGE = stage("cells_panels")


cdef class CellsPlan(Plan):
    """See ``convt_cpu._plan.Plan``; `cells_plan` makes it."""

    @property
    def tables(self):
        """All that ``plan.h`` names, by name: for tests."""
        return SimpleNamespace(**{**self.p.g, **self.p})


def cells_suits(Job job not None):
    """Whether this is a scatter whose cells have long rows."""
    return job.scatters and max(job.g.stride[0], job.g.stride[1], job.g.stride[2]) >= STRIDE


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
    plan.geometry = &plan.p
    _cut_cells(plan, g)
    plan.exact = plan.p.full
    if not _schedule(plan, _caches(&job.machine)):
        return None
    _list_stages(plan, job)
    return plan


cdef void _cut_cells(CellsPlan plan, const Geometry* g):
    """Where the cells lie that have elements of the fine array, and how many positions and lanes that makes."""
    cdef convt_cells_plan* p = &plan.p
    cdef int axis
    p.g, p.inputs, p.outputs = g[0], g.coarse_channels, g.fine_channels
    p.positions, p.lanes = g.batch, p.outputs
    for axis in range(3):
        p.taps[axis] = ceil_div(g.kernel[axis], g.stride[axis])
        p.first[axis] = floor_div(g.padding[axis], g.stride[axis])
        p.cells[axis] = floor_div(g.fine[axis] + g.padding[axis] - 1, g.stride[axis]) + 1 - p.first[axis]
        p.positions, p.lanes = times(p.positions, p.cells[axis]), times(p.lanes, g.stride[axis])
    p.full = g.kernel[0] % g.stride[0] == g.kernel[1] % g.stride[1] == g.kernel[2] % g.stride[2] == 0


cdef bint _schedule(CellsPlan plan, Caches caches):
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
    p.waves.wave = ceil_div(all_tiles, ceil_div(times(all_tiles, tile), WAVE))
    p.waves.groups = max(1, min(p.g.groups, WAVE // times(all_tiles, tile))) if p.waves.wave == all_tiles else 1
    p.panels = max(1, min(min(caches.panels // panel, all_panels * p.waves.groups // PARTS), CONVT_MAX_PANELS))
    sums = p.unit * p.width * size * p.panels
    p.parts = min(p.waves.wave, ceil_div(PARTS, ceil_div(all_panels, p.panels) * p.waves.groups))
    if p.block < p.inputs:
        p.parts = min(p.waves.wave, max(p.parts, ceil_div(times(p.waves.wave, sums), caches.sums)))
    p.tiles = ceil_div(p.waves.wave, p.parts)
    p.parts = ceil_div(p.waves.wave, p.tiles)
    p.pieces = min(p.tiles, ceil_div(TASKS, p.waves.groups * p.parts * all_panels))
    scratch = p.panels * panel + times(sums, p.tiles if p.block < p.inputs else 1)
    if scratch + times(p.waves.wave * p.waves.groups, tile) > MOST:
        return False
    p.tile_size = tile // size
    plan.scratch, plan.shared = scratch // size, p.waves.wave * p.waves.groups * p.tile_size
    return True


cdef int _list_stages(CellsPlan plan, Job job) except -1:
    """The schedule as stages, and what each costs."""
    cdef convt_cells_plan* p = &plan.p
    cdef int64_t all_tiles = ceil_div(p.positions, p.unit)
    cdef double taps = p.taps[0] * p.taps[1] * p.taps[2], panels = taps * p.inputs * (ceil_div(p.lanes, p.width) * p.width)
    cdef double copied = panels * ceil_div(all_tiles, p.tiles)
    cdef double rows = (<double>p.positions * p.lanes + copied) / p.g.stride[2]
    plan.multiply_adds = panels * p.g.groups * all_tiles * p.unit
    plan.rounds = ceil_div(p.g.groups, p.waves.groups) * ceil_div(all_tiles, p.waves.wave)
    cdef double packed = <double>p.g.groups * all_tiles * p.tile_size * PACKED * words(job)
    plan.add(ROWS_STAGE, p.waves.groups * p.waves.wave, packed, REPEATS)
    cdef double moved = p.g.groups * (copied * PACKED + rows * ROW) * words(job)
    cdef double cycles = cycles_of(plan.multiply_adds, job) + moved
    cdef int64_t tasks = p.waves.groups * p.parts * ceil_div(p.lanes, p.width) * p.pieces
    plan.add(PANELS_STAGE, tasks, cycles, REPEATS, p.panels * p.pieces)
    plan.starts(0, taps * p.inputs * p.width * (PACKED + ROW / p.g.stride[2]) * words(job), p.pieces)
    return 0
