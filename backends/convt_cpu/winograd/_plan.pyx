"""WinogradPlan: tiles, windows and blocks of a problem, as ``kernels/winograd_plan.h`` describes them.

Along each axis the kernel counts as stride * taps long. In padded fine positions F = fine + padding, scatter's phase p at
position u, F = stride * u + p, meets tap p + stride * j at the coarse position u - j; gather's output u meets tap
p + stride * j at F = stride * (u + j) + p.

Sizes follow from the problem and the instruction set, never from the number of threads. A plan takes a few microseconds:
every new shape waits for it.
"""

from .._geometry cimport Geometry
from .._job cimport Job
from .._kernels cimport convt_winograd_plan, lanes_of, most_rows, widest
from .._sizes cimport LINE, aligned, ceil_div, even, times
from .._types cimport int64_t

from types import SimpleNamespace

__all__ = ["WinogradPlan", "winograd_plan"]

cdef enum:
    FREQUENCIES = 16
    FEWEST_INPUTS = 16                      # a result's error is that of its whole tile, which is like its own where each
                                            # sum has many terms
    PIECE = 16 * 1024                       # bytes of V that a kernel takes at once, in the L1 cache
    TILES = 640 * 1024                      # bytes of V of a block of tiles, in the L2 cache beside ...
    PASS = 320 * 1024                       # ... bytes of M of a pass
    SUMS = 2 * 1024 * 1024                  # bytes of M of all blocks that are packed together, of one pass
    WAVE = 12 * 1024 * 1024                 # bytes of V of all blocks that are packed together
    MOST_WEIGHTS = 10 * 1024 * 1024         # bytes of U that are packed before the work starts
    MOST = 20 * 1024 * 1024                 # bytes of scratch memory with one thread
    MOST_TILES = 96                         # CONVT_WINOGRAD_TILES
    MOST_STRIDE = 2                         # CONVT_WINOGRAD_STRIDE
    TASKS = 8                               # that keep some cores busy

cdef struct Draft:                          # what the steps below tell each other
    int64_t lanes
    int64_t step                            # tiles of a kernel
    int64_t all_tiles                       # of all images and lattices
    int64_t u_unit                          # elements of U of a unit and a block of channels
    int64_t weights                         # bytes of U
    int64_t sums                            # bytes of M of a tile, of one unit


cdef class WinogradPlan(Plan):
    """See ``convt_cpu._plan.Plan``; `winograd_plan` makes it."""

    @property
    def tables(self):
        """All that ``kernels/winograd_plan.h`` names, and the schedule, by name: for tests."""
        cdef convt_winograd_plan* p = &self.p
        return SimpleNamespace(
            batch=p.batch, groups=p.groups, inputs=p.inputs, outputs=p.outputs, in_size=p.in_size, out_size=p.out_size,
            kernel=p.kernel, in_stride=p.in_stride, out_stride=p.out_stride, in_first=p.in_first, out_first=p.out_first,
            taps=p.taps, results=p.results, lattices=p.lattices, tiles=p.tiles, in_phases=p.in_phases,
            out_phases=p.out_phases, block_tiles=p.block_tiles, pitch=p.pitch, block_channels=p.block_channels,
            tile=p.tile, unit=p.unit, pass_=p.pass_, v_size=p.v_size, u_size=p.u_size, by_outputs=self.by_outputs,
            wave=self.wave, blocks=self.blocks, waves=self.waves,
        )


def winograd_plan(Job job not None):
    """The plan of a map; None where there is nothing to gain or too much to store."""
    cdef const Geometry* g = &job.g
    cdef int axis
    if job.correlates or len(job.order) != 2:
        return None
    for axis in range(1, 3):
        if not _suits(g.fine[axis], g.coarse[axis], g.kernel[axis], g.stride[axis], g.padding[axis], g.dilation[axis]):
            return None
    cdef WinogradPlan plan = WinogradPlan(job)
    plan.p.flips = job.scatters
    plan.p.inputs = g.coarse_channels if plan.p.flips else g.fine_channels
    plan.p.outputs = g.fine_channels if plan.p.flips else g.coarse_channels
    if plan.p.inputs < FEWEST_INPUTS:
        return None
    cdef Draft d
    d.lanes = lanes_of(plan.isa, plan.size)
    _place_tiles(plan, g, &d)
    _choose_kernel(plan, &d)
    _choose_blocks(plan, &d)
    if not _schedule(plan, &d):
        return None
    _count(plan, &d)
    return plan


cdef bint _suits(int64_t fine, int64_t coarse, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) noexcept:
    """Whether an axis has 2 or 3 taps per phase, and each element of both sides meets one of the other.

    What meets none would not be exactly zero.
    """
    cdef int64_t reached = (coarse - 1) * stride - padding     # by the last coarse element's first tap
    cdef int64_t length
    if (dilation > 1 and stride > 1) or stride > MOST_STRIDE or not 2 <= ceil_div(kernel, stride) <= 3:
        return False
    length = times(kernel - 1, dilation) + 1
    return 0 <= padding < length and reached < fine <= reached + length and dilation <= min(fine, coarse)


