"""WinogradPlan: tiles, windows and blocks of a problem, as ``plan.h`` describes them.

In padded fine positions F = fine + padding, scatter's phase p at place u, F = stride * u + p, meets tap p + stride * j at the
coarse position u - j; gather's output u meets tap p + stride * j at F = stride * (u + j) + p.
"""

from .._cost cimport cycles_of, elements_moved, weights_moved, words
from .._geometry cimport Geometry
from .._job cimport Job
from .._kernels cimport lanes_of, most_rows, stage, widest
from .._plan cimport PACKS, REPEATS
from .._sizes cimport LINE, ceil_div, even, floor_div, times
from .._types cimport int64_t
from ..machine._record cimport convt_machine, share, usable_l2

from types import SimpleNamespace

__all__ = ["WinogradPlan", "winograd_plan", "winograd_suits"]

cdef enum:                                  # the same on every machine
    FEWEST_CHANNELS = 16                    # on either side, so that products outweigh transforms
    WAVE = 12 * 1024 * 1024                 # bytes of V of all blocks that are packed together
    MOST_WEIGHTS = 10 * 1024 * 1024         # bytes of U that are packed before the work starts
    MOST = 20 * 1024 * 1024                 # bytes of scratch memory with one thread
    PASSES = 8                              # of all outputs, where each reads V from far away
    OWN = 1024 * 1024                       # bytes of scratch memory of a thread that has no V and no U
    MOST_OWN = 2 * 1024 * 1024              # bytes of U and M of one pass that transforms its weights
    TASKS = 64                              # keep many cores busy

cdef struct Caches:                         # bytes; `_caches` says of what
    int64_t piece, tiles, pass_, sums, shared


cdef Caches _caches(const convt_machine* m) noexcept:
    """What a task keeps in the L1 and L2 caches of its core, in bytes."""
    cdef int64_t l1 = m.l1, l2 = usable_l2(m)
    cdef Caches c
    c.piece = min(share(l1, 1, 2), 16 * 1024)   # V that a kernel takes at once; no more, since each thread may have its U
    c.tiles = share(l2, 5, 8)               # V of a block of tiles, beside ...
    c.pass_ = min(share(l2, 5, 16), 512 * 1024)     # ... M of a pass; no more, each thread has both
    c.shared = l2                           # V of all blocks, where each core reads it again and again
    c.sums = min(2 * l2, 2 * 1024 * 1024)   # M of all blocks that are packed together, of one pass; no more, each thread has it
    return c


cdef double SUM = 1.3                       # time of a multiply-add, relative to a direct kernel's
cdef double TRANSFORMED = 0.8               # cycles for an element of a transformed window, ...
cdef double STRIDED = 1.3                   # ... whose elements are no neighbours in the input
cdef double RESULT = 0.4                    # for a product of a tile
cdef double WEIGHT = 1.2                    # for a transformed weight
cdef double READ = 0.15                     # for an element of V that is read from far away
cdef double KEPT = 0.6                      # for one that was transformed in an earlier call, and comes from far away
cdef double FETCHED = 1.5                   # for a weight that is going to be transformed
cdef double ELEMENT = 1.5                   # for an element of the arrays, which are reached by tables

cdef int WEIGHTS_STAGE = stage("winograd_weights"), TILES_STAGE = stage("winograd_tiles")
cdef int INPUT_STAGE = stage("winograd_input"), SUMS_STAGE = stage("winograd_sums")
cdef int OUTPUTS_STAGE = stage("winograd_outputs")

cdef struct Draft:                          # what the steps below tell each other
    Caches caches
    int64_t lanes
    int64_t step                            # tiles of a kernel
    int64_t inside, frame                   # tiles of all images and lattices
    int64_t u_unit                          # elements of U of a unit and a block of channels
    int64_t weights                         # bytes of U
    int64_t sums                            # bytes of M of a tile, of one unit


