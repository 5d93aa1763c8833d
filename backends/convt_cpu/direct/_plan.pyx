"""DirectPlan: planes, taps and strips of a problem, as the tables that ``plan.h`` describes.

Along each axis, tap t of coarse position q meets the fine element ``q * stride + tap * dilation - padding``, which lies in
the phase ``(tap * dilation - padding) mod stride``, at position q + steps of that phase. So gather reads the fine phases at
q + steps, and scatter writes each fine phase from the coarse array at its own position - steps.

`../_taps.pxd` knows the planes, `_strips.pxd` cuts them; here they become a plan.
"""

from .._cost cimport cycles_of, elements_moved, evenness, weights_moved, words
from .._geometry cimport Geometry, name_sides
from .._job cimport Job
from .._kernels cimport has_kernel, lanes_of, most_rows, stage, widest
from .._memory cimport allocate, release
from .._plan cimport PACKS, REPEATS
from .._sizes cimport LINE, ceil_div, even, times
from .._tables cimport as_list, as_rows, new_table
from .._taps cimport Tap, lines_of, list_taps, number_planes, place, reach_along, sort_by_reads
from .._types cimport int64_t
from ._draft cimport (
    COLUMN_VECTORS, Draft, FEWEST_INPUTS, FEW_STRIPS, LEAST_SUMS, MEETS, MOST, MOST_PHASES, MOST_STRIP, MOST_SUMS,
    MOST_TAPS, MOST_WEIGHTS, MUCH, OWN, PASSES, PIECES, PREFETCH, SHORTEST, STRIPS, TASKS, WAVE, caches_of,
)
from ._offsets cimport even_step
from ._strips cimport Strips, computed, cut, number_of, packed, span_of

from types import SimpleNamespace

__all__ = ["DirectPlan", "direct_plan"]

cdef double PACKED = 0.6                    # cycles for an element of a packed strip
cdef double AGAIN = 0.35                    # for one that a pass reads from far away
cdef double NEAR = 0.1                      # for a weight that a strip reads from the L2 cache, ...
cdef double FAR = 0.6                       # ... and from beyond
cdef double DEARER = 1.02                   # what shorter strips may cost
cdef double KEPT = 0.4                      # for one that was packed in an earlier call, and comes from far away
cdef double WEIGHT = 2.2                    # for a packed weight, which comes from far away
cdef double ELEMENT = 1.3                   # for an element of the arrays

cdef int WEIGHTS_STAGE = stage("direct_weights"), STRIPS_STAGE = stage("direct_strips"), PACK_STAGE = stage("direct_pack")
cdef int SUMS_STAGE = stage("direct_sums"), OUTPUTS_STAGE = stage("direct_outputs")

cdef double PADDED = 1.03                   # by how much positions may grow where strips are halved, whose sums all wait
cdef double[3] FEW = [0, 2.2, 1.4]          # so few outputs' taps are columns, unless halos grow a strip by more than this


cdef class DirectPlan(Plan):
    """See ``convt_cpu._plan.Plan``; `direct_plan` makes it."""

    @property
    def tables(self):
        """All that ``plan.h`` names, and the schedule, by name: for tests."""
        cdef convt_direct_plan* p = &self.p
        cdef int64_t taps = p.first_tap[p.out_planes]
        cdef int64_t columns = p.first_column[p.column_units]
        return SimpleNamespace(
            batch=p.batch, groups=p.groups, inputs=p.inputs, outputs=p.outputs, in_size=p.in_size, out_size=p.out_size,
            in_stride=p.in_stride, out_stride=p.out_stride, in_planes=p.in_planes, out_planes=p.out_planes,
            in_phase=as_rows(p.in_phase, p.in_planes, 3), in_shift=as_rows(p.in_shift, p.in_planes, 3),
            first_tap=as_list(p.first_tap, p.out_planes + 1), taps=as_rows(p.taps, taps, 3),
            offsets=as_list(p.offsets, taps), even=p.even, ahead=p.ahead, count=p.count, strips=p.strips,
            rows=p.rows, slices=p.slices, slab=p.slab, sums_pitch=p.sums_pitch, positions=p.positions, plane_size=p.plane_size,
            channel_size=p.channel_size, span=p.span, span_size=p.span_size, strip_size=p.strip_size, block=p.block,
            chunk=p.chunk, tile=p.tile, unit=p.unit, pass_=p.pass_,
            first_column=as_list(p.first_column, p.column_units + 1),
            column=as_rows(<const int64_t*>p.column, columns, 5), schedule=("by strips", "together", "by outputs")[self.schedule],
            units=p.units, all_strips=p.all_strips, waves=p.waves,
        )


