"""ThinPlan: how lanes, channels and positions are cut into tasks; ``plan.h`` says what the sizes are."""

from .._cost cimport cycles_of, elements_moved, weights_moved, words
from .._geometry cimport positions_of, weights_of
from .._job cimport Job
from .._kernels cimport has_kernel, lanes_of, most_rows, stage, widest, widest_within
from .._plan cimport REPEATS
from .._sizes cimport LINE, ceil_div, even, times
from .._types cimport int64_t
from ..machine._record cimport convt_machine, share, usable_l2

from types import SimpleNamespace

__all__ = ["ThinPlan", "thin_plan", "thin_suits"]

cdef enum:                                  # the same on every machine
    LANES = 4096                            # bytes of a task's lanes of one channel: a page, which is fetched from memory ahead
    MOST_COLUMNS = 2 * 1024 * 1024          # bytes of a task's columns
    CHANNELS = 16                           # that scatter reads before the next lanes
    LEAST_BLOCK = 4096                      # bytes of one of the columns that gather reads before the next channels
    RUN = 48                                # positions of a task of gather
    DOTS = 4                                # channels of a kernel of gather
    MOST_CHANNELS = 32                      # that one core does at once in gather
    TASKS = 64                              # keep many cores busy
    RUNS_OF_ALL = 16                        # channels that one core does at once: those of a page, if all have so many pages
    SHARED = 12 * 1024 * 1024               # bytes of what all tasks read: rows or columns
    WEIGHTS = 256 * 1024                    # in number: fewer are not worth it

cdef struct Caches:                         # bytes; `_caches` says of what
    int64_t columns, panel, block


cdef Caches _caches(const convt_machine* m) noexcept:
    """What a task keeps in the L2 cache of its core, in bytes."""
    cdef int64_t l2 = usable_l2(m)
    cdef Caches c
    c.columns = share(l2, 1, 4)             # a task's columns, if a page of lanes has room for several channels
    c.panel = share(l2, 1, 8)               # the weights that scatter copies
    c.block = share(l2, 1, 8)               # the columns that gather reads before the next channels
    return c


cdef struct OfMap:                          # what differs from map to map
    double scatter, gather, correlate

cdef OfMap SUM = OfMap(1.2, 2.0, 1.15)      # time of a multiply-add, relative to a direct kernel's
cdef OfMap POSITIONS = OfMap(128, 1024, 256)    # at most
cdef double MOVED = 1.0                     # cycles for an element of columns that is gathered or added up
cdef double WEIGHT = 0.8                    # for a weight that is read or written where it lies
cdef double ELEMENT = 1.3                   # for an element of the arrays

cdef int ROWS_STAGE = stage("thin_rows"), LANES_STAGE = stage("thin_lanes")
cdef int COLUMNS_STAGE = stage("thin_columns"), DOTS_STAGE = stage("thin_dots")


cdef class ThinPlan(Plan):
    """See ``convt_cpu._plan.Plan``; `thin_plan` makes it."""

    @property
    def tables(self):
        """All that ``plan.h`` names, by name: for tests."""
        return SimpleNamespace(**{**self.p.g, **self.p})


def thin_suits(Job job not None):
    """Whether there are many weights and few positions."""
    return job.g.groups == 1 and weights_of(&job.g) >= WEIGHTS and positions_of(&job.g) <= _of_map(POSITIONS, job)


def thin_plan(Job job not None):
    """The plan of a map; None where buffers would grow too large."""
    cdef ThinPlan plan = ThinPlan(job)
    plan.geometry = &plan.p
    plan.p.g, plan.p.inputs, plan.p.outputs = job.g, job.g.coarse_channels, job.g.fine_channels
    plan.p.positions = positions_of(&job.g)
    cdef Caches caches = _caches(&job.machine)
    if not (_cut_positions(plan, caches) if job.gathers else _cut_lanes(plan, caches)):
        return None
    _list_stages(plan, job)
    return plan