cdef class WinogradPlan(Plan):
    """See ``convt_cpu._plan.Plan``; `winograd_plan` makes it."""

    @property
    def tables(self):
        """All that ``plan.h`` names, and the schedule, by name: for tests."""
        return SimpleNamespace(**self.p, schedule=("by tiles", "together", "by outputs")[self.schedule])


def winograd_suits(Job job not None):
    """Whether there are channels enough that products outweigh transforms."""
    return min(job.g.coarse_channels, job.g.fine_channels) >= FEWEST_CHANNELS


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
    if plan.p.inputs < FEWEST_CHANNELS:
        return None
    plan.geometry, plan.exact = &plan.p, False
    cdef Draft d
    d.caches, d.lanes = _caches(&job.machine), lanes_of(plan.isa, plan.size)
    if not _place_tiles(plan, g, &d):
        return None
    _name_matrices(plan)
    _choose_kernel(plan, &d)
    _choose_blocks(plan, &d)
    if not _schedule(plan, &d):
        return None
    _list_stages(plan, job, &d)
    return plan


cdef bint _suits(int64_t fine, int64_t coarse, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) noexcept:
    """Whether an axis has 2 or 3 taps in each phase, and each element of both sides meets one of the other."""
    cdef int64_t reached = (coarse - 1) * stride - padding     # by the last coarse element's first tap
    cdef int64_t length
    if (dilation > 1 and stride > 1) or stride > CONVT_WINOGRAD_STRIDE or kernel % stride or not 2 <= kernel // stride <= 3:
        return False
    length = times(kernel - 1, dilation) + 1
    return 0 <= padding < length and reached < fine <= reached + length and dilation <= min(fine, coarse)


cdef bint _place_tiles(WinogradPlan plan, const Geometry* g, Draft* d):
    """Where windows and tiles lie, and how many there are; False where a tile has no room inside."""
    cdef convt_winograd_plan* p = &plan.p
    cdef int axis, source
    cdef int64_t skipped, reach, inside = g.batch
    p.batch, p.groups = g.batch, g.groups
    for axis in range(2):
        source = axis + 1                   # of the three axes that a geometry has
        p.kernel[axis], p.lattices[axis] = g.kernel[source], g.dilation[source]
        p.taps[axis] = g.kernel[source] // g.stride[source]
        p.window[axis] = p.taps[axis] + 1
        reach = (p.taps[axis] - 1) * g.dilation[source]
        if p.flips:
            skipped = g.padding[source] // g.stride[source]
            p.in_size[axis], p.in_stride[axis] = g.coarse[source], 1
            p.out_size[axis], p.out_stride[axis] = g.fine[source], g.stride[source]
            p.in_first[axis] = skipped - reach
            p.out_first[axis] = skipped * g.stride[source] - g.padding[source]
        else:
            p.in_size[axis], p.in_stride[axis] = g.fine[source], g.stride[source]
            p.out_size[axis], p.out_stride[axis] = g.coarse[source], 1
            p.in_first[axis], p.out_first[axis] = -g.padding[source], 0
        p.places[axis] = ceil_div(p.out_size[axis] - p.out_first[axis], p.out_stride[axis])
        p.low[axis] = max(0, ceil_div(-p.in_first[axis], p.in_stride[axis]))
        p.high[axis] = min(p.places[axis], floor_div(p.in_size[axis] - p.in_first[axis], p.in_stride[axis]) - reach)
        if p.high[axis] - p.low[axis] < 2 * p.lattices[axis]:
            return False
        p.tiles[axis] = ceil_div(ceil_div(p.high[axis] - p.low[axis], p.lattices[axis]), 2)
        inside *= p.lattices[axis] * p.tiles[axis]
    p.in_phases, p.out_phases = p.in_stride[0] * p.in_stride[1], p.out_stride[0] * p.out_stride[1]
    p.frame = times(p.places[0], p.places[1]) - times(p.high[0] - p.low[0], p.high[1] - p.low[1])
    d.inside, d.frame = inside, times(p.batch, p.frame)
    return _name_bands(p, 0) and _name_bands(p, 1)


