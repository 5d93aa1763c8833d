"""Im2colPlan: one map of one problem, ready to run: its geometry in C, how it is cut into tasks, where scratch memory lies.

Everything here follows from the problem alone, never from the number of threads, so that results keep their bits. A tile's
column buffer stays in a core's L2 cache. The scratch memory of one thread, in elements::

    0           pixels_at           panel_at            spans_at               scratch
    | columns   | pixels            | panel             | two indices per tap  |
      rows x      channels x          channels x          of the last axis
      pixels      pixels              rows

The partial sums of correlate are shared.
"""

from .._cost cimport cycles_of, elements_moved, weights_moved, words
from .._geometry cimport Geometry, positions_of, weights_of
from .._job cimport Job
from .._sizes cimport ceil_div
from .._types cimport int64_t
from ._stages cimport Work, add_stage
from ._tiles cimport Tiles

from types import SimpleNamespace

__all__ = ["Im2colPlan", "im2col_plan"]

cdef enum:
    COLUMNS = 256 * 1024                    # bytes
    OPERAND = 512 * 1024                    # bytes, of pixels and of a panel
    TILE_PIXELS = 256
    TILE_CHANNELS = 512
    TILE_CORRELATED = 256                   # channels where the panel is the result
    LEAST_CHANNELS = 128                    # of a gather task
    TASKS = 16                              # enough to keep some cores busy to the end; more would read the same data more often

cdef double SUM = 2.0                       # time of BLAS for a multiply-add in a tile's small product
cdef double COLUMN = 1.2                    # cycles for an element of the column matrix
cdef double MOVED = 2.0                     # for an element of the arrays


cdef class Im2colPlan(Plan):
    """See ``convt_cpu._plan.Plan``; `im2col_plan` makes it."""

    @property
    def tables(self):
        """All that ``_tiles.pxd`` names but the geometry, by name: for tests."""
        cdef Tiles* p = &self.p
        return SimpleNamespace(
            rows=p.rows, pixels=p.pixels, channels=p.channels, fine_block=p.fine_block, images=p.images, parts=p.parts,
            part_axis=p.part_axis, splits=p.splits, tasks=p.tasks,
        )


def im2col_plan(Job job not None):
    """The plan of a map; BLAS chooses its own instruction set."""
    cdef Im2colPlan made = Im2colPlan(job)
    cdef Tiles* p = &made.p
    p.g = job.g
    p.fine_block = p.images = p.parts = p.splits = 1
    cdef int64_t of_image = p.g.coarse[0] * p.g.coarse[1] * p.g.coarse[2]
    if job.scatters:
        _cut_scatter(p, of_image)
    elif job.gathers:
        _cut_gather(p, p.g.batch * of_image)
    else:
        _cut_correlate(p, p.g.batch * of_image)
    made.geometry = p
    made.multiply_adds = <double>positions_of(&job.g) * weights_of(&job.g)
    _lay_out(made)
    _list_stages(made, job)
    return made


cdef void _cut_scatter(Tiles* plan, int64_t of_image):
    """Tasks own fine channels of some images, or of a part of one image."""
    cdef Geometry* g = &plan.g
    plan.images = min(g.batch, ceil_div(TILE_PIXELS, of_image))
    _choose_tile(plan, plan.images * of_image)
    plan.fine_block = min(g.fine_channels, max(1, plan.rows // g.taps))
    plan.tasks = g.groups * ceil_div(g.fine_channels, plan.fine_block) * ceil_div(g.batch, plan.images)
    _cut_image(plan, ceil_div(TASKS, plan.tasks))
    plan.tasks *= plan.parts


cdef void _cut_gather(Tiles* plan, int64_t positions):
    """Tasks own a tile of coarse positions and some of their channels."""
    cdef Geometry* g = &plan.g
    _choose_tile(plan, positions)
    cdef int64_t tiles = ceil_div(positions, plan.pixels), wanted = ceil_div(TASKS, g.groups * tiles)
    # Fewer channels per task mean more tasks, each of which gathers the same columns again.
    plan.channels = min(plan.channels, max(LEAST_CHANNELS, ceil_div(g.coarse_channels, wanted)))
    plan.tasks = g.groups * ceil_div(g.coarse_channels, plan.channels) * tiles


cdef void _cut_correlate(Tiles* plan, int64_t positions):
    """Tasks own a block of the kernel, or a partial sum of one."""
    cdef Geometry* g = &plan.g
    _choose_tile(plan, positions)
    plan.channels = min(plan.channels, TILE_CORRELATED)
    plan.tasks = g.groups * ceil_div(g.coarse_channels, plan.channels) * ceil_div(g.fine_channels * g.taps, plan.rows)
    plan.splits = min(ceil_div(TASKS, plan.tasks), ceil_div(positions, plan.pixels))
    plan.tasks *= plan.splits


cdef void _choose_tile(Tiles* plan, int64_t positions):
    """Rows, pixels and channels of a tile: few of the one leave room for more of the other."""
    cdef int64_t size = plan.g.size, rows = plan.g.fine_channels * plan.g.taps, pixels = min(positions, TILE_PIXELS)
    plan.channels = min(plan.g.coarse_channels, TILE_CHANNELS)
    plan.rows = min(rows, min(COLUMNS // size // pixels, OPERAND // size // plan.channels))
    plan.pixels = min(positions, min(COLUMNS // size // plan.rows, OPERAND // size // plan.channels))


cdef void _cut_image(Tiles* plan, int64_t wanted):
    """The axis along which scatter cuts the fine array, and in how many parts.

    Neighbouring parts both compute the coarse elements that reach into both; these stay below a quarter of a part.
    """
    cdef Geometry* g = &plan.g
    cdef int axis = 0
    while axis < 2 and g.coarse[axis] == 1:
        axis += 1
    cdef int64_t both = (g.kernel[axis] - 1) * g.dilation[axis] // g.stride[axis]
    cdef int64_t most = g.coarse[axis] // 4 // both if both else g.coarse[axis]
    plan.part_axis, plan.parts = axis, max(1, min(wanted, min(most, g.fine[axis])))


cdef void _lay_out(Im2colPlan plan):
    """Slices start at multiples of 64 bytes; the spans (two per tap of the last axis) come last."""
    cdef Tiles* p = &plan.p
    p.pixels_at = _rounded(p.rows * p.pixels)
    p.panel_at = p.pixels_at + _rounded(p.channels * p.pixels)
    p.spans_at = p.panel_at + _rounded(p.channels * p.rows)
    plan.scratch = p.spans_at + _rounded(4 * p.g.kernel[2])
    plan.shared = p.tasks * p.channels * p.rows if p.splits > 1 else 0


cdef int64_t _rounded(int64_t elements) noexcept nogil:
    return (elements + 15) // 16 * 16


cdef int _list_stages(Im2colPlan plan, Job job) except -1:
    cdef Tiles* p = &plan.p
    cdef Geometry* g = &p.g
    cdef double columns = <double>positions_of(g) * g.groups * g.fine_channels * g.taps * COLUMN * words(job)
    cdef double cycles = cycles_of(plan.multiply_adds, job) * SUM + columns + (weights_moved(job) + elements_moved(job)) * MOVED
    if job.scatters:
        add_stage(plan, Work.SCATTER, p.tasks, cycles)
    elif job.gathers:
        add_stage(plan, Work.GATHER, p.tasks, cycles)
    else:
        add_stage(plan, Work.CORRELATE, p.tasks, cycles)
        if p.splits > 1:
            add_stage(plan, Work.ADD_SPLITS, p.tasks // p.splits, weights_moved(job) * p.splits)
    return 0
