# The kernels of a correlate plan: how the outer product of a position and a run of taps is cut into registers.
#
# One side of the product is the coarse channels of the position, the other one the elements of the run. Either side can lie
# along the vectors; the other one is broadcast, row by row. The fewest cycles win.

from .._kernels cimport CONVT_CHUNK, CONVT_MAX_ROWS, CONVT_MAX_VECTORS, has_kernel
from .._sizes cimport ceil_div, even
from .._types cimport int64_t

cdef enum:                                  # the same on every machine
    CALL = 40                               # cycles for calling a kernel

cdef struct Shape:                          # a way to cut an outer product
    double cycles                           # for one position and one run of all fine channels
    bint fine_lanes                         # whether vectors lie along the run, else along the coarse channels
    int64_t fine_block                      # fine channels that are packed together
    int64_t unit, tile                      # rows and vectors of a kernel

cdef struct Sides:                          # of a product
    int64_t coarse, fine                    # channels
    int64_t run                             # taps
    int64_t lanes
    double at_once                          # vectors of multiply-adds that begin in a cycle
    int isa

cdef struct Tiles:                          # the kernels to try: vectors, and the most rows that there are for so many
    int64_t vectors[CONVT_MAX_VECTORS]      # those that exist for the fewest rows first
    int64_t rows[CONVT_MAX_VECTORS]
    int count


cdef inline Shape best_shape(const Sides* s) noexcept nogil:
    """The fastest way to cut the outer products of a position and a run into kernels."""
    cdef Shape best
    cdef Tiles tiles = _tiles(s.isa)
    cdef int64_t width
    best.cycles = -1
    for width in range(32, 65, 16):         # fine channels that are packed together, if there are more
        if width < s.fine:
            _try_width(s, &tiles, width, &best)
    if s.fine <= 64:
        _try_width(s, &tiles, s.fine, &best)
    return best


cdef inline Tiles _tiles(int isa) noexcept nogil:
    cdef Tiles tiles
    cdef int64_t rows, vectors
    cdef int tile
    tiles.count = 0
    for rows in range(1, CONVT_MAX_ROWS + 1):
        for vectors in range(1, CONVT_MAX_VECTORS + 1):
            if not has_kernel(isa, rows, vectors):
                continue
            tile = 0
            while tile < tiles.count and tiles.vectors[tile] != vectors:
                tile += 1
            tiles.vectors[tile], tiles.rows[tile] = vectors, rows
            tiles.count = max(tiles.count, tile + 1)
    return tiles


cdef inline void _try_width(const Sides* s, const Tiles* tiles, int64_t width, Shape* best) noexcept nogil:
    cdef int tile
    for tile in range(tiles.count):
        _try(s, width, True, tiles.rows[tile], tiles.vectors[tile], best)
    for tile in range(tiles.count):
        _try(s, width, False, tiles.rows[tile], tiles.vectors[tile], best)


cdef inline void _try(
    const Sides* s, int64_t width, bint fine_lanes, int64_t rows, int64_t tile, Shape* best
) noexcept nogil:
    """Blocks of `width` fine channels, and what is left; kernels of `tile` vectors and at most so many rows."""
    cdef int64_t unit = even(s.coarse if fine_lanes else s.run * width, rows)
    cdef double cycles = s.fine // width * _block_cycles(s, s.run * width, fine_lanes, unit, tile)
    if s.fine % width:
        cycles += _block_cycles(s, s.run * (s.fine % width), fine_lanes, unit, tile)
    if best.cycles < 0 or cycles < best.cycles:
        best.cycles, best.fine_lanes, best.fine_block, best.unit, best.tile = cycles, fine_lanes, width, unit, tile


cdef inline double _block_cycles(const Sides* s, int64_t length, bint fine_lanes, int64_t unit, int64_t tile) noexcept nogil:
    """For one position and a run of so many elements, which are cut as ``strip.h`` does."""
    cdef int64_t rows = s.coarse if fine_lanes else length, vectors = ceil_div(length if fine_lanes else s.coarse, s.lanes)
    cdef int64_t rest = rows % unit, more, times
    cdef double total = 0, of_units
    while vectors:
        more = min(vectors, tile)
        while not (has_kernel(s.isa, unit, more) and has_kernel(s.isa, rest if rest else unit, more)):
            more -= 1
        times = vectors // more
        of_units = rows // unit * _kernel_cycles(s, unit, more)
        total += times * (of_units + (_kernel_cycles(s, rest, more) if rest else 0))
        vectors -= times * more
    return total


cdef inline double _kernel_cycles(const Sides* s, int64_t rows, int64_t vectors) noexcept nogil:
    """Of a kernel, for one position: multiply-adds, or loads, or the time until a sum can be added to again."""
    cdef double sums = rows * vectors
    return max(max(sums / s.at_once, (rows + 2 * vectors + 3) / 2.0), 4.0) + (sums + CALL) / CONVT_CHUNK