def direct_plan(Job job not None):
    """The plan of a map; None where the engine's buffers would grow too large."""
    cdef const Geometry* g = &job.g
    if job.correlates or g.taps > MOST_TAPS or times(times(g.stride[0], g.stride[1]), g.stride[2]) > MOST_PHASES:
        return None
    cdef DirectPlan plan = DirectPlan(job)
    plan.geometry = &plan.p
    cdef Tap* taps = <Tap*>allocate(g.taps * sizeof(Tap))
    try:
        return plan if _planned(plan, job, taps) else None
    finally:
        release(taps)


cdef bint _planned(DirectPlan plan, Job job, Tap* taps) except -1:
    """Plan step by step; False where a buffer would grow too large."""
    cdef const Geometry* g = &job.g
    cdef Draft d
    cdef Strips s
    d.caches, d.taps, d.lanes, d.few = caches_of(&job.machine), g.taps, lanes_of(plan.isa, plan.size), False
    _name_sides(plan, g)
    _measure_reach(plan, g, &d)
    if times(times(1 + d.halo[0], 1 + d.halo[1]), 1 + d.halo[2]) * plan.size > WAVE:
        return False                        # of the packed positions that a single one needs
    list_taps(g, plan.scatters, d.reach, d.copied, taps)
    plan.p.in_planes = number_planes(taps, d.taps)
    _choose_kernel(plan, &d)
    s = _choose_strips(plan, &d)
    if not _lay_out_strip(plan, &d, &s):
        return False
    _list_planes(plan, &d, taps)
    place(taps, d.taps, plan.p.rows, plan.p.plane_size)
    sort_by_reads(taps, d.taps)
    _write_taps(plan, &d, taps)
    _write_columns(plan, &d, taps)
    if not _schedule(plan, &d, lines_of(taps, d.taps, d.lanes, plan.p.tile)):
        return False
    _list_stages(plan, job, &d)
    return True


cdef void _name_sides(DirectPlan plan, const Geometry* g):
    """Which array is the input and which one the output."""
    cdef convt_direct_plan* p = &plan.p
    p.batch, p.groups = g.batch, g.groups
    p.inputs = g.coarse_channels if plan.scatters else g.fine_channels
    p.outputs = g.fine_channels if plan.scatters else g.coarse_channels
    name_sides(g, plan.scatters, p.in_size, p.out_size, p.in_stride, p.out_stride)
    p.out_planes = p.out_stride[0] * p.out_stride[1] * p.out_stride[2]


cdef void _measure_reach(DirectPlan plan, const Geometry* g, Draft* d):
    """Halos, and where a plane is packed once per shift: where the halo is large beside a row, and pays for many outputs."""
    cdef int axis
    cdef int64_t paid = plan.p.outputs // 16
    for axis in range(3):
        d.reach[axis] = reach_along(g, axis, plan.scatters)
        d.planes[axis] = ceil_div(plan.p.out_size[axis], plan.p.out_stride[axis])
    cdef int64_t halo = d.reach[2].halo
    d.copied[0] = False
    d.copied[2] = halo < paid and 10 * halo >= d.planes[2] + halo
    d.copied[1] = d.copied[2] and d.reach[1].halo < paid and d.planes[1] <= 4
    for axis in range(3):
        d.halo[axis] = 0 if d.copied[axis] else d.reach[axis].halo
    d.any_halo = d.halo[0] > 0 or d.halo[1] > 0 or d.halo[2] > 0


