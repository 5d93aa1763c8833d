"""DepthwisePlan: planes, taps and boxes of a problem, as the tables of ``plan.h``.

`../_taps.pxd` knows the planes; here they are cut into boxes.
"""

from .._cost cimport chunks_of, cycles_of, elements_moved, weights_moved
from .._geometry cimport Geometry, name_sides, positions_of, weights_of
from .._job cimport Job
from .._kernels cimport lanes_of, stage
from .._memory cimport allocate, release
from .._plan cimport PACKS, REPEATS
from .._sizes cimport LINE, ceil_div, even, times
from .._tables cimport as_list, as_rows, new_table
from .._taps cimport Reach, Tap, list_taps, number_planes, place, reach_along, sort_by_writes
from .._types cimport int64_t
from ..machine._record cimport convt_machine, share, usable_l2

from types import SimpleNamespace

__all__ = ["DepthwisePlan", "depthwise_plan", "depthwise_suits"]

cdef enum:                                  # the same on every machine
    TASK = 64 * 1024                        # bytes that a task reads and writes at least
    SPLITS = 16                             # of correlate, of which each has sums of its own
    TASKS = 64                              # that keep many cores busy
    BOXES = 64                              # of all images and groups, at least,
    BOXES_SUMMED = 8                        # and of those of correlate, whose tasks each have several
    MOST_CHANNELS = 64                      # pairs of channels of a group
    MOST_TAPS = 4096
    CHANNELS = 16                           # that fill vectors of any instruction set, where lanes are channels, ...
    FILTERS = 1024 * 1024                   # ... and bytes of all filters there
    MOST = 8 * 1024 * 1024                  # bytes of scratch memory of one thread, and of all together
    FEW = 8                                 # channels of one side of a group, if the other side has one

cdef struct Caches:                         # bytes; `_caches` says of what
    int64_t packed, row, sums


cdef Caches _caches(const convt_machine* m) noexcept:
    """What a task keeps in the L1 and L2 caches of its core, in bytes."""
    cdef int64_t l1 = m.l1, l2 = usable_l2(m)
    cdef Caches c
    c.packed = share(l2, 3, 16)             # a unit's packed input
    c.row = share(l1, 1, 8)                 # a packed row
    c.sums = share(l1, 1, 4)                # the sums of a chunk
    return c


cdef double WORK = 2**17                    # multiply-adds of a problem that is worth its tables
cdef double SUM = 1.5                       # time of a multiply-add, relative to a direct kernel's
cdef double SUM_OF_MANY = 3.2               # where direct kernels would share loads
cdef double CORRELATE_MANY = 5.5            # and correlate's would
cdef double ELEMENT = 0.9                   # cycles for an element of the arrays
cdef double WEIGHT = 1.0                    # for a weight that is put where lanes are channels

cdef int BOXES_STAGE = stage("depthwise_boxes"), FILTERS_STAGE = stage("depthwise_filters")
cdef int CHANNELS_STAGE = stage("depthwise_channels"), SPLITS_STAGE = stage("depthwise_splits")
cdef int TOTALS_STAGE = stage("depthwise_totals")


cdef class DepthwisePlan(Plan):
    """See ``convt_cpu._plan.Plan``; `depthwise_plan` makes it."""

    @property
    def tables(self):
        """All that ``plan.h`` names, by name: for tests."""
        cdef convt_depthwise_plan* p = &self.p
        cdef int64_t taps = p.first_tap[p.out_planes]
        return SimpleNamespace(
            batch=p.batch, groups=p.groups, inputs=p.inputs, outputs=p.outputs, in_size=p.in_size, out_size=p.out_size,
            in_stride=p.in_stride, out_stride=p.out_stride, in_planes=p.in_planes, out_planes=p.out_planes,
            in_phase=as_rows(p.in_phase, p.in_planes, 3), first_tap=as_list(p.first_tap, p.out_planes + 1),
            taps=as_rows(p.taps, taps, 3), reach=as_rows(p.reach, taps, 3), offsets=as_list(p.offsets, taps * p.inputs),
            low=p.low, count=p.count, boxes=p.boxes, rows=p.rows, slide=p.slide, plane_size=p.plane_size,
            channel_size=p.channel_size, chunk=p.chunk, chunk_size=p.chunk_size, units=p.units, splits=p.splits,
            channel_rows=p.channel_rows,
        )


def depthwise_suits(Job job not None):
    """Whether there is work enough."""
    return <double>positions_of(&job.g) * weights_of(&job.g) >= WORK


