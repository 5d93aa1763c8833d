"""CorrelatePlan: one filter gradient, ready to run, and what it costs.

``plan.h`` says what packed positions and runs are. `_shape.pxd` cuts outer products into kernels,
`_layout.pxd` knows the sizes of the buffers, `_schedule.pxd` cuts the positions into strips and the kernel into blocks; here
they become a plan, in the time of a few microseconds: every new shape waits for it.
"""

from .._cost cimport chunks_of, vectors_per_cycle
from .._geometry cimport Geometry, weights_of
from .._job cimport Job
from .._kernels cimport CONVT_ADDED, CONVT_CHUNK, lanes_of, stage
from .._plan cimport REPEATS
from .._sizes cimport ceil_div, even
from .._types cimport int64_t
from ._layout cimport Layout, axis_of, caches_of, coarse_pitch, packed_coarse, packed_fine, sums_of
from ._schedule cimport MUCH, Schedule, schedule
from ._shape cimport Sides, best_shape

from types import SimpleNamespace

__all__ = ["CorrelatePlan", "correlate_plan"]

cdef enum:                                  # the same on every machine
    FEWEST = 64                             # positions of a chunk
    MOST = 24 * 1024 * 1024                 # bytes of scratch memory with one thread
    TASKS = 64                              # keep many cores busy
    PIECES = 16                             # in which a block of a strip is packed, at most

cdef double SUMMED = 1.8                    # time of a kernel, relative to what it would take with all operands in L1
cdef double COARSE = 0.8                    # cycles for a packed element
cdef double FINE = 2.0
cdef double WRITTEN = 3.2                   # cycles for an element of the kernel, each time it is written
cdef double ADDED = 0.25                    # cycles for an element of the sums of a further task

cdef int SPLITS_STAGE = stage("correlate_splits"), TOTALS_STAGE = stage("correlate_totals")
cdef int TAPS_STAGE = stage("correlate_taps")
cdef int PACK_STAGE = stage("correlate_pack"), BLOCKS_STAGE = stage("correlate_blocks")


cdef class CorrelatePlan(Plan):
    """See ``convt_cpu._plan.Plan``; `correlate_plan` makes it."""

    @property
    def tables(self):
        """All that ``plan.h`` names, and the schedule, by name: for tests."""
        return SimpleNamespace(**self.p, together=self.together)


def correlate_plan(Job job not None):
    """The plan of a filter gradient; None for another map or where buffers would grow too large."""
    cdef const Geometry* g = &job.g
    if not job.correlates or g.batch == 0:
        return None
    cdef Layout l = _layout(job)
    cdef int64_t[4] one = [1, 1, 1, 1]
    if packed_fine(&l, one) > MOST:
        return None
    cdef CorrelatePlan plan = CorrelatePlan(job)
    plan.geometry = &plan.p
    plan.multiply_adds = <double>l.all_positions * weights_of(g)
    cdef Schedule cut = schedule(&l, g.groups, plan.multiply_adds > MUCH)
    if cut.scratch + cut.shared > MOST:
        return None
    _copy_geometry(plan, g, &l)
    _copy_schedule(plan, &l, &cut)
    _list_stages(plan, &l)
    return plan


cdef Layout _layout(Job job):
    """One group's positions and runs, and the kernels for them."""
    cdef const Geometry* g = &job.g
    cdef Layout l
    cdef Sides sides
    cdef int axis
    l.coarse, l.size, l.lanes = g.coarse_channels, g.size, lanes_of(job.isa, g.size)
    l.caches = caches_of(&job.machine)
    l.positions[0] = g.batch
    for axis in range(3):
        l.axes[axis] = axis_of(g.coarse[axis], g.kernel[axis], g.stride[axis], g.dilation[axis])
        l.positions[axis + 1] = g.coarse[axis]
    l.all_positions = l.positions[0] * l.positions[1] * l.positions[2] * l.positions[3]
    l.run = l.axes[2].kernel if l.axes[2].dilation == 1 else 1
    l.runs = g.taps // l.run
    sides.coarse, sides.fine, sides.run, sides.lanes, sides.isa = g.coarse_channels, g.fine_channels, l.run, l.lanes, job.isa
    sides.at_once = vectors_per_cycle(job)
    l.shape = best_shape(&sides)
    l.blocks = ceil_div(g.fine_channels, l.shape.fine_block)
    return l


