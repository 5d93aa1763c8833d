/* From the arrays to V and G: the tiles or windows of a unit, copied and transformed. A template as direct.h is. Vectors are of
 * channels, so that no transform moves anything between lanes. */

/* A tile along an axis: where it begins, in coarse elements; the first element that it sums; whether it is of the edge. */
typedef struct {
    int64_t begin, first, edge;
} NAME(extent);

static inline NAME(extent) NAME(extent_of)(const convt_winograd_correlate_plan *p, int axis, int64_t tile)
{
    int64_t d = p->dilation[axis], of_lattice = d == 1 ? tile : tile / d, lattice = d == 1 ? 0 : tile % d;
    int64_t m = p->points[axis], at = of_lattice - p->before[axis], behind = p->behind[axis], first = p->before[axis] + m * at;
    if (at < 0 || at >= p->inner[axis])
        return (NAME(extent)){d * (at < 0 ? of_lattice : behind + at - p->inner[axis]) + lattice, 0, m > 1};
    int64_t begin = convt_least(first, behind - m);
    return (NAME(extent)){d * begin + lattice, first - begin, 0};
}

/* Copies the elements of a unit, [z][y][x][channel]: along z those of a tile, along y and x all from the first to the last;
 * zeros outside the array and behind the channels. `at` is where the unit begins. */
static void NAME(winograd_box)(
    const convt_winograd_correlate_plan *p, const convt_winograd_side *s, const int64_t *at, int64_t channels,
    const REAL *array, const convt_strides *strides, REAL *box)
{
    int64_t height = s->span[0], width = s->span[1], slices = s->elements[0] * s->phases[0], low, high;
    low = at[2] < 0 ? (-at[2] < width ? -at[2] : width) : 0;
    high = s->size[2] - at[2] < width ? s->size[2] - at[2] : width;
    if (channels < LANES) memset(box, 0, slices * height * width * LANES * sizeof(REAL));
    for (int64_t row = 0; row < slices * height; row++, box += width * LANES) {
        int64_t slice = row / height, y = at[1] + row % height;
        int64_t z = at[0] + slice / s->phases[0] * p->dilation[0] * s->stride[0] + slice % s->phases[0];
        if (z < 0 || z >= s->size[0] || y < 0 || y >= s->size[1] || low >= high) {
            memset(box, 0, width * LANES * sizeof(REAL));
            continue;
        }
        NAME(transpose_row)(
            channels, width, low, high,
            array + z * strides->axis[0] + y * strides->axis[1] + at[2] * strides->axis[2], strides->channel,
            strides->axis[2], box, LANES);
    }
}

/* Where the tiles of a unit lie in its box, and in the packed array. */
typedef struct {
    int64_t pitch[3];               /* from element to element of a tile, in the box */
    int64_t frequency, tile;        /* from one to the next, in the packed array */
    int64_t skip[CONVT_UNIT_TILES]; /* from the first tile to each, in the box */
    uint8_t edge[CONVT_UNIT_TILES]; /* a bit for each axis */
    uint8_t first[CONVT_UNIT_TILES][3]; /* element of each axis that a tile sums */
} NAME(winograd_places);

/* Whether a tile has a frequency of an axis: 1 and 2 are those of inner tiles alone, 4 the edge's. */
static inline int NAME(has_line)(const int edge, const int line) { return edge ? line != 1 && line != 2 : line != 4; }

/* A tile or a window of one vector of channels, from its elements to the packed array. */
static inline __attribute__((always_inline)) void NAME(winograd_put)(
    const int windows, const int z, const int y, const int x, const int edge, const NAME(vector) *e, REAL *to,
    int64_t frequency)
{
    const int lines_y = CONVT_LINES(y), lines_x = CONVT_LINES(x), frequencies = CONVT_LINES(z) * lines_y * lines_x;
    NAME(vector) u[25];
    NAME(winograd_tile_of)(windows, z, y, x, edge, e, u);
CONVT_UNROLL_KNOWN(25)
    for (int f = 0; f < frequencies; f++)
        if (NAME(has_line)(edge & 1, f / lines_x / lines_y) && NAME(has_line)(edge & 2, f / lines_x % lines_y) &&
            NAME(has_line)(edge & 4, f % lines_x))
            *(NAME(vector) *)(to + f * frequency) = u[f];
}

/* Transforms one phase of one vector of channels of a unit's tiles; the taps of a phase along each axis are given. */
static inline __attribute__((always_inline)) void NAME(winograd_tiles_of)(
    const int windows, const int z, const int y, const int x, int64_t tiles, const NAME(winograd_places) *places,
    const REAL *from, REAL *to)
{
    typedef NAME(vector) vector;
    const int64_t *pitch = places->pitch;
    const int depth = windows ? CONVT_ELEMENTS(z) : CONVT_POINTS(z), height = windows ? CONVT_ELEMENTS(y) : CONVT_POINTS(y);
    const int width = windows ? CONVT_ELEMENTS(x) : CONVT_POINTS(x), elements = depth * height * width;
    for (int64_t t = 0; t < tiles; t++, to += places->tile) {
        const REAL *tile = from + places->skip[t];
        const uint8_t *first = places->first[t];
        vector e[16];
CONVT_UNROLL_KNOWN(16)
        for (int i = 0; i < elements; i++)
            e[i] = *(const vector *)(tile + i / width / height * pitch[0] + i / width % height * pitch[1] + i % width * pitch[2]);
        if (!windows && (first[0] | first[1] | first[2]))
            for (int i = 0; i < elements; i++)
                if (i / width / height < first[0] || i / width % height < first[1] || i % width < first[2]) e[i] = (vector){0};
        switch (places->edge[t]) { /* the compiler knows the frequent ones */
        case 0: NAME(winograd_put)(windows, z, y, x, 0, e, to, places->frequency); break;
        case 2: NAME(winograd_put)(windows, z, y, x, 2, e, to, places->frequency); break;
        case 4: NAME(winograd_put)(windows, z, y, x, 4, e, to, places->frequency); break;
        case 6: NAME(winograd_put)(windows, z, y, x, 6, e, to, places->frequency); break;
        default:
            if (z > 1) NAME(winograd_put)(windows, z, y, x, places->edge[t], e, to, places->frequency);
        }
    }
}

