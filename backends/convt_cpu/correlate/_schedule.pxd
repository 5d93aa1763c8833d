# The two schedules of a correlate plan: who packs which positions, and who sums which block of the kernel.
#
# Where the sums fit the L2 cache, each task packs and sums some strips of positions by itself, and the sums of all tasks are
# added in the end. Where they do not, all threads pack a strip of many positions together, then each task sums it for one
# block of the kernel. Sizes follow from the problem, the instruction set and the machine's record, never from the number of
# threads.

from libc.stdint cimport INT64_MAX

from .._sizes cimport ceil_div, even, times
from .._types cimport int64_t
from ._layout cimport Layout, packed_coarse, packed_fine, sums_of, written

cdef enum:                                  # the same on every machine
    ALL_SUMS = 8 * 1024 * 1024              # bytes of the sums of all tasks
    WAVE = 14 * 1024 * 1024                 # bytes of a strip that all threads pack
    LEAST = 64                              # positions of a strip that make up for loading and storing the sums
    TASKS = 64                              # keep many cores busy
    SPLITS = 16                             # of which each has sums of its own; more where adding them takes a small part ...
    PART = 8                                # ... of the time: cycles of summing for each sum that is added
    FEW = 1024                              # positions that are too few to share
    MUCH = 10000000                         # multiply-adds that are worth more than one task

cdef struct Schedule:
    bint together                           # whether all threads pack a strip together, or each its own
    int64_t groups                          # of a round
    int64_t splits                          # tasks that share the positions of a group, each with sums of its own
    int64_t wave                            # blocks of fine channels that are packed together
    int64_t count[4]                        # images and positions of a strip
    int64_t block_coarse, block_runs        # of a block of sums
    int64_t scratch, shared                 # bytes of scratch memory, of each thread and of all together

cdef struct Room:                           # for a strip: no more positions, and no more bytes of so many blocks
    int64_t positions, bytes
    int64_t coarse_blocks, block_coarse, fine_blocks


cdef inline Schedule schedule(const Layout* l, int64_t groups, bint much) noexcept nogil:
    """The one that suits the size of a group's sums, and gives enough tasks; `much` says that one were not enough."""
    cdef int64_t sums = times(l.blocks, sums_of(l, l.coarse, l.runs))
    cdef bint few = groups * l.all_positions < FEW and much
    return _together(l, groups) if few or sums > l.caches.own_sums else _apart(l, sums, groups)


cdef inline Schedule _apart(const Layout* l, int64_t sums, int64_t groups) noexcept nogil:
    """Each task packs strips of its own, one block of fine channels at a time."""
    cdef Schedule s
    cdef Room room
    cdef int64_t strips = 1
    cdef int axis
    cdef double worth = <double>l.all_positions * l.runs * l.shape.cycles * l.size / (PART * sums)
    cdef int64_t splits = <int64_t>max(SPLITS, min(TASKS, worth))
    room.positions, room.bytes = max(LEAST, ceil_div(l.all_positions, splits)), l.caches.strip
    room.coarse_blocks, room.block_coarse, room.fine_blocks = 1, l.coarse, 1
    _fill(l, &room, s.count)
    for axis in range(4):
        strips *= ceil_div(l.positions[axis], s.count[axis])
    s.together, s.wave, s.block_coarse, s.block_runs = False, l.blocks, l.coarse, l.runs
    s.splits = max(1, min(min(ceil_div(splits, groups), strips), ALL_SUMS // sums))
    s.groups = max(1, min(groups, ALL_SUMS // (s.splits * sums)))
    s.scratch, s.shared = max(_packed(l, &room, s.count), written(l, l.runs)), s.groups * s.splits * sums
    return s


cdef inline Schedule _together(const Layout* l, int64_t groups) noexcept nogil:
    """All threads pack a strip; a task sums a block, which is small enough for the cache, while others sum other blocks."""
    cdef Schedule s
    cdef Room room
    s.together, s.splits = True, 1
    _choose_block(l, &s)
    room.positions, room.bytes = INT64_MAX, WAVE
    room.coarse_blocks, room.block_coarse = ceil_div(l.coarse, s.block_coarse), s.block_coarse
    cdef int64_t coarse = times(room.coarse_blocks, packed_coarse(l, l.positions, s.block_coarse))
    s.wave = min(l.blocks, (WAVE - coarse) // packed_fine(l, l.positions))
    if s.wave < 1:                          # then several strips
        s.wave = l.blocks
    room.fine_blocks = s.wave
    _fill(l, &room, s.count)
    s.scratch, s.shared = sums_of(l, s.block_coarse, s.block_runs) + written(l, s.block_runs), _packed(l, &room, s.count)
    s.groups = 1
    if s.wave == l.blocks and s.count[0] * s.count[1] * s.count[2] * s.count[3] == l.all_positions:
        s.groups = max(1, min(groups, WAVE // s.shared))
        s.shared *= s.groups
    return s


cdef inline void _choose_block(const Layout* l, Schedule* s) noexcept nogil:
    """Coarse channels, whole units of them, and runs of a block of sums: enough blocks for all, and each in the cache."""
    cdef int64_t unit = min(l.coarse, l.shape.unit if l.shape.fine_lanes else l.shape.tile * l.lanes)
    cdef int64_t units = ceil_div(l.coarse, unit), wanted = ceil_div(TASKS, l.blocks)
    cdef int64_t room = l.caches.block, at_once = max(1, min(ceil_div(units, wanted), room // sums_of(l, unit, l.runs)))
    s.block_coarse = min(l.coarse, even(units, at_once) * unit)
    wanted = ceil_div(wanted, ceil_div(l.coarse, s.block_coarse))
    s.block_runs = even(l.runs, max(1, min(ceil_div(l.runs, wanted), l.runs * room // sums_of(l, s.block_coarse, l.runs))))


cdef inline int64_t _packed(const Layout* l, const Room* room, const int64_t* count) noexcept nogil:
    """Bytes of a strip."""
    cdef int64_t coarse = times(room.coarse_blocks, packed_coarse(l, count, room.block_coarse))
    return coarse + times(room.fine_blocks, packed_fine(l, count))


cdef inline bint _fits(const Layout* l, const Room* room, const int64_t* count) noexcept nogil:
    return count[0] * count[1] * count[2] * count[3] <= room.positions and _packed(l, room, count) <= room.bytes


cdef inline void _fill(const Layout* l, const Room* room, int64_t* count) noexcept nogil:
    """Images and positions of a strip, as many from the last axis on as fit."""
    cdef int axis
    cdef int64_t low, high
    count[0], count[1], count[2], count[3] = 1, 1, 1, 1
    for axis in range(3, -1, -1):
        low, high = 1, l.positions[axis]
        while low < high:
            count[axis] = (low + high + 1) // 2
            if _fits(l, room, count):
                low = count[axis]
            else:
                high = count[axis] - 1
        count[axis] = even(l.positions[axis], low)
        if low < l.positions[axis]:
            break