cdef void _copy_geometry(CorrelatePlan plan, const Geometry* g, const Layout* l):
    cdef convt_correlate_plan* p = &plan.p
    cdef int axis
    p.batch, p.groups, p.coarse, p.fine = g.batch, g.groups, g.coarse_channels, g.fine_channels
    for axis in range(3):
        p.coarse_size[axis], p.fine_size[axis], p.padding[axis] = g.coarse[axis], g.fine[axis], g.padding[axis]
        p.kernel[axis], p.stride[axis] = l.axes[axis].kernel, l.axes[axis].stride
        p.dilation[axis], p.step[axis] = l.axes[axis].dilation, l.axes[axis].step
    p.run, p.runs, p.fine_block, p.fine_lanes = l.run, l.runs, l.shape.fine_block, l.shape.fine_lanes
    p.unit, p.tile = l.shape.unit, l.shape.tile
    p.blocks = l.blocks


cdef void _copy_schedule(CorrelatePlan plan, const Layout* l, const Schedule* cut):
    cdef convt_correlate_plan* p = &plan.p
    cdef int axis
    cdef int64_t rows = l.coarse if l.shape.fine_lanes else l.run * l.shape.fine_block
    p.all_strips = 1
    for axis in range(4):
        p.count[axis], p.strips[axis] = cut.count[axis], ceil_div(l.positions[axis], cut.count[axis])
        p.all_strips *= p.strips[axis]
    p.coarse_pitch = coarse_pitch(l, cut.block_coarse)
    p.chunk = CONVT_CHUNK
    if rows > l.shape.unit:                 # then several kernels read the same vectors
        p.chunk = min(CONVT_CHUNK, max(FEWEST, l.caches.near // (l.shape.tile * l.lanes * l.size)))
    p.block_coarse, p.block_runs = cut.block_coarse, cut.block_runs
    plan.together, p.splits, p.wave, p.round_groups = cut.together, cut.splits, cut.wave, cut.groups
    p.cuts = ceil_div(p.blocks, even(p.blocks, max(1, p.blocks * p.splits * p.round_groups // TASKS)))
    p.coarse_blocks, p.run_blocks = ceil_div(p.coarse, p.block_coarse), ceil_div(p.runs, p.block_runs)
    p.of_coarse = packed_coarse(l, cut.count, cut.block_coarse) // l.size
    p.of_fine = packed_fine(l, cut.count) // l.size
    p.of_sums = sums_of(l, cut.block_coarse, cut.block_runs) // l.size
    p.pieces = max(1, min(PIECES, ceil_div(TASKS, p.round_groups * (p.wave + p.coarse_blocks))))
    plan.scratch, plan.shared = cut.scratch // l.size, cut.shared // l.size


cdef int _list_stages(CorrelatePlan plan, const Layout* l) except -1:
    """The schedule as stages, and what each costs."""
    cdef convt_correlate_plan* p = &plan.p
    cdef double groups = p.groups, weights = groups * p.coarse * p.fine * (p.run * p.runs), words = l.size / 4.0
    cdef double positions = groups * l.all_positions
    cdef double coarse = positions * l.coarse * (ceil_div(p.blocks, p.wave) if plan.together else p.cuts) * COARSE
    cdef double packed = (coarse + groups * p.all_strips * p.blocks * p.of_fine * FINE) * words
    cdef double sums = positions * p.runs * l.shape.cycles * SUMMED, written = weights * words * WRITTEN
    cdef double added = groups * (p.splits - 1) * p.blocks * p.of_sums * words * ADDED
    cdef int64_t size = p.blocks * p.of_sums, tasks
    p.chunks = 1
    if plan.together:
        plan.rounds = ceil_div(p.groups, p.round_groups) * ceil_div(p.blocks, p.wave) * p.all_strips
        plan.add(PACK_STAGE, p.round_groups * (p.wave + p.coarse_blocks) * p.pieces, packed, REPEATS)
        tasks = p.round_groups * p.wave * p.coarse_blocks * p.run_blocks
        plan.add(BLOCKS_STAGE, tasks, sums + written * p.all_strips, REPEATS)
        return 0
    p.chunks = min(ceil_div(p.all_strips, p.splits), chunks_of(packed + sums, p.groups * p.splits * p.cuts))
    plan.rounds = ceil_div(p.groups, p.round_groups) * p.chunks
    plan.add(SPLITS_STAGE, p.round_groups * p.splits * p.cuts, packed + sums, REPEATS)
    if p.splits > 1:
        plan.add(TOTALS_STAGE, p.round_groups * ceil_div(size, CONVT_ADDED), added, REPEATS)
    plan.add(TAPS_STAGE, p.round_groups * p.blocks * ceil_div(p.coarse, CONVT_WRITTEN), written, REPEATS)
    return 0
