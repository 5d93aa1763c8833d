# Tiles: how a map is cut into tasks, and where a task's scratch memory lies; see _plan.pyx.

from .._geometry cimport Geometry
from .._types cimport int64_t

cdef struct Tiles:
    Geometry g
    int64_t rows, pixels, channels          # of a tile: (fine channel, tap) pairs, coarse positions, coarse channels per group
    int64_t fine_block, images, parts       # of a scatter task: fine channels, images, and one of so ...
    int part_axis                           # ... many parts of the fine array along an axis
    int64_t splits                          # partial sums over the coarse positions of a correlate
    int64_t tasks
    int64_t pixels_at, panel_at, spans_at   # in elements
