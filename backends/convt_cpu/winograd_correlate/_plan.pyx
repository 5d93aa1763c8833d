"""WinogradCorrelatePlan: tiles, blocks and strips, as ``plan.h`` describes them.

There are two schedules. Where M is small, each task packs and sums some strips by itself, and the sums of all tasks are added
in the end. Where it is not, all threads pack a large strip together; then each task sums it for one block of either side, and
transforms the sums.
"""

from libc.math cimport sqrt

from .._cost cimport chunks_of, cycles_of, elements_moved, words
from .._geometry cimport Geometry
from .._job cimport Job
from .._kernels cimport CONVT_ADDED, CONVT_CHUNK, lanes_of, most_rows, stage, widest
from .._plan cimport REPEATS
from .._sizes cimport ceil_div, even, times
from .._types cimport int64_t
from ..machine._record cimport convt_machine, share, usable_l2

from types import SimpleNamespace

__all__ = ["WinogradCorrelatePlan", "winograd_correlate_plan", "winograd_correlate_suits"]

cdef enum:                                  # the same on every machine
    FEWEST_CHANNELS = 16                    # on either side, so that products outweigh transforms
    FEWEST_TILES = 16                       # a tap's error is that of its whole tile, which is like its own in a long sum
    MOST_STRIDE = 8
    MOST_FREQUENCIES = 16                   # those of two axes; three would have more sums than the caches hold
    MOST_PHASES = 16
    BLOCKS = 6                              # pairs of blocks, at least
    ALL_SUMS = 6 * 1024 * 1024              # bytes of M of all tasks that each have a whole one
    WAVE = 16 * 1024 * 1024                 # bytes of V and G of a strip that all threads pack
    MOST = 24 * 1024 * 1024                 # bytes of scratch memory with one thread
    TASKS = 64                              # keep many cores busy
    SPLITS = 16                             # of which each has sums of its own; more where adding them takes a small part ...
    PART = 8                                # ... of the time: cycles of summing for each sum that is added

cdef struct Caches:                         # bytes; `_caches` says of what
    int64_t unit_box, block, own_sums, strip, near


cdef Caches _caches(const convt_machine* m) noexcept:
    """What a task keeps in the L1 and L2 caches of its core, in bytes."""
    cdef int64_t l1 = m.l1, l2 = usable_l2(m)
    cdef Caches c
    c.unit_box = share(l2, 3, 32)           # a unit's box
    c.block = share(l2, 1, 2)               # M of two blocks
    c.own_sums = min(share(l2, 3, 4), 768 * 1024)  # M of a task that has all of it; no more, since all tasks have one
    c.strip = share(l2, 1, 2)               # V and G of a strip that one thread packs for itself
    c.near = share(l1, 1, 2)                # the vectors that several kernels read
    return c


cdef double SUM = 2.55                      # time of a multiply-add of transformed tiles, relative to a direct kernel's
cdef double PACKED = 0.97                   # cycles for an element of a transformed tile or window
cdef double ELEMENT = 1.0                   # for an element of the arrays
cdef double RESULT = 0.5                    # for a sum that is transformed
cdef double WEIGHT = 1.4                    # for a weight that is written, each time
cdef double ADDED = 0.25                    # for a sum that is added to another task's

cdef int SPLITS_STAGE = stage("winograd_correlate_splits"), TOTALS_STAGE = stage("winograd_correlate_totals")
cdef int TAPS_STAGE = stage("winograd_correlate_taps"), PACK_STAGE = stage("winograd_correlate_pack")
cdef int BLOCKS_STAGE = stage("winograd_correlate_blocks")


cdef class WinogradCorrelatePlan(Plan):
    """See ``convt_cpu._plan.Plan``; `winograd_correlate_plan` makes it."""

    @property
    def tables(self):
        """All that ``plan.h`` names, and the schedule, by name: for tests."""
        return SimpleNamespace(**self.p, together=self.together)


def winograd_correlate_suits(Job job not None):
    """Whether this is a filter gradient of channels enough that products outweigh transforms."""
    return job.correlates and min(job.g.coarse_channels, job.g.fine_channels) >= FEWEST_CHANNELS