cdef void _place_tiles(WinogradPlan plan, const Geometry* g, Draft* d):
    """Where windows and tiles lie, and how many there are."""
    cdef convt_winograd_plan* p = &plan.p
    cdef int axis, source
    cdef int64_t skipped, of_lattice
    p.batch, p.groups = g.batch, g.groups
    for axis in range(2):
        source = axis + 1                   # of the three axes that a geometry has
        p.kernel[axis] = g.kernel[source]
        p.taps[axis] = ceil_div(g.kernel[source], g.stride[source])
        p.results[axis] = 5 - p.taps[axis]
        if p.flips:
            skipped = g.padding[source] // g.stride[source]
            p.in_size[axis], p.in_stride[axis] = g.coarse[source], 1
            p.out_size[axis], p.out_stride[axis] = g.fine[source], g.stride[source]
            p.in_first[axis] = skipped - (p.taps[axis] - 1) * g.dilation[source]
            p.out_first[axis] = skipped * g.stride[source] - g.padding[source]
        else:
            p.in_size[axis], p.in_stride[axis] = g.fine[source], g.stride[source]
            p.out_size[axis], p.out_stride[axis] = g.coarse[source], 1
            p.in_first[axis], p.out_first[axis] = -g.padding[source], 0
        p.lattices[axis] = g.dilation[source]
        of_lattice = ceil_div(p.out_size[axis] - p.out_first[axis], p.lattices[axis])
        p.tiles[axis] = ceil_div(of_lattice, p.results[axis] * p.out_stride[axis])
    p.in_phases, p.out_phases = p.in_stride[0] * p.in_stride[1], p.out_stride[0] * p.out_stride[1]
    d.all_tiles = p.batch * p.lattices[0] * p.lattices[1] * p.tiles[0] * p.tiles[1]


cdef void _choose_kernel(WinogradPlan plan, Draft* d):
    """Outputs of a unit, tiles of a kernel, and channels that it sums in one go; U is packed accordingly."""
    cdef convt_winograd_plan* p = &plan.p
    p.unit = even(p.outputs, most_rows(plan.isa))
    p.tile = widest(plan.isa, p.unit)
    d.step = p.tile * d.lanes
    p.block_channels = even(p.inputs, max(1, PIECE // (d.step * plan.size * p.in_phases)))
    plan.units, plan.channel_blocks = ceil_div(p.outputs, p.unit), ceil_div(p.inputs, p.block_channels)
    p.u_size = ceil_div(p.block_channels * p.in_phases * p.unit + d.lanes, d.lanes) * d.lanes
    d.u_unit = FREQUENCIES * p.out_phases * p.u_size
    d.weights = times(times(times(p.groups, plan.channel_blocks), plan.units), d.u_unit * plan.size)
    d.sums = FREQUENCIES * p.out_phases * p.unit * plan.size


cdef void _choose_blocks(WinogradPlan plan, Draft* d):
    """Tiles of a block, units of a pass, and the schedule: by outputs where weights are many or blocks few."""
    cdef convt_winograd_plan* p = &plan.p
    cdef int64_t row = times(p.inputs, FREQUENCIES * p.in_phases * plan.size)      # bytes of V of a tile
    cdef int64_t most = min(MOST_TILES, ceil_div(d.all_tiles, d.lanes) * d.lanes)
    cdef int64_t in_cache = most if times(most, row) <= TILES else TILES // row // d.step * d.step
    plan.by_outputs = (
        d.weights > MOST_WEIGHTS
        or 2 * in_cache < most
        or ceil_div(d.all_tiles, in_cache) * p.groups < TASKS < plan.units
    )
    p.block_tiles = in_cache
    if plan.by_outputs:
        p.block_tiles = most if most < 2 * d.step else max(1, min(most, 2 * PASS // d.sums) // d.step) * d.step
    p.pass_ = max(1, min(PASS // (d.sums * p.block_tiles), plan.units // TASKS if plan.by_outputs else plan.units))
    plan.blocks = ceil_div(d.all_tiles, p.block_tiles)
    p.pitch = p.block_tiles
    if p.pitch * plan.size % 256 == 0 and p.pitch > d.step:
        p.pitch += LINE // plan.size        # channels at such distances would meet in the L1 cache
    p.v_size = _odd_lines(p.block_channels * p.in_phases * p.pitch, plan.size)


cdef bint _schedule(WinogradPlan plan, const Draft* d):
    """Blocks of a wave and scratch memory; False if that is too much."""
    cdef convt_winograd_plan* p = &plan.p
    cdef int64_t of_sums = p.pass_ * d.sums * p.block_tiles, scratch, shared
    cdef int64_t of_block = times(plan.channel_blocks, FREQUENCIES * p.v_size * plan.size)
    plan.wave = plan.waves = 1
    if plan.by_outputs:
        plan.wave = min(plan.blocks, max(1, min(WAVE // of_block, SUMS // of_sums)))
        plan.waves = ceil_div(plan.blocks, plan.wave)
        shared = plan.wave * of_block
        scratch = p.pass_ * d.u_unit * plan.size + plan.wave * of_sums
    else:
        shared = d.weights
        scratch = of_block + of_sums
    if scratch + shared > MOST:
        return False
    plan.passes = ceil_div(plan.units, p.pass_)
    plan.tasks = plan.passes if plan.by_outputs else p.groups * plan.blocks
    plan.scratch, plan.shared = aligned(scratch) // plan.size, aligned(shared) // plan.size
    return True


cdef void _count(WinogradPlan plan, const Draft* d):
    """What the cost model asks for."""
    cdef convt_winograd_plan* p = &plan.p
    cdef int64_t of_inputs = p.inputs * p.in_phases, of_outputs = p.outputs * p.out_phases
    cdef double weights = <double>p.groups * FREQUENCIES * of_inputs * of_outputs
    plan.multiply_adds = weights * (ceil_div(d.all_tiles, d.lanes) * d.lanes)
    plan.transformed = <double>p.groups * d.all_tiles * FREQUENCIES * (of_inputs + of_outputs)
    plan.weights = weights * plan.waves


cdef int64_t _odd_lines(int64_t elements, int64_t size) noexcept:
    """At least so many elements, in an odd number of cache lines: matrices at such distances do not meet in L1."""
    return (ceil_div(elements * size, LINE) | 1) * LINE // size