cdef bint _cut_lanes(ThinPlan plan, Caches caches):
    """For scatter and correlate, whose tasks own the lanes of some fine channels; False where buffers would grow too large."""
    cdef convt_thin_plan* p = &plan.p
    cdef int64_t size = plan.size, rows = p.positions if plan.scatters else p.inputs
    cdef int64_t beside = p.inputs if plan.scatters else p.positions            # elements of a row
    cdef int64_t all_positions, channels, lanes, padded, columns, more
    p.unit = even(rows, most_rows(plan.isa))
    p.waves.wave = ceil_div(rows, p.unit)
    all_positions = p.waves.wave * p.unit if plan.scatters else p.positions
    channels = max(1, min(min(LANES, caches.columns // all_positions) // (p.g.taps * size), p.outputs // RUNS_OF_ALL))
    p.part = max(1, min(channels, p.outputs // TASKS))
    p.parts = channels // p.part
    lanes = p.parts * p.part * p.g.taps
    p.width = _width(plan, lanes)
    padded = ceil_div(lanes, p.width) * p.width
    p.pitch = padded + LINE // size         # positions, else 4 KB apart, would meet in few sets of the caches
    columns, p.tile_size = times(all_positions, p.pitch * size), times(p.unit, beside)
    plan.shared = times(p.waves.wave, p.tile_size)
    if columns > MOST_COLUMNS or plan.shared > SHARED // size:
        return False
    p.block = min(p.inputs, CHANNELS if p.waves.wave == 1 else max(CHANNELS, caches.panel // (p.pitch * size)))
    more = p.block * p.pitch if plan.scatters else p.unit * p.width
    plan.multiply_adds = <double>p.g.groups * ceil_div(p.outputs, p.parts * p.part) * padded * plan.shared
    p.waves.groups = max(1, min(p.g.groups, SHARED // size // max(plan.shared, 1)))
    plan.rounds = ceil_div(p.g.groups, p.waves.groups)
    plan.scratch, plan.shared = columns // size + more, p.waves.groups * plan.shared
    return True


cdef int64_t _width(ThinPlan plan, int64_t lanes):
    """The most lanes of a kernel that fill it up; if none does, the most."""
    cdef int64_t vector = lanes_of(plan.isa, plan.size), most = ceil_div(lanes, vector), vectors
    for vectors in range(min(most, widest(plan.isa, plan.p.unit)), 0, -1):
        if has_kernel(plan.isa, plan.p.unit, vectors) and lanes % (vectors * vector) == 0:
            return vectors * vector
    return widest_within(plan.isa, plan.p.unit, most) * vector


cdef bint _cut_positions(ThinPlan plan, Caches caches):
    """For gather, whose tasks own some coarse channels at some positions; False where a column would be too large."""
    cdef convt_thin_plan* p = &plan.p
    cdef int64_t size = plan.size, vector = lanes_of(plan.isa, size), column
    p.part, p.unit, p.width = p.outputs, 1, vector
    p.pitch = ceil_div(p.outputs * p.g.taps, vector) * vector + LINE // size
    column = p.pitch * size
    if column > SHARED:
        return False
    p.waves.wave = even(p.positions, SHARED // column)
    p.waves.groups = max(1, min(p.g.groups, SHARED // column // p.waves.wave)) if p.waves.wave == p.positions else 1
    plan.rounds = ceil_div(p.g.groups, p.waves.groups) * ceil_div(p.positions, p.waves.wave)
    p.run = even(p.waves.wave, RUN)
    p.channels = min(MOST_CHANNELS, ceil_div(ceil_div(p.inputs, RUNS_OF_ALL), DOTS) * DOTS)
    p.block = max(LEAST_BLOCK, caches.block // p.run) // size // vector * vector
    plan.multiply_adds = <double>p.positions * p.pitch * (ceil_div(p.inputs, DOTS) * DOTS) * p.g.groups
    plan.scratch = p.channels * p.run * vector + DOTS * p.block
    plan.shared = p.waves.groups * p.waves.wave * p.pitch
    return True


cdef int _list_stages(ThinPlan plan, Job job) except -1:
    """The schedule as stages, and what each costs."""
    cdef convt_thin_plan* p = &plan.p
    cdef double sums = cycles_of(plan.multiply_adds, job) * _of_map(SUM, job) + weights_moved(job) * WEIGHT
    cdef double moved = <double>p.positions * p.g.groups * p.outputs * p.g.taps * MOVED * words(job)
    cdef double elements = elements_moved(job) * ELEMENT
    cdef int64_t tasks
    if job.gathers:
        plan.add(COLUMNS_STAGE, p.waves.groups * p.waves.wave, moved + elements, REPEATS)
        tasks = p.waves.groups * ceil_div(p.inputs, p.channels) * ceil_div(p.waves.wave, p.run) * (p.channels // DOTS)
        plan.add(DOTS_STAGE, tasks, sums, REPEATS, p.channels // DOTS)
        return 0
    cdef double rows = p.positions * p.g.groups * p.inputs * ELEMENT * words(job)
    plan.add(ROWS_STAGE, p.waves.groups * p.waves.wave, rows, REPEATS)
    plan.add(LANES_STAGE, p.waves.groups * ceil_div(p.outputs, p.part), sums + moved + elements - rows, REPEATS, p.parts)
    return 0


cdef double _of_map(OfMap values, Job job) noexcept:
    return values.scatter if job.scatters else values.gather if job.gathers else values.correlate