cdef void _choose_kernel(DirectPlan plan, Draft* d):
    """Outputs and vectors of a kernel: the most outputs that are equal parts of all, then the most vectors."""
    cdef convt_direct_plan* p = &plan.p
    p.unit = even(p.outputs, most_rows(plan.isa))
    p.tile = widest(plan.isa, p.unit)
    d.units = ceil_div(p.outputs, p.unit)
    cdef int64_t last = p.outputs - (d.units - 1) * p.unit
    while not has_kernel(plan.isa, last, p.tile) or not has_kernel(plan.isa, p.unit, p.tile):
        p.tile -= 1                         # what is packed tile by tile is read tile by tile, by the last unit too
    d.weights = p.groups * p.inputs * p.outputs * d.taps * plan.size


cdef Strips _choose_strips(DirectPlan plan, Draft* d):
    """Strips, and the schedule: by outputs where there are many weights for few strips, together where strips are near."""
    cdef convt_direct_plan* p = &plan.p
    cdef bint sliced = d.any_halo and p.outputs > 2, flat = not d.halo[0] and not d.halo[1], few, near
    cdef int64_t target = _positions(plan, d)
    cdef Strips s
    if d.any_halo and p.outputs <= 2 and p.inputs >= FEWEST_INPUTS:
        s = cut(p.batch, d.planes, d.halo, _positions_of_columns(plan, d), d.lanes, False)
        d.few = packed(&s) < FEW[p.outputs] * s.positions
        if d.few:
            return s
    s = cut(p.batch, d.planes, d.halo, target, d.lanes, sliced)
    plan.schedule = BY_STRIPS
    if d.weights > MOST_WEIGHTS:
        plan.schedule = BY_OUTPUTS
    elif number_of(&s) * p.groups < TASKS and computed(&s) * p.groups * p.inputs * p.outputs * d.taps > MUCH:
        few = number_of(&s) * p.groups < FEW_STRIPS < d.units
        near = d.units > 1 and (_packed_bytes(plan, &s) <= d.caches.shared or _outweighs(plan, d))
        # Weights are packed where they are used if writing them and reading them back from far away is dearer: if one strip
        # meets them, or few do in a gather, whose filters of an output lie in one piece. Strips are halved for more tasks.
        if few and (flat and (number_of(&s) == 1 or not plan.scatters) or not near):
            plan.schedule = BY_OUTPUTS
        else:
            plan.schedule = TOGETHER if near else BY_STRIPS
            s = _finer(plan, d, s, target, sliced, d.units if near else 1)
    if plan.schedule == BY_OUTPUTS and flat:
        s = _halved(plan, d, s, target, sliced)
    return s


cdef Strips _halved(DirectPlan plan, const Draft* d, Strips s, int64_t target, bint sliced):
    """Shorter strips of a wave, halved once so that the sums of all are few, and again as long as there are few tasks."""
    cdef convt_direct_plan* p = &plan.p
    cdef Strips shorter, whole = s
    cdef bint first = True
    while first or number_of(&s) * p.groups * d.units < TASKS and target >= 2 * p.tile * d.lanes:
        target, first = target // 2, False
        shorter = cut(p.batch, d.planes, d.halo, target, d.lanes, sliced)
        if computed(&shorter) > PADDED * computed(&whole):
            break
        s = shorter
    return s


cdef int64_t _packed_bytes(DirectPlan plan, const Strips* s):
    """Of all strips."""
    cdef convt_direct_plan* p = &plan.p
    return times(times(p.groups * number_of(s), packed(s)), p.inputs * p.in_planes * plan.size)


cdef Strips _finer(DirectPlan plan, const Draft* d, Strips s, int64_t target, bint sliced, int64_t tasks):
    """More and shorter strips than these few, each of so many tasks, as long as they cost little more."""
    cdef double most = _cycles_of_strips(plan, d, &s) * DEARER
    cdef Strips shorter
    tasks *= plan.p.groups
    while number_of(&s) * tasks < TASKS and target > SHORTEST * d.lanes:
        target = target * 7 // 8
        shorter = cut(plan.p.batch, d.planes, d.halo, target, d.lanes, sliced)
        if evenness(number_of(&shorter) * tasks) > evenness(number_of(&s) * tasks) and _cycles_of_strips(plan, d, &shorter) <= most:
            s = shorter
    return s


