# Offsets of a direct plan: whether those of each plane's taps are evenly apart, so that a kernel needs no table. See _plan.pyx.

from .._types cimport int64_t
from ._plan cimport convt_direct_plan


cdef inline int64_t even_step(const convt_direct_plan* p, int64_t all_taps) noexcept:
    """How far apart the taps of every plane are, if they and the channels follow one another evenly, else 0."""
    cdef int64_t taps = p.first_tap[1], plane, tap, step
    if taps == 0 or p.channel_size % taps or all_taps != taps * p.out_planes:
        return 0
    step = p.channel_size // taps
    for plane in range(p.out_planes):
        if p.first_tap[plane] != plane * taps:
            return 0
        for tap in range(taps):
            if p.offsets[plane * taps + tap] != p.offsets[plane * taps] + tap * step:
                return 0
    return step