def winograd_correlate_plan(Job job not None):
    """The plan of a filter gradient; None for another map, or where there is nothing to gain."""
    cdef const Geometry* g = &job.g
    cdef int axis
    if not job.correlates or g.batch == 0 or g.taps == 1 or min(g.fine_channels, g.coarse_channels) < FEWEST_CHANNELS:
        return None
    for axis in range(3):
        if not _suits(g.fine[axis], g.coarse[axis], g.kernel[axis], g.stride[axis], g.padding[axis], g.dilation[axis]):
            return None
    cdef WinogradCorrelatePlan plan = WinogradCorrelatePlan(job)
    plan.geometry, plan.exact = &plan.p, False
    cdef Caches caches = _caches(&job.machine)
    _cut_into_tiles(plan, g, caches)
    if plan.p.frequencies > MOST_FREQUENCIES or plan.p.phases > MOST_PHASES or plan.p.all_units * plan.p.unit_tiles < FEWEST_TILES:
        return None
    _choose_blocks(plan, caches)
    if not _schedule(plan, caches):
        return None
    _list_stages(plan, job)
    return plan


cdef bint _suits(int64_t fine, int64_t coarse, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) noexcept:
    """Whether an axis has one tap, or 2 or 3 per phase, each of which meets an element.

    One that meets none would not be exactly zero.
    """
    if kernel == 1:
        return True
    if (dilation > 1 and stride > 1) or stride > MOST_STRIDE or not 2 <= ceil_div(kernel, stride) <= 3:
        return False
    return padding <= (coarse - 1) * stride and times(kernel - 1, dilation) - padding < fine and stride <= fine