cdef double _cycles_of_strips(DirectPlan plan, const Draft* d, const Strips* s):
    """What strips of one group cost, as far as it depends on how many there are."""
    cdef convt_direct_plan* p = &plan.p
    cdef double weights = <double>p.inputs * p.outputs * d.taps, read = weights * (FAR if d.weights > d.caches.near else NEAR)
    cdef double strip = packed(s) * p.inputs * p.in_planes * PACKED, moved = number_of(s) * (strip + read) * plan.size / 4.0
    return computed(s) * weights / (2 * d.lanes) + moved


cdef bint _outweighs(DirectPlan plan, const Draft* d):
    """Whether a packed element meets so many multiply-adds that it may come from another core's cache."""
    return plan.p.outputs * d.taps >= MEETS * plan.p.in_planes * d.lanes


cdef int64_t _positions(DirectPlan plan, const Draft* d):
    """Positions of a strip: the more, the fewer halos; but inputs and sums stay in L2, and there is work for all."""
    cdef convt_direct_plan* p = &plan.p
    cdef int64_t all_positions = p.batch * p.groups * d.planes[0] * d.planes[1] * d.planes[2]
    cdef int64_t of_inputs = p.inputs * p.in_planes * plan.size, of_sums = min(p.outputs, 14) * p.out_planes * plan.size
    cdef int64_t most = min(d.caches.strip // of_inputs, d.caches.strip_sums // of_sums, all_positions // STRIPS)
    cdef int64_t least = d.caches.positions // plan.size
    return max(least, most) if d.halo[0] or d.halo[1] else least


cdef int64_t _positions_of_columns(DirectPlan plan, const Draft* d):
    """The same where taps are columns: the input is packed slab by slab, so only the sums must stay in L2."""
    cdef convt_direct_plan* p = &plan.p
    cdef int64_t all_positions = p.batch * p.groups * d.planes[0] * d.planes[1] * d.planes[2]
    cdef int64_t most = min(d.caches.strip_sums // (p.outputs * p.out_planes * plan.size), all_positions // FEW_STRIPS)
    return max(d.caches.positions // plan.size, most)


cdef bint _lay_out_strip(DirectPlan plan, Draft* d, const Strips* s):
    """Sizes of a packed strip; False where it, or the sums of one unit, would be too large for any schedule."""
    cdef convt_direct_plan* p = &plan.p
    cdef int axis
    cdef int64_t furthest
    for axis in range(4):
        p.count[axis], p.strips[axis] = s.count[axis], s.strips[axis]
    for axis in range(3):
        p.rows[axis] = s.rows[axis]
    p.slices, p.slice, p.positions = s.slices, s.positions // s.slices, s.positions
    p.sums_pitch[0], p.sums_pitch[1] = s.sums_pitch[0], s.sums_pitch[1]
    p.all_strips = number_of(s)
    d.spans = 1
    if d.any_halo:
        furthest = (d.halo[0] * p.rows[1] + d.halo[1]) * p.rows[2] + d.halo[2]
        p.plane_size = max(furthest + span_of(s), packed(s))
        if d.few:
            p.slab = max(1, d.caches.slab // (p.inputs * p.in_planes * plan.size * p.rows[2]))
            p.slab = min(p.slab, p.count[0] * p.rows[0] * p.rows[1])
            p.plane_size, p.tile = ceil_div(p.slab * p.rows[2], d.lanes) * d.lanes, COLUMN_VECTORS
        # An odd number of cache lines: else some channels would meet in few sets of the L1 cache.
        p.channel_size = times(p.in_planes, p.plane_size)
        p.channel_size = (ceil_div(p.channel_size * plan.size, LINE) // 2 * 2 + 1) * LINE // plan.size
        p.span, p.span_size = p.plane_size, 0
    else:
        p.plane_size = p.span = p.tile * d.lanes
        p.channel_size = p.in_planes * p.plane_size
        p.span_size, d.spans = times(p.inputs, p.channel_size), ceil_div(p.positions, p.span)
    p.strip_size = times(times(p.inputs, p.channel_size), d.spans)
    return (
        p.strip_size <= (MOST_STRIP if plan.schedule == BY_STRIPS else WAVE) // plan.size
        and times(p.out_planes * p.unit * plan.size, p.positions) <= MOST_SUMS
    )


cdef int _list_planes(DirectPlan plan, const Draft* d, const Tap* taps) except -1:
    """Write the phases and the starts of the packed planes, which the taps are sorted by."""
    cdef int64_t* phase = new_table(&plan.all_tables, plan.p.in_planes * 3)
    cdef int64_t* start = new_table(&plan.all_tables, plan.p.in_planes * 3)
    cdef int64_t tap, axis
    for tap in range(d.taps):
        for axis in range(3):
            phase[taps[tap].in_plane * 3 + axis] = taps[tap].plane[axis]
            start[taps[tap].in_plane * 3 + axis] = taps[tap].plane[axis + 3]
    plan.p.in_phase, plan.p.in_shift = phase, start
    return 0


cdef int _write_taps(DirectPlan plan, const Draft* d, const Tap* taps) except -1:
    """Write the taps in the order in which they lie now, plane by plane of the output."""
    cdef convt_direct_plan* p = &plan.p
    cdef int64_t* first = new_table(&plan.all_tables, p.out_planes + 1)
    cdef int64_t* places = new_table(&plan.all_tables, d.taps * 3)
    cdef int64_t* offsets = new_table(&plan.all_tables, d.taps)
    cdef int64_t tap = 0, plane, axis, most = 0
    for plane in range(p.out_planes):
        first[plane] = tap
        while tap < d.taps and taps[tap].out_plane == plane:
            for axis in range(3):
                places[tap * 3 + axis] = taps[tap].at[axis]
            offsets[tap] = taps[tap].offset
            tap += 1
        most = max(most, tap - first[plane])
    first[p.out_planes] = tap
    p.first_tap, p.taps, p.offsets = first, places, offsets
    p.even = even_step(p, d.taps)
    p.ahead = p.even * PREFETCH if p.even else ceil_div(PREFETCH, most) * p.channel_size
    return 0


cdef int _write_columns(DirectPlan plan, Draft* d, const Tap* taps) except -1:
    """Units of (tap, output) pairs that read the same plane, as many as a kernel has rows, where outputs are few."""
    cdef convt_direct_plan* p = &plan.p
    cdef int64_t pairs = d.taps * p.outputs if d.few else 0
    cdef int64_t* first = new_table(&plan.all_tables, pairs + 1)
    cdef convt_column* column = <convt_column*>new_table(&plan.all_tables, pairs * 5)
    cdef int64_t plane, tap, output, unit, units, before = 0, count = 0, longest = 0
    first[0] = 0
    for plane in range(p.in_planes if d.few else 0):
        for tap in range(d.taps):
            for output in range(p.outputs if taps[tap].in_plane == plane else 0):
                column[count] = convt_column(tap, output, plane, taps[tap].out_plane, taps[tap].shift)
                count += 1
        units = ceil_div(count - before, most_rows(plan.isa))
        for unit in range(1, units + 1):
            p.column_units += 1
            first[p.column_units] = before + (count - before) * unit // units
            longest = max(longest, first[p.column_units] - first[p.column_units - 1])
        before = count
    p.first_column, p.column = first, column
    d.columns = longest * p.plane_size
    return 0


cdef bint _schedule(DirectPlan plan, const Draft* d, int64_t lines):
    """Cut channels and outputs; False where buffers would grow too large. A tile touches so many lines of a channel."""
    cdef convt_direct_plan* p = &plan.p
    cdef int64_t size = plan.size, strip = p.strip_size * size, sums = p.out_planes * p.unit * p.positions * size
    cdef int64_t of_channel = p.unit * d.taps * size, at_once, scratch, weights = d.weights, shared = 0
    cdef int64_t block = d.caches.own_block if plan.schedule == BY_OUTPUTS else d.caches.block
    p.block = ceil_div(p.inputs, ceil_div(p.inputs, max(8, block // (lines * d.lanes * size))))
    p.chunk = p.inputs
    p.units = 1 if d.few else d.units
    p.waves.wave = p.waves.groups = p.pieces = 1
    if plan.schedule != BY_STRIPS:
        p.waves.wave = min(p.all_strips, max(1, WAVE // strip))
        if plan.schedule == BY_OUTPUTS:
            p.waves.wave = min(p.waves.wave, max(1, d.caches.all_sums // sums))
        p.waves.groups = max(1, min(p.groups, WAVE // strip // p.all_strips)) if p.waves.wave == p.all_strips else 1
        p.pieces = max(1, min(min(PIECES, p.inputs), ceil_div(TASKS, p.waves.wave * p.waves.groups)))
        plan.rounds = ceil_div(p.groups, p.waves.groups) * ceil_div(p.all_strips, p.waves.wave)
        shared = p.waves.groups * p.waves.wave * strip
    if plan.schedule == BY_OUTPUTS:
        at_once = max(1, min(d.caches.all_sums // (p.waves.wave * sums), d.units // PASSES))
        p.chunk = min(p.inputs, p.block * max(1, d.caches.chunk // (p.block * at_once * of_channel)))
        p.kept = plan.constant
        scratch, weights = at_once * ((0 if p.kept else p.chunk * of_channel) + p.waves.wave * sums), weights if p.kept else 0
    else:
        at_once = max(1, min(d.caches.sums // sums, d.units))
        if plan.schedule == BY_STRIPS and at_once * sums > LEAST_SUMS:
            at_once = max(1, min(at_once, max(LEAST_SUMS, OWN - strip) // sums))
        scratch = at_once * sums + (strip + d.columns * size if plan.schedule == BY_STRIPS else 0)
    if scratch + (0 if plan.constant else weights) + shared > MOST:
        return False
    p.pass_ = at_once * p.unit
    plan.scratch, plan.packed, plan.shared = scratch // size, weights // size, shared // size
    return True


cdef int _list_stages(DirectPlan plan, Job job, const Draft* d) except -1:
    """The schedule as stages, and what each costs."""
    cdef convt_direct_plan* p = &plan.p
    cdef int64_t rows = p.count[0] * p.rows[0] * p.rows[1] * p.rows[2]
    cdef int64_t of_strip = p.inputs * p.in_planes * rows if p.slab else p.strip_size
    cdef double strips = <double>p.groups * p.all_strips, positions = rows if d.few else p.positions
    cdef double moved = strips * of_strip * words(job), weights = weights_moved(job) * (KEPT if p.kept else WEIGHT)
    cdef double elements = elements_moved(job) * ELEMENT, read
    cdef int64_t tasks
    plan.multiply_adds = strips * positions * p.inputs * p.outputs * d.taps
    cdef double sums = cycles_of(plan.multiply_adds, job) + elements
    if plan.schedule != BY_OUTPUTS or p.kept:
        tasks = p.groups * (1 if d.few else ceil_div(p.outputs, p.pass_) * ceil_div(p.inputs, p.block) * (p.pass_ // p.unit))
        plan.add(WEIGHTS_STAGE, tasks, weights, PACKS, 1 if d.few else p.pass_ // p.unit)
    if plan.schedule == BY_STRIPS:
        plan.add(STRIPS_STAGE, p.groups * p.all_strips * p.units, sums + moved * PACKED, 0, p.units)
        plan.starts(moved / strips * PACKED)
        return 0
    plan.add(PACK_STAGE, p.waves.groups * p.waves.wave * p.pieces, moved * PACKED, REPEATS)
    if plan.schedule == TOGETHER:
        plan.add(SUMS_STAGE, p.waves.groups * p.waves.wave * p.units, sums + moved * AGAIN, REPEATS, p.units)
        plan.starts(moved / strips * AGAIN)
    else:
        read = moved * AGAIN * ceil_div(p.outputs, p.pass_)
        tasks = p.waves.groups * p.units * p.waves.wave
        plan.add(OUTPUTS_STAGE, tasks, sums + read + weights, REPEATS, p.pass_ // p.unit * p.waves.wave)
        plan.starts(moved / strips * p.waves.wave * AGAIN, weights / (p.groups * p.units), p.waves.wave)
    return 0