cdef bint _name_bands(convt_winograd_plan* p, int axis) noexcept:
    """What the places along an axis reach; False if that were too many bands."""
    cdef convt_winograd_band band
    cdef convt_winograd_band* last = NULL
    cdef int64_t place = 0
    while place < p.places[axis]:
        band = _band_at(p, axis, place)
        if last != NULL and place != p.low[axis] and last.low != p.low[axis] and (
            band.elements == last.elements and band.phases == last.phases
        ):
            last.high = band.high
        elif p.bands[axis] == CONVT_WINOGRAD_BANDS:
            return False
        else:
            last = &p.band[axis][p.bands[axis]]
            last[0], p.bands[axis] = band, p.bands[axis] + 1
        place = band.high
    return True


cdef convt_winograd_band _band_at(const convt_winograd_plan* p, int axis, int64_t place) noexcept:
    """All places inside, or the one that is asked for."""
    cdef int64_t step = p.in_stride[axis], out = p.out_first[axis] + p.out_stride[axis] * place, i, first
    cdef convt_winograd_band band = convt_winograd_band(place, place + 1, 0, 0)
    if place == p.low[axis]:
        return convt_winograd_band(place, p.high[axis], (1 << p.taps[axis]) - 1, (1 << p.out_stride[axis]) - 1)
    for i in range(p.taps[axis]):
        first = p.in_first[axis] + step * (place + p.lattices[axis] * i)
        if -step < first < p.in_size[axis]:
            band.elements |= 1 << i
    for i in range(p.out_stride[axis]):
        if 0 <= out + i < p.out_size[axis]:
            band.phases |= 1 << i
    return band


cdef double _products_of_tiles(const convt_winograd_plan* p, const Draft* d) noexcept:
    """Of all tiles, in whole vectors: frequencies, and in the frame the taps that meet something, in phases that are there."""
    cdef double all_places = 1, inside = 1, along, tiles = ceil_div(d.inside, d.lanes) * d.lanes * p.frequencies
    cdef const convt_winograd_band* band
    cdef int64_t axis, i
    if not p.frame:
        return tiles
    for axis in range(2):
        along = 0
        for i in range(p.bands[axis]):
            band = &p.band[axis][i]
            along += (band.high - band.low) * _ones(band.elements) * _ones(band.phases)
        all_places *= along
        inside *= (p.high[axis] - p.low[axis]) * p.taps[axis] * p.out_stride[axis]
    return tiles + ceil_div(d.frame, d.lanes) * d.lanes * (all_places - inside) / (p.frame * p.out_phases)


cdef int64_t _ones(int64_t bits) noexcept:
    """How many of three bits are set."""
    return (bits & 1) + (bits >> 1 & 1) + (bits >> 2 & 1)


cdef void _name_matrices(WinogradPlan plan) noexcept:
    """Frequencies, then the taps that are none: those in the middle of three."""
    cdef convt_winograd_plan* p = &plan.p
    cdef int64_t y, x
    p.frequencies = p.matrices = p.window[0] * p.window[1]
    for y in range(p.taps[0]):
        for x in range(p.taps[1]):
            if y % (p.taps[0] - 1) or x % (p.taps[1] - 1):
                p.tap_matrix[y * p.taps[1] + x] = p.matrices
                p.matrices += 1
            else:
                p.tap_matrix[y * p.taps[1] + x] = (p.window[0] - 1) * p.window[1] * (y > 0) + (p.window[1] - 1) * (x > 0)