cdef void _cut_into_tiles(WinogradCorrelatePlan plan, const Geometry* g, Caches caches):
    """The geometry of both arrays, and the units."""
    cdef convt_winograd_correlate_plan* p = &plan.p
    cdef int64_t lanes = lanes_of(plan.isa, plan.size)
    cdef int axis
    p.batch, p.groups, p.frequencies, p.phases = g.batch, g.groups, 1, 1
    p.fine.channels, p.coarse.channels = g.fine_channels, g.coarse_channels
    for axis in range(3):
        p.kernel[axis] = g.kernel[axis]
        p.dilation[axis] = g.dilation[axis] if g.kernel[axis] > 1 else 1
        p.taps[axis] = ceil_div(g.kernel[axis], g.stride[axis]) if g.kernel[axis] > 1 else 1
        p.points[axis] = 5 - p.taps[axis] if g.kernel[axis] > 1 else 1
        p.fine.size[axis], p.fine.first[axis], p.fine.stride[axis] = g.fine[axis], -g.padding[axis], g.stride[axis]
        p.coarse.size[axis], p.coarse.first[axis], p.coarse.stride[axis] = g.coarse[axis], 0, 1
        p.fine.phases[axis] = g.stride[axis] if g.kernel[axis] > 1 else 1
        p.coarse.phases[axis] = 1
        p.coarse.elements[axis] = p.points[axis]
        p.fine.elements[axis] = 4 if g.kernel[axis] > 1 else 1
        p.frequencies *= p.fine.elements[axis]
        p.phases *= p.fine.phases[axis]
        p.units[axis] = ceil_div(ceil_div(g.coarse[axis], p.dilation[axis]), p.points[axis]) * p.dilation[axis]
    _choose_unit(p, caches.unit_box // (lanes * plan.size))
    p.all_units = times(times(p.batch, p.units[0]), times(p.units[1], p.units[2]))


cdef void _choose_unit(convt_winograd_correlate_plan* p, int64_t room) noexcept:
    """Tiles of a unit, as many along the last axis as its boxes have room for, then along the one before.

    `room` are elements of a channel. `p.units` are tiles before and units after.
    """
    cdef int64_t low, high
    cdef int axis
    p.unit[0] = p.unit[1] = 1
    for axis in range(2, 0, -1):
        low, high = 1, max(1, min(p.units[axis], CONVT_UNIT_TILES // p.unit[1]))
        while low < high:
            p.unit[axis - 1] = (low + high + 1) // 2
            if _measure(p) <= room:
                low = p.unit[axis - 1]
            else:
                high = p.unit[axis - 1] - 1
        p.unit[axis - 1] = even(p.units[axis], low)
        p.units[axis] = ceil_div(p.units[axis], p.unit[axis - 1])
    p.unit_tiles = p.unit[0] * p.unit[1]
    _measure(p)


cdef int64_t _measure(convt_winograd_correlate_plan* p) noexcept:
    """Sets the spans of a unit's boxes; gives the elements of the larger one, for each channel."""
    cdef convt_winograd_side* side
    cdef int64_t d, reach, largest = 0
    cdef int axis, i
    for i in range(2):
        side = &p.fine if i == 0 else &p.coarse
        for axis in range(1, 3):
            d = p.dilation[axis]
            reach = ceil_div(p.unit[axis - 1] - 1, d) * d * p.points[axis] + d - 1      # from tile to tile
            side.span[axis - 1] = (reach + (side.elements[axis] - 1) * d) * side.stride[axis] + side.phases[axis]
        largest = max(largest, times(side.elements[0] * side.phases[0], times(side.span[0], side.span[1])))
    return largest


cdef void _choose_blocks(WinogradCorrelatePlan plan, Caches caches):
    """Channels of a block: few of the side that has phases, so that either side is read equally often."""
    cdef convt_winograd_correlate_plan* p = &plan.p
    cdef int64_t lanes = lanes_of(plan.isa, plan.size), wanted = 1
    cdef int64_t vectors = ceil_div(p.fine.channels, lanes), longest = min(most_rows(plan.isa), lanes)
    cdef int64_t rows = even(p.coarse.channels, longest)
    cdef int64_t of_pair = p.frequencies * p.phases * plan.size, pairs = max(1, caches.block // of_pair)
    cdef int64_t sums = times(times(vectors * lanes, p.coarse.channels), of_pair)      # bytes of M
    cdef int64_t most = max(widest(plan.isa, rows), <int64_t>sqrt(pairs / <double>p.phases) // lanes)
    plan.together = sums > caches.own_sums
    p.fine.pitch = even(vectors, most) * lanes
    p.fine.block = min(p.fine.channels, p.fine.pitch)
    p.fine_blocks = ceil_div(p.fine.channels, p.fine.block)
    if plan.together:
        wanted = ceil_div(BLOCKS, p.fine_blocks)
    p.coarse.block = even(p.coarse.channels, max(rows, min(pairs // p.fine.pitch, ceil_div(p.coarse.channels, wanted))))
    p.coarse_blocks = ceil_div(p.coarse.channels, p.coarse.block)
    p.rows = p.coarse.panel = even(p.coarse.block, longest)
    p.tile = min(widest(plan.isa, p.rows), p.fine.pitch // lanes)
    p.fine.panel = p.fine.width = p.tile * lanes
    p.fine.pitch = ceil_div(p.fine.pitch, p.fine.width) * p.fine.width
    p.coarse.width = lanes
    p.coarse.pitch = ceil_div(p.coarse.block, p.coarse.panel) * lanes
    p.chunk = min(CONVT_CHUNK, caches.near // (p.fine.width * plan.size))
    p.of_fine = p.frequencies * p.phases * p.unit_tiles * p.fine.pitch
    p.of_coarse = p.frequencies * p.unit_tiles * p.coarse.pitch
    p.of_sums = p.frequencies * p.phases * p.coarse.block * p.fine.pitch


cdef bint _schedule(WinogradCorrelatePlan plan, Caches caches):
    """Strips, tasks and scratch memory; False if that is too much."""
    cdef convt_winograd_correlate_plan* p = &plan.p
    cdef int64_t lanes = lanes_of(plan.isa, plan.size)
    cdef int64_t of_unit = times(p.fine_blocks, p.of_fine) + times(p.coarse_blocks, p.of_coarse)
    cdef int64_t own = max(times(_measure(p), lanes), 2 * _taps(p) * p.fine.pitch), sums, splits
    p.strip_units = max(1, min(p.all_units, (WAVE if plan.together else caches.strip) // times(of_unit, plan.size)))
    p.splits = p.round_groups = p.cuts = p.chunks = 1
    if plan.together:
        p.strip_units = even(p.all_units, p.strip_units)
        plan.scratch, plan.shared = own + p.of_sums, times(p.strip_units, of_unit)
    else:
        sums = p.fine_blocks * p.coarse_blocks * p.of_sums
        splits = <int64_t>max(SPLITS, min(TASKS, p.all_units * p.unit_tiles * SUM / (PART * 2 * lanes)))
        p.strip_units = min(p.strip_units, ceil_div(p.all_units, splits))
        p.splits = min(ceil_div(splits, p.groups), ceil_div(p.all_units, p.strip_units))
        p.splits = max(1, min(p.splits, ALL_SUMS // (sums * plan.size)))
        p.round_groups = max(1, min(p.groups, ALL_SUMS // (sums * plan.size * p.splits)))
        p.cuts = ceil_div(p.fine_blocks, even(p.fine_blocks, max(1, p.fine_blocks * p.splits * p.round_groups // TASKS)))
        plan.scratch, plan.shared = own + p.strip_units * of_unit, p.round_groups * p.splits * sums
    p.strips = ceil_div(p.all_units, p.strip_units)
    return times(plan.scratch, plan.size) + times(plan.shared, plan.size) <= MOST


cdef int _list_stages(WinogradCorrelatePlan plan, Job job) except -1:
    """The schedule as stages, and what each costs."""
    cdef convt_winograd_correlate_plan* p = &plan.p
    cdef const Geometry* g = &job.g
    cdef int64_t lanes = lanes_of(plan.isa, plan.size), matrices = p.frequencies * p.phases
    cdef int64_t pairs = p.fine_blocks * p.coarse_blocks, panels
    cdef double fine = ceil_div(g.fine_channels, lanes) * lanes, tiles = <double>p.groups * p.all_units * p.unit_tiles
    cdef double written = <double>p.groups * fine * g.coarse_channels * (p.strips if plan.together else 1)
    cdef double packed = tiles * p.frequencies * (p.phases * fine + p.cuts * g.coarse_channels) * words(job) * PACKED
    cdef double results = written * (matrices * RESULT + g.taps * WEIGHT) * words(job), sums
    cdef double added = <double>p.groups * (p.splits - 1) * pairs * p.of_sums * words(job) * ADDED
    plan.multiply_adds = tiles * matrices * fine * g.coarse_channels
    packed += elements_moved(job) * ELEMENT
    sums = cycles_of(plan.multiply_adds, job) * SUM
    if plan.together:
        plan.rounds = p.groups * p.strips
        plan.add(PACK_STAGE, p.strip_units * (p.fine_blocks + p.coarse_blocks), packed, REPEATS)
        panels = ceil_div(p.coarse.block, p.coarse.panel)
        plan.add(BLOCKS_STAGE, pairs * panels, sums + results, REPEATS, panels)
        return 0
    p.chunks = min(ceil_div(p.strips, p.splits), chunks_of(packed + sums, p.groups * p.splits * p.cuts))
    plan.rounds = ceil_div(p.groups, p.round_groups) * p.chunks
    plan.add(SPLITS_STAGE, p.round_groups * p.splits * p.cuts, packed + sums, REPEATS)
    if p.splits > 1:
        plan.add(TOTALS_STAGE, p.round_groups * ceil_div(pairs * p.of_sums, CONVT_ADDED), added, REPEATS)
    plan.add(TAPS_STAGE, p.round_groups * pairs * ceil_div(p.coarse.block, CONVT_TRANSFORMED), results, REPEATS)
    return 0


cdef int64_t _taps(const convt_winograd_correlate_plan* p) noexcept:
    return p.kernel[0] * p.kernel[1] * p.kernel[2]

