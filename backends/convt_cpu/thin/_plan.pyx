"""ThinPlan: how lanes, channels and positions are cut into tasks; ``kernels/thin_plan.h`` says what the sizes are.

Sizes follow from the problem and the instruction set, never from the number of threads.
"""

from .._geometry cimport Geometry, positions_of
from .._job cimport Job
from .._kernels cimport convt_thin_plan, has_kernel, lanes_of, most_rows, widest, widest_within
from .._sizes cimport LINE, aligned, ceil_div, even, times
from .._types cimport int64_t

from types import SimpleNamespace

__all__ = ["ThinPlan", "thin_plan"]

cdef enum:
    LANES = 4096                            # bytes of a task's lanes of one channel: a page, which is fetched from memory ahead
    COLUMNS = 256 * 1024                    # bytes of a task's columns, in the L2 cache
    MOST_COLUMNS = 2 * 1024 * 1024
    CHANNELS = 16                           # that scatter reads before the next lanes
    PANEL = 128 * 1024                      # bytes of the weights that scatter copies, in the L2 cache
    BLOCK = 128 * 1024                      # bytes of the columns that gather reads before the next channels
    LEAST_BLOCK = 4096                      # bytes of one column of them
    RUN = 48                                # positions of a task of gather
    DOTS = 4                                # channels of a kernel of gather
    MOST_CHANNELS = 32                      # of a task of gather
    TASKS = 16                              # keep some cores busy to the end
    SHARED = 12 * 1024 * 1024               # bytes of what all tasks read: rows or columns


cdef class ThinPlan(Plan):
    """See ``convt_cpu._plan.Plan``; `thin_plan` makes it."""

    @property
    def tables(self):
        """All that ``kernels/thin_plan.h`` names, and the schedule, by name: for tests."""
        cdef convt_thin_plan* p = &self.p
        return SimpleNamespace(
            batch=p.batch, groups=p.groups, inputs=p.inputs, outputs=p.outputs, coarse=p.coarse, fine=p.fine,
            kernel=p.kernel, stride=p.stride, padding=p.padding, dilation=p.dilation, taps=p.taps, positions=p.positions,
            part=p.part, pitch=p.pitch, unit=p.unit, width=p.width, block=p.block, channels=p.channels, run=p.run,
            wave=self.wave, tasks=self.tasks,
        )


def thin_plan(Job job not None):
    """The plan of a map; None where buffers would grow too large."""
    cdef ThinPlan plan = ThinPlan(job)
    plan.data_map, plan.scatters, plan.gathers = job.data_map, job.scatters, job.gathers
    _copy_geometry(plan, &job.g)
    return plan if (_cut_positions(plan) if job.gathers else _cut_lanes(plan)) else None


cdef void _copy_geometry(ThinPlan plan, const Geometry* g):
    cdef convt_thin_plan* p = &plan.p
    cdef int axis
    p.batch, p.groups, p.inputs, p.outputs = g.batch, g.groups, g.coarse_channels, g.fine_channels
    for axis in range(3):
        p.coarse[axis], p.fine[axis], p.kernel[axis] = g.coarse[axis], g.fine[axis], g.kernel[axis]
        p.stride[axis], p.padding[axis], p.dilation[axis] = g.stride[axis], g.padding[axis], g.dilation[axis]
    p.taps, p.positions = g.taps, positions_of(g)
    plan.moved = <double>p.positions * p.groups * p.outputs * p.taps


cdef bint _cut_lanes(ThinPlan plan):
    """For scatter and correlate, whose tasks own the lanes of some fine channels; False where buffers would grow too large."""
    cdef convt_thin_plan* p = &plan.p
    cdef int64_t size = plan.size, rows = p.positions if plan.scatters else p.inputs
    cdef int64_t beside = p.inputs if plan.scatters else p.positions            # elements of a row
    cdef int64_t all_positions, lanes, padded, columns, more
    p.unit = even(rows, most_rows(plan.isa))
    plan.wave = ceil_div(rows, p.unit)
    all_positions = plan.wave * p.unit if plan.scatters else p.positions
    p.part = max(1, min(min(LANES, COLUMNS // all_positions) // (p.taps * size), p.outputs // TASKS))
    lanes = p.part * p.taps
    p.width = _width(plan, lanes)
    padded = ceil_div(lanes, p.width) * p.width
    p.pitch = padded + LINE // size         # positions, else 4 KB apart, would meet in few sets of the caches
    columns, plan.tile_size = times(all_positions, p.pitch * size), times(p.unit, beside)
    plan.shared = times(plan.wave, plan.tile_size)
    if columns > MOST_COLUMNS or plan.shared > SHARED // size:
        return False
    p.block = min(p.inputs, CHANNELS if plan.wave == 1 else max(CHANNELS, PANEL // (p.pitch * size)))
    more = p.block * p.pitch if plan.scatters else p.unit * p.width
    plan.tasks = p.groups * ceil_div(p.outputs, p.part)
    plan.multiply_adds = <double>plan.tasks * padded * plan.shared
    plan.scratch, plan.shared = aligned(columns + more * size) // size, aligned(plan.shared * size) // size
    return True


cdef int64_t _width(ThinPlan plan, int64_t lanes):
    """The most lanes of a kernel that fill it up; if none does, the most."""
    cdef int64_t vector = lanes_of(plan.isa, plan.size), most = ceil_div(lanes, vector), vectors
    for vectors in range(min(most, widest(plan.isa, plan.p.unit)), 0, -1):
        if has_kernel(plan.isa, plan.p.unit, vectors) and lanes % (vectors * vector) == 0:
            return vectors * vector
    return widest_within(plan.isa, plan.p.unit, most) * vector


cdef bint _cut_positions(ThinPlan plan):
    """For gather, whose tasks own some coarse channels at some positions; False where a column would be too large."""
    cdef convt_thin_plan* p = &plan.p
    cdef int64_t size = plan.size, vector = lanes_of(plan.isa, size), column
    p.part, p.unit, p.width = p.outputs, 1, vector
    p.pitch = ceil_div(p.outputs * p.taps, vector) * vector + LINE // size
    column = p.pitch * size
    if column > SHARED:
        return False
    plan.wave = even(p.positions, SHARED // column)
    p.run = even(plan.wave, RUN)
    p.channels = min(MOST_CHANNELS, ceil_div(ceil_div(p.inputs, TASKS), DOTS) * DOTS)
    p.block = max(LEAST_BLOCK, BLOCK // p.run) // size // vector * vector
    plan.tasks = ceil_div(p.inputs, p.channels) * ceil_div(plan.wave, p.run)
    plan.multiply_adds = <double>p.positions * p.pitch * (ceil_div(p.inputs, DOTS) * DOTS) * p.groups
    plan.scratch = aligned((p.channels * p.run * vector + DOTS * p.block) * size) // size
    plan.shared = aligned(plan.wave * column) // size
    return True