cdef void _choose_kernel(WinogradPlan plan, Draft* d):
    """Outputs of a unit, tiles of a kernel, and channels that it sums in one go; U is packed accordingly."""
    cdef convt_winograd_plan* p = &plan.p
    p.unit = even(p.outputs, most_rows(plan.isa))
    p.tile = widest(plan.isa, p.unit)
    d.step = p.tile * d.lanes
    p.block_channels = even(p.inputs, max(1, d.caches.piece // (d.step * plan.size * p.in_phases)))
    p.units, p.channel_blocks = ceil_div(p.outputs, p.unit), ceil_div(p.inputs, p.block_channels)
    p.u_size = ceil_div(p.block_channels * p.in_phases * p.unit + d.lanes, d.lanes) * d.lanes
    d.u_unit = p.matrices * p.out_phases * p.u_size
    d.weights = times(times(times(p.groups, p.channel_blocks), p.units), d.u_unit * plan.size)
    d.sums = p.frequencies * p.out_phases * p.unit * plan.size


cdef void _choose_blocks(WinogradPlan plan, Draft* d):
    """Tiles of a block, and the schedule: by outputs where weights are many, together where blocks are few."""
    cdef convt_winograd_plan* p = &plan.p
    cdef int64_t row = times(p.inputs, p.frequencies * p.in_phases * plan.size)      # bytes of V of a tile
    cdef int64_t most = min(CONVT_WINOGRAD_TILES, ceil_div(max(d.inside, d.frame), d.lanes) * d.lanes)
    cdef int64_t in_cache = most if times(most, row) <= d.caches.tiles else d.caches.tiles // row // d.step * d.step
    cdef int64_t steps, tiles = d.inside + d.frame
    plan.schedule = BY_TILES
    p.block_tiles = in_cache
    if d.weights > MOST_WEIGHTS or 2 * in_cache < most:
        plan.schedule = BY_OUTPUTS if d.weights > MOST_WEIGHTS else TOGETHER
        p.block_tiles = most if most < 2 * d.step else max(1, min(most, 2 * d.caches.pass_ // d.sums) // d.step) * d.step
        if plan.schedule == BY_OUTPUTS:     # blocks of a wave share their weights on one core, and are tasks on many
            steps = ceil_div(tiles, d.step)
            p.block_tiles = min(p.block_tiles, max(1, steps // ceil_div(TASKS, p.groups * p.units)) * d.step)
    elif p.groups * ceil_div(tiles, in_cache) < TASKS and times(tiles * p.groups, row) <= d.caches.shared:
        plan.schedule = TOGETHER
    p.inside_blocks = ceil_div(d.inside, p.block_tiles)
    p.blocks = p.inside_blocks + ceil_div(d.frame, p.block_tiles)
    p.pitch = p.block_tiles
    if p.pitch * plan.size % 256 == 0 and p.pitch > d.step:
        p.pitch += LINE // plan.size        # channels at such distances would meet in the L1 cache
    p.v_size = _odd_lines(p.block_channels * p.in_phases * p.pitch, plan.size)


cdef bint _schedule(WinogradPlan plan, const Draft* d):
    """Passes, blocks of a wave and scratch memory; False if that is too much."""
    cdef convt_winograd_plan* p = &plan.p
    cdef int64_t of_block = times(p.channel_blocks, p.frequencies * p.v_size * plan.size), sums = d.sums * p.block_tiles
    cdef int64_t room, scratch, own_u, own, weights = d.weights, shared = 0
    p.pass_ = max(1, min(d.caches.pass_ // sums, p.units))
    p.waves.wave = p.waves.groups = 1
    if plan.schedule == BY_TILES:
        scratch = of_block + p.pass_ * sums
    else:
        room = WAVE if plan.schedule == BY_OUTPUTS else min(WAVE, MOST - OWN - d.weights)
        p.waves.wave = min(p.blocks, max(1, room // of_block))
        if plan.schedule == BY_OUTPUTS:
            p.kept = plan.constant
            own_u = 0 if p.kept else d.u_unit * plan.size
            own = min(MOST_OWN, MOST - p.waves.wave * of_block) - CONVT_WINOGRAD_LISTS
            p.pass_ = min(min(p.pass_, p.units // PASSES), d.caches.sums // (p.waves.wave * sums))
            p.pass_ = max(1, min(p.pass_, own // (own_u + p.waves.wave * sums)))
            p.waves.wave = min(p.waves.wave, max(1, d.caches.sums // (p.pass_ * sums)))
        p.waves.groups = max(1, min(p.groups, room // of_block // p.blocks)) if p.waves.wave == p.blocks else 1
        plan.rounds = ceil_div(p.groups, p.waves.groups) * ceil_div(p.blocks, p.waves.wave)
        shared = p.waves.groups * p.waves.wave * of_block
        scratch = p.pass_ * sums
        if plan.schedule == BY_OUTPUTS:
            scratch, weights = p.pass_ * (own_u + p.waves.wave * sums), weights if p.kept else 0
    scratch += CONVT_WINOGRAD_LISTS
    if scratch + (0 if plan.constant else weights) + shared > MOST:
        return False
    plan.scratch, plan.packed, plan.shared = scratch // plan.size, weights // plan.size, shared // plan.size
    return True


cdef int _list_stages(WinogradPlan plan, Job job, const Draft* d) except -1:
    """The schedule as stages, and what each costs."""
    cdef convt_winograd_plan* p = &plan.p
    cdef int64_t of_inputs = p.inputs * p.in_phases, of_outputs = p.outputs * p.out_phases
    cdef int64_t taps = p.taps[0] * p.taps[1]
    cdef double products = <double>p.groups * of_inputs * of_outputs
    cdef double of_tiles = <double>p.groups * d.inside * p.frequencies * words(job), of_frame = <double>p.groups * d.frame * words(job)
    cdef double moved = (of_tiles + of_frame * taps) * of_inputs
    cdef double packing = moved * (STRIDED if p.in_phases > 1 else TRANSFORMED)
    cdef double weights = products * p.matrices * words(job) * WEIGHT + weights_moved(job) * FETCHED
    plan.multiply_adds = products * _products_of_tiles(p, d)
    cdef double sums = cycles_of(plan.multiply_adds, job) * SUM + (of_tiles + of_frame) * of_outputs * RESULT
    sums += elements_moved(job) * ELEMENT
    cdef double of_block = moved / (p.groups * p.blocks) * READ, restart
    cdef int64_t tasks
    if plan.schedule != BY_OUTPUTS or p.kept:
        plan.add(WEIGHTS_STAGE, p.groups * p.channel_blocks * p.units, weights, PACKS)
    if plan.schedule == BY_TILES:
        plan.add(TILES_STAGE, p.groups * p.blocks * p.units, sums + packing, 0, p.units)
        plan.starts(packing / (p.groups * p.blocks))
        return 0
    plan.add(INPUT_STAGE, p.waves.groups * p.waves.wave * p.channel_blocks, packing, REPEATS)
    if plan.schedule == TOGETHER:
        plan.add(SUMS_STAGE, p.waves.groups * p.waves.wave * p.units, sums, REPEATS, p.units)
        plan.starts(of_block)
    else:
        tasks = p.waves.groups * p.units * p.waves.wave
        if p.kept:
            weights = products * p.matrices * words(job) * KEPT
        restart = weights / (p.groups * p.units)
        weights *= ceil_div(p.blocks, p.waves.wave)
        plan.add(OUTPUTS_STAGE, tasks, sums + weights, REPEATS, p.pass_ * p.waves.wave)
        plan.starts(of_block * p.waves.wave, restart, p.waves.wave)
    return 0


cdef int64_t _odd_lines(int64_t elements, int64_t size) noexcept:
    """At least so many elements, in an odd number of cache lines: matrices at such distances do not meet in L1."""
    return (ceil_div(elements * size, LINE) | 1) * LINE // size