def depthwise_plan(Job job not None):
    """The plan of a map; None for groups of many channels and for large filters."""
    cdef const Geometry* g = &job.g
    cdef int64_t channels = g.coarse_channels * g.fine_channels
    if channels > MOST_CHANNELS or channels * g.taps > MOST_TAPS:
        return None
    if times(times(g.stride[0], g.stride[1]), g.stride[2]) > MOST_TAPS:
        return None
    cdef DepthwisePlan plan = DepthwisePlan(job)
    plan.geometry = &plan.p
    cdef Tap* taps = <Tap*>allocate(g.taps * sizeof(Tap))
    try:
        return plan if _planned(plan, job, taps) else None
    finally:
        release(taps)


cdef bint _planned(DepthwisePlan plan, Job job, Tap* taps) except -1:
    """Plan step by step; False where a buffer would grow too large."""
    cdef const Geometry* g = &job.g
    cdef int64_t lanes = lanes_of(plan.isa, plan.size)
    cdef Reach[3] reach
    cdef bint[3] copied = [False, False, False]
    cdef int axis
    _name_sides(plan, g)
    for axis in range(3):
        reach[axis] = reach_along(g, axis, plan.scatters)
        plan.p.low[axis] = reach[axis].low
    if times(times(1 + reach[0].halo, 1 + reach[1].halo), 1 + reach[2].halo) * plan.size > MOST:
        return False                        # of the packed positions that a single one needs
    list_taps(g, plan.scatters, reach, copied, taps)
    plan.p.in_planes = number_planes(taps, g.taps)
    _choose_boxes(plan, _caches(&job.machine), reach, lanes, job.correlates)
    _list_planes(plan, g, taps)
    place(taps, g.taps, plan.p.rows, plan.p.plane_size)
    sort_by_writes(taps, g.taps)
    _write_taps(plan, g, taps)
    return _schedule(plan, job, lanes)


cdef void _name_sides(DepthwisePlan plan, const Geometry* g):
    """Which array is the input and which one the output; correlate reads both as gather reads and writes them."""
    cdef convt_depthwise_plan* p = &plan.p
    p.batch, p.groups = g.batch, g.groups
    p.inputs = g.coarse_channels if plan.scatters else g.fine_channels
    p.outputs = g.fine_channels if plan.scatters else g.coarse_channels
    name_sides(g, plan.scatters, p.in_size, p.out_size, p.in_stride, p.out_stride)
    p.out_planes = p.out_stride[0] * p.out_stride[1] * p.out_stride[2]