/* The same; the compiler unrolls each frequent size. */
static void NAME(winograd_transform_tiles)(
    int windows, const int64_t *taps, int64_t tiles, const NAME(winograd_places) *places, const REAL *from, REAL *to)
{
    int size = (int)(taps[0] * 100 + taps[1] * 10 + taps[2]);
    switch (windows ? -size : size) {
#define CASE(z, y, x)                                                                                                     \
    case z * 100 + y * 10 + x: NAME(winograd_tiles_of)(0, z, y, x, tiles, places, from, to); return;                      \
    case -z * 100 - y * 10 - x: NAME(winograd_tiles_of)(1, z, y, x, tiles, places, from, to); return;
        CASE(1, 1, 2) CASE(1, 1, 3) CASE(1, 2, 1) CASE(1, 3, 1) CASE(1, 2, 2) CASE(1, 3, 3) CASE(1, 2, 3) CASE(1, 3, 2)
#undef CASE
    }
    NAME(winograd_tiles_of)(windows, (int)taps[0], (int)taps[1], (int)taps[2], tiles, places, from, to);
}

/* The places of the tiles of a unit whose first tile is given. */
static void NAME(place_tiles)(
    const convt_winograd_correlate_plan *p, const convt_winograd_side *s, const int64_t *first,
    NAME(winograd_places) *places)
{
    int64_t across = s->span[1] * LANES;
    places->pitch[0] = s->phases[0] * s->span[0] * across;
    places->pitch[1] = p->dilation[1] * s->stride[1] * across;
    places->pitch[2] = p->dilation[2] * s->stride[2] * LANES;
    NAME(extent) z = NAME(extent_of)(p, 0, first[0]);
    int64_t top = NAME(extent_of)(p, 1, first[1]).begin, left = NAME(extent_of)(p, 2, first[2]).begin;
    for (int64_t j = 0, t = 0; j < p->unit[0]; j++) {
        NAME(extent) y = NAME(extent_of)(p, 1, first[1] + j);
        for (int64_t i = 0; i < p->unit[1]; i++, t++) {
            NAME(extent) x = NAME(extent_of)(p, 2, first[2] + i);
            places->skip[t] = (y.begin - top) * s->stride[1] * across + (x.begin - left) * s->stride[2] * LANES;
            places->edge[t] = (uint8_t)(z.edge | y.edge << 1 | x.edge << 2);
            places->first[t][0] = (uint8_t)z.first, places->first[t][1] = (uint8_t)y.first;
            places->first[t][2] = (uint8_t)x.first;
        }
    }
}

/* Packs one block of channels of one unit into V or G; `packed` is where the block's frequency 0 of the unit's first tile
 * lies, `tiles` how many the strip has. The scratch memory holds the unit's box. */
static void NAME(winograd_correlate_pack)(
    const convt_winograd_correlate_plan *p, int windows, int64_t unit, int64_t block, int64_t tiles, const REAL *array,
    const convt_strides *strides, REAL *packed, REAL *scratch)
{
    const convt_winograd_side *s = windows ? &p->fine : &p->coarse;
    const int64_t *phases = s->phases;
    int64_t all_phases = phases[0] * phases[1] * phases[2], first[3], at[3], count = NAME(block_channels)(s, block);
    for (int axis = 2; axis >= 0; unit /= p->units[axis--]) {
        first[axis] = unit % p->units[axis] * (axis ? p->unit[axis - 1] : 1);
        at[axis] = s->first[axis] + NAME(extent_of)(p, axis, first[axis]).begin * s->stride[axis];
    }
    NAME(winograd_places) places;
    NAME(place_tiles)(p, s, first, &places);
    places.frequency = all_phases * tiles * s->pitch, places.tile = s->width;
    array += unit % p->batch * strides->outer + (unit / p->batch * s->channels + block * s->block) * strides->channel;
    for (int64_t c = 0, more; c < count; c += more) {
        int64_t in_panel = c % s->panel;
        REAL *to = packed + c / s->panel * tiles * s->width + in_panel;
        more = s->panel - in_panel < LANES ? s->panel - in_panel : LANES;
        more = more < count - c ? more : count - c;
        NAME(winograd_box)(p, s, at, more, array + c * strides->channel, strides, scratch);
        for (int64_t phase = 0; phase < all_phases; phase++, to += tiles * s->pitch) {
            int64_t x = phase % phases[2], y = phase / phases[2] % phases[1], z = phase / phases[2] / phases[1];
            NAME(winograd_transform_tiles)(
                windows, p->taps, p->unit_tiles, &places, scratch + ((z * s->span[0] + y) * s->span[1] + x) * LANES, to);
        }
    }
}
