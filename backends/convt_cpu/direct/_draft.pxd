# What the steps that make a direct plan share: sizes that are the same everywhere, those that follow from the caches, and what
# the steps tell each other. See _plan.pyx.

from .._taps cimport Reach
from .._types cimport int64_t
from ..machine._record cimport convt_machine, share, usable_l2

cdef enum:                                  # the same on every machine
    MOST_TAPS = 4096
    MOST_PHASES = 64
    STRIPS = 12                             # at least, where strips have more positions
    MOST_SUMS = 1024 * 1024                 # bytes of one unit's sums
    MOST_STRIP = 4 * 1024 * 1024            # bytes of all channels of a strip
    WAVE = 12 * 1024 * 1024                 # bytes of all strips of a wave
    MOST = 24 * 1024 * 1024                 # bytes of scratch memory with one thread
    OWN = 2 * 1024 * 1024                   # bytes that a strip and its sums grow to together ...
    LEAST_SUMS = 350 * 1024                 # ... where sums are more than these
    MOST_WEIGHTS = 6 * 1024 * 1024          # bytes that are packed before the work starts
    FEW_STRIPS = 8                          # fewer would keep only some cores busy
    TASKS = 64                              # keep many cores busy
    PASSES = 8                              # of all outputs, where each reads strips from far away
    PIECES = 16                             # in which a strip is packed, at most
    MEETS = 128                             # vectors of multiply-adds for each packed element of a strip that is shared
    SHORTEST = 16                           # vectors of positions of a strip
    MUCH = 10_000_000                       # multiply-adds that are worth more than one task
    PREFETCH = 8                            # taps that a kernel looks ahead
    COLUMN_VECTORS = 4
    FEWEST_INPUTS = 8                       # of such columns

cdef struct Caches:                         # bytes; `caches_of` says of what
    int64_t positions, strip, strip_sums, block, own_block, sums, all_sums, chunk, slab, shared, near


cdef inline Caches caches_of(const convt_machine* m) noexcept:
    """What a task keeps in the L1 and L2 caches of its core, in bytes."""
    cdef int64_t l1 = m.l1, l2 = usable_l2(m)
    cdef Caches c
    c.positions = min(share(l1, 1, 16), 2048)   # a packed row of positions, at least: sums and strip of a few channels share
                                            # L1; no more, since a strip has all channels
    c.strip = share(l2, 1, 2)               # a strip with more positions
    c.strip_sums = share(l2, 1, 4)          # its sums
    c.block = share(l1, 3, 4)               # what a tile touches in the channels that are summed in one go
    c.own_block = min(c.block, 24 * 1024)   # the same by outputs; no more, since every thread packs the weights of a block
    c.sums = share(l2, 175, 512)            # the sums of a strip that wait for further blocks, about a third
    c.all_sums = min(l2, 1024 * 1024)       # the sums of all strips of a wave; no more, since every thread has them
    c.chunk = min(share(l2, 1, 4), 256 * 1024)  # the weights that a thread packs for itself at a time; no more, since each
                                            # tile reads them again, and strips and sums of the wave pass in between
    c.slab = share(l2, 5, 32)               # what is packed at a time where taps are columns
    c.near = share(l2, 1, 2)                # all weights, beside a strip
    c.shared = l2                           # all strips, where each core reads them again and again
    return c


cdef struct Draft:                          # what the steps below tell each other
    Caches caches
    int64_t taps, lanes
    int64_t planes[3]                       # positions of an output plane
    Reach reach[3]
    bint copied[3]                          # whether a plane is packed once per shift
    int64_t halo[3]                         # where it is not
    bint any_halo, few
    int64_t units                           # of output channels
    int64_t weights                         # bytes of all
    int64_t spans
    int64_t columns                         # elements of the columns of a strip
