"""CorrelatePlan: one filter gradient, ready to run, and what it costs.

``kernels/correlate_plan.h`` says what packed positions and runs are. `_shape.pxd` cuts outer products into kernels,
`_layout.pxd` knows the sizes of the buffers, `_schedule.pxd` cuts the positions into strips and the kernel into blocks; here
they become a plan, in the time of a few microseconds: every new shape waits for it.
"""

from .._geometry cimport Geometry, weights_of
from .._job cimport Job
from .._kernels cimport convt_correlate_block, convt_correlate_plan, lanes_of
from .._sizes cimport ceil_div
from .._types cimport int64_t
from ._layout cimport Layout, axis_of, coarse_pitch, packed_coarse, packed_fine, sums_of
from ._schedule cimport MUCH, Schedule, schedule
from ._shape cimport CHUNK, Sides, best_shape

from types import SimpleNamespace

__all__ = ["CorrelatePlan", "correlate_plan"]

cdef enum:
    NEAR = 16 * 1024                        # bytes of the vectors that several kernels read, in the L1 cache
    FEWEST = 64                             # positions of a chunk
    MOST = 24 * 1024 * 1024                 # bytes of scratch memory with one thread

cdef double SUMMED = 1.8                    # time of a kernel, relative to what it would take with all operands in L1
cdef double COARSE = 0.8                    # cycles for a packed element
cdef double FINE = 2.0
cdef double WRITTEN = 3.2                   # cycles for an element of the kernel, each time it is written


cdef class CorrelatePlan(Plan):
    """See ``convt_cpu._plan.Plan``; `correlate_plan` makes it."""

    @property
    def tables(self):
        """All that ``kernels/correlate_plan.h`` names, and the schedule, by name: for tests."""
        cdef convt_correlate_plan* p = &self.p
        return SimpleNamespace(
            batch=p.batch, groups=p.groups, coarse=p.coarse, fine=p.fine, coarse_size=p.coarse_size, fine_size=p.fine_size,
            kernel=p.kernel, stride=p.stride, dilation=p.dilation, step=p.step, padding=p.padding, count=p.count,
            strips=p.strips, run=p.run, runs=p.runs, fine_block=p.fine_block, coarse_pitch=p.coarse_pitch,
            fine_lanes=bool(p.fine_lanes), unit=p.unit, tile=p.tile, chunk=p.chunk, block_coarse=p.block_coarse,
            block_runs=p.block_runs, together=self.together, splits=self.splits, wave=self.wave,
            coarse_bytes=self.of_coarse * self.size, fine_bytes=self.of_fine * self.size,
            sums_bytes=self.of_sums * self.size,
        )

    cdef convt_correlate_block block(
        self, int64_t group, int64_t fine_block, int64_t coarse_block, int64_t run_block
    ) noexcept nogil:
        """A block of the kernel, by its place among all."""
        cdef convt_correlate_block b
        b.group = group
        b.coarse = coarse_block * self.p.block_coarse
        b.coarse_end = min(b.coarse + self.p.block_coarse, self.p.coarse)
        b.fine = fine_block * self.p.fine_block
        b.fine_end = min(b.fine + self.p.fine_block, self.p.fine)
        b.run = run_block * self.p.block_runs
        b.run_end = min(b.run + self.p.block_runs, self.p.runs)
        return b


def correlate_plan(Job job not None):
    """The plan of a filter gradient; None for another map or where buffers would grow too large."""
    cdef const Geometry* g = &job.g
    if not job.correlates or g.batch == 0:
        return None
    cdef Layout l = _layout(g, job.isa)
    cdef int64_t[4] one = [1, 1, 1, 1]
    if packed_fine(&l, one) > MOST:
        return None
    cdef CorrelatePlan plan = CorrelatePlan(job)
    plan.multiply_adds = <double>l.all_positions * weights_of(g)
    cdef Schedule cut = schedule(&l, g.groups, plan.multiply_adds > MUCH)
    if cut.scratch + cut.shared > MOST:
        return None
    _copy_geometry(plan, g, &l)
    _copy_schedule(plan, &l, &cut)
    plan.cycles = g.groups * _cycles(&l, &cut, plan.strips, <double>(g.coarse_channels * g.fine_channels * g.taps))
    return plan


cdef Layout _layout(const Geometry* g, int isa):
    """One group's positions and runs, and the kernels for them."""
    cdef Layout l
    cdef Sides sides
    cdef int axis
    l.coarse, l.size, l.lanes = g.coarse_channels, g.size, lanes_of(isa, g.size)
    l.positions[0] = g.batch
    for axis in range(3):
        l.axes[axis] = axis_of(g.coarse[axis], g.kernel[axis], g.stride[axis], g.dilation[axis])
        l.positions[axis + 1] = g.coarse[axis]
    l.all_positions = l.positions[0] * l.positions[1] * l.positions[2] * l.positions[3]
    l.run = l.axes[2].kernel if l.axes[2].dilation == 1 else 1
    l.runs = g.taps // l.run
    sides.coarse, sides.fine, sides.run, sides.lanes, sides.isa = g.coarse_channels, g.fine_channels, l.run, l.lanes, isa
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
    plan.blocks = l.blocks


cdef void _copy_schedule(CorrelatePlan plan, const Layout* l, const Schedule* cut):
    cdef convt_correlate_plan* p = &plan.p
    cdef int axis
    cdef int64_t rows = l.coarse if l.shape.fine_lanes else l.run * l.shape.fine_block
    plan.strips = 1
    for axis in range(4):
        p.count[axis], p.strips[axis] = cut.count[axis], ceil_div(l.positions[axis], cut.count[axis])
        plan.strips *= p.strips[axis]
    p.coarse_pitch = coarse_pitch(l, cut.block_coarse)
    p.chunk = CHUNK
    if rows > l.shape.unit:                 # then several kernels read the same vectors
        p.chunk = min(CHUNK, max(FEWEST, NEAR // (l.shape.tile * l.lanes * l.size)))
    p.block_coarse, p.block_runs = cut.block_coarse, cut.block_runs
    plan.together, plan.splits, plan.wave = cut.together, cut.splits, cut.wave
    plan.coarse_blocks, plan.run_blocks = ceil_div(p.coarse, p.block_coarse), ceil_div(p.runs, p.block_runs)
    plan.tasks = max(PIECES, plan.wave * plan.coarse_blocks * plan.run_blocks) if plan.together else p.groups * plan.splits
    plan.of_coarse = packed_coarse(l, cut.count, cut.block_coarse) // l.size
    plan.of_fine = packed_fine(l, cut.count) // l.size
    plan.of_sums = sums_of(l, cut.block_coarse, cut.block_runs) // l.size
    plan.scratch, plan.shared = cut.scratch // l.size, cut.shared // l.size


cdef double _cycles(const Layout* l, const Schedule* cut, double strips, double weights):
    """Estimated, of one group and one core; what is moved by its bytes, as in ``_cost.pyx``."""
    cdef double coarse = <double>l.all_positions * l.coarse * ceil_div(l.blocks, cut.wave)
    cdef double fine = strips * l.blocks * (packed_fine(l, cut.count) // l.size)
    cdef double summed = <double>l.all_positions * l.runs * l.shape.cycles
    cdef double moved = coarse * COARSE + fine * FINE + weights * (strips if cut.together else 1) * WRITTEN
    return summed * SUMMED + moved * l.size / 4