cdef void _choose_boxes(DepthwisePlan plan, Caches caches, const Reach* reach, int64_t lanes, bint correlates):
    """Boxes whose packed input fits the cache, and enough of them for some tasks; and how large that is."""
    cdef convt_depthwise_plan* p = &plan.p
    cdef int64_t ways = p.out_stride[2], padded = 1, room, boxes = BOXES_SUMMED if correlates else BOXES
    cdef int64_t[3] planes
    cdef int axis
    for axis in range(3):
        planes[axis] = ceil_div(p.out_size[axis], p.out_stride[axis])
        padded = times(padded, planes[axis] + reach[axis].halo)
    room = min(caches.packed // (plan.size * p.inputs * p.in_planes), ceil_div(padded, ceil_div(boxes, p.batch * p.groups)))
    _fill_boxes(p, planes, reach, min(caches.row, 2 * caches.sums // ways) // plan.size, room)
    if p.boxes[1] == 1 and p.boxes[2] == 1:
        p.slide = p.count[0] * p.rows[1]
    elif p.boxes[2] == 1 and p.rows[0] == 1:
        p.slide = p.count[1]
    p.plane_size = p.rows[0] * p.rows[1] * p.rows[2] + lanes
    p.channel_size = p.in_planes * p.plane_size
    p.chunk = max(1, min(p.count[1], caches.sums // (plan.size * ways) // p.rows[2]))
    p.chunk_size = ceil_div((p.chunk - 1) * p.rows[2] + p.count[2], lanes) * lanes


cdef void _fill_boxes(
    convt_depthwise_plan* p, const int64_t* planes, const Reach* reach, int64_t row, int64_t room
):
    """Positions of a box, and how many boxes there are: `room` positions filled from the last axis on, in short rows."""
    cdef int64_t[3] room_of = [room, room, min(room, row)]
    cdef int axis, other
    for axis in range(2, -1, -1):
        p.count[axis] = even(planes[axis], max(1, room_of[axis] - reach[axis].halo))
        p.boxes[axis] = ceil_div(planes[axis], p.count[axis])
        p.rows[axis] = p.count[axis] + reach[axis].halo
        for other in range(axis):
            room_of[other] //= p.rows[axis]


cdef int _list_planes(DepthwisePlan plan, const Geometry* g, const Tap* taps) except -1:
    """Write the phases of the planes, which the taps are sorted by."""
    cdef int64_t* phase = new_table(&plan.all_tables, plan.p.in_planes * 3)
    cdef int64_t tap, axis
    for tap in range(g.taps):
        for axis in range(3):
            phase[taps[tap].in_plane * 3 + axis] = taps[tap].plane[axis]
    plan.p.in_phase = phase
    return 0


cdef int _write_taps(DepthwisePlan plan, const Geometry* g, const Tap* taps) except -1:
    """Write the taps, plane by plane of the output; their offsets for each input channel in turn."""
    cdef convt_depthwise_plan* p = &plan.p
    cdef int64_t* first = new_table(&plan.all_tables, p.out_planes + 1)
    cdef int64_t* places = new_table(&plan.all_tables, g.taps * 3)
    cdef int64_t* reach = new_table(&plan.all_tables, g.taps * 3)
    cdef int64_t* offsets = new_table(&plan.all_tables, g.taps * p.inputs)
    cdef int64_t tap = 0, plane, channel, count = 0, each, axis
    for plane in range(p.out_planes):
        first[plane] = tap
        while tap < g.taps and taps[tap].out_plane == plane:
            tap += 1
        for channel in range(p.inputs):
            for each in range(first[plane], tap):
                offsets[count] = channel * p.channel_size + taps[each].offset
                count += 1
    first[p.out_planes] = tap
    for tap in range(g.taps):
        for axis in range(3):
            places[tap * 3 + axis] = taps[tap].at[axis]
            reach[tap * 3 + axis] = taps[tap].at[axis] * g.dilation[axis] - g.padding[axis]
            if plan.scatters:               # steps, along which nothing is skipped
                reach[tap * 3 + axis] = taps[tap].inside[axis] + p.low[axis]
    p.first_tap, p.taps, p.reach, p.offsets = first, places, reach, offsets
    return 0


cdef bint _schedule(DepthwisePlan plan, Job job, int64_t lanes) except -1:
    """Boxes of a task, scratch memory and stages; False if that is too much."""
    cdef convt_depthwise_plan* p = &plan.p
    cdef int64_t boxes = p.boxes[0] * p.boxes[1] * p.boxes[2], of_group = p.batch * boxes, units = of_group * p.groups
    cdef int64_t weights = p.inputs * p.outputs * job.g.taps, filters = weights * p.groups, of_unit, rows
    cdef double cycles
    plan.multiply_adds = <double>units * p.count[0] * ceil_div(p.count[1], p.chunk) * p.chunk_size * weights
    cycles = cycles_of(plan.multiply_adds, job) * _time_of_sum(job) + elements_moved(job) * ELEMENT
    if job.correlates:
        p.splits = min(of_group, ceil_div(SPLITS, p.groups))
        plan.scratch = weights * lanes + p.chunk_size + p.inputs * p.channel_size
        p.round_groups = even(p.groups, max(1, MOST // plan.size // (max(p.splits, 1) * weights)))
        plan.shared = p.round_groups * p.splits * weights
        p.chunks = max(1, min(of_group // max(p.splits, 1), chunks_of(cycles, p.groups * p.splits)))
        plan.rounds = ceil_div(p.groups, p.round_groups) * p.chunks
        plan.add(SPLITS_STAGE, p.round_groups * p.splits, cycles, REPEATS)
        plan.add(TOTALS_STAGE, p.round_groups, weights_moved(job) * p.splits, REPEATS)
    elif _lanes_are_channels(job, weights):
        p.channel_rows = max(1, TASK // (p.out_size[2] * p.groups * plan.size))
        rows = p.batch * p.out_size[0] * p.out_size[1]
        plan.packed = filters
        plan.add(FILTERS_STAGE, job.g.taps, weights_moved(job) * WEIGHT, PACKS)
        plan.add(CHANNELS_STAGE, ceil_div(rows, p.channel_rows), cycles)
    else:
        of_unit = (p.inputs * p.in_planes + p.outputs * p.out_planes) * plan.size * p.count[0] * p.count[1] * p.count[2]
        p.units = max(1, min(max(TASK // of_unit, boxes), units // TASKS))
        plan.scratch = weights + p.out_stride[2] * p.chunk_size + p.inputs * p.channel_size
        plan.add(BOXES_STAGE, ceil_div(units, p.units), cycles)
    plan.scratch += LINE // plan.size
    return max(plan.scratch, plan.shared) <= MOST // plan.size


cdef bint _lanes_are_channels(Job job, int64_t weights):
    """Whether channels are densest in memory, and fill vectors, and every group has one."""
    cdef const Geometry* g = &job.g
    return (
        job.channels_last and weights == g.taps <= CONVT_CHANNEL_TAPS and g.groups >= CHANNELS
        and g.taps * g.groups * g.size <= FILTERS
    )


cdef double _time_of_sum(Job job):
    cdef int64_t fewer = min(job.g.coarse_channels, job.g.fine_channels), more = max(job.g.coarse_channels, job.g.fine_channels)
    if fewer == 1 and more <= FEW:
        return SUM
    return CORRELATE_MANY if job.correlates else SUM_OF_MANY
