/* winograd_correlate: the filter gradient by fewer products. A template as direct.h is; plan.h has the
 * geometry.
 *
 *     coarse array  --transpose--> [row][x][channel]  --G-->  G  \
 *                                                                 products, summed over tiles --> M  --A-->  taps
 *     fine array    --transpose--> [row][x][channel]  --B-->  V  /
 *
 * Vectors are of channels, so that no transform moves anything between lanes. */

/* Channels of a block. */
static inline int64_t NAME(block_channels)(const convt_winograd_side *s, int64_t block)
{
    int64_t rest = s->channels - block * s->block;
    return s->block < rest ? s->block : rest;
}

/* A tile along an axis: where it begins, in coarse elements, and which of its elements it sums. */
typedef struct {
    int64_t begin, first, end;
} NAME(extent);

static inline NAME(extent) NAME(extent_of)(const convt_winograd_correlate_plan *p, int axis, int64_t tile)
{
    int64_t d = p->dilation[axis], of_lattice = d == 1 ? tile : tile / d, lattice = d == 1 ? 0 : tile % d;
    int64_t m = p->points[axis], before = p->before[axis], behind = p->behind[axis], at = of_lattice - before;
    if (at < 0) return (NAME(extent)){d * (of_lattice - m + 1) + lattice, m - 1, m};
    if (at >= p->inner[axis]) return (NAME(extent)){d * (behind + at - p->inner[axis]) + lattice, 0, 1};
    int64_t begin = convt_least(before + m * at, behind - m);
    return (NAME(extent)){d * begin + lattice, before + m * at - begin, m};
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

/* B of a window, axis by axis, in place; an axis has 4 elements or 1. */
static inline __attribute__((always_inline)) void NAME(transform_box)(
    const int64_t z, const int64_t y, const int64_t x, NAME(vector) *d)
{
    if (z == 4)
        for (int64_t i = 0, n = y * x; i < n; i++) NAME(transform_elements)(4, d + i, n, d + i, n);
    if (y == 4)
        for (int64_t k = 0; k < z; k++)
            for (int64_t i = k * 4 * x; i < (k * 4 + 1) * x; i++) NAME(transform_elements)(4, d + i, x, d + i, x);
    if (x == 4)
        for (int64_t i = 0; i < z * y * 4; i += 4) NAME(transform_elements)(4, d + i, 1, d + i, 1);
}

/* G along one axis of [outer][m][inner], whose m is 3; with m = 1 the axis stays as it is. */
static inline __attribute__((always_inline)) void NAME(transform_points)(
    const int64_t outer, const int64_t m, const int64_t inner, const NAME(vector) *g, NAME(vector) *u)
{
    for (int64_t i = 0; m == 1 && i < outer * inner; i++) u[i] = g[i];
    for (int64_t k = 0; m > 1 && k < outer; k++)
        for (int64_t i = 0; i < inner; i++)
            NAME(transform_taps)(4, g + k * 3 * inner + i, inner, u + k * 4 * inner + i, inner);
}

/* G of a tile of z * y * x elements, axis by axis. */
static inline __attribute__((always_inline)) void NAME(transform_tile)(
    const int64_t z, const int64_t y, const int64_t x, const NAME(vector) *g, NAME(vector) *u)
{
    NAME(vector) by_z[12], by_y[16];
    NAME(transform_points)(1, z, y * x, g, by_z);
    NAME(transform_points)(z > 1 ? 4 : 1, y, x, by_z, by_y);
    NAME(transform_points)((z > 1 ? 4 : 1) * (y > 1 ? 4 : 1), x, 1, by_y, u);
}

/* A of the products, which have z * y * x frequencies, in place: the two results of an axis lie where its first frequencies
 * lay. */
static inline __attribute__((always_inline)) void NAME(transform_frequencies)(
    const int64_t z, const int64_t y, const int64_t x, NAME(vector) *m)
{
    int64_t rows = y == 4 ? 2 : 1, columns = x == 4 ? 2 : 1;
    if (x == 4)
        for (int64_t i = 0; i < z * y * 4; i += 4) NAME(transform_results)(4, m + i, 1, m + i, 1);
    if (y == 4)
        for (int64_t k = 0; k < z; k++)
            for (int64_t i = k * 4 * x; i < k * 4 * x + columns; i++) NAME(transform_results)(4, m + i, x, m + i, x);
    if (z == 4)
        for (int64_t k = 0; k < rows; k++)
            for (int64_t i = k * x; i < k * x + columns; i++) NAME(transform_results)(4, m + i, y * x, m + i, y * x);
}

/* Where the tiles of a unit lie in its box, and in the packed array. */
typedef struct {
    int64_t pitch[3];               /* from element to element of a tile, in the box */
    int64_t frequency, tile;        /* from one to the next, in the packed array */
    int64_t skip[CONVT_UNIT_TILES]; /* from the first tile to each, in the box */
    uint8_t sums[CONVT_UNIT_TILES][9]; /* whether a tile sums an element */
    uint8_t whole[CONVT_UNIT_TILES]; /* ... or all of them */
} NAME(winograd_places);

/* Transforms one phase of one vector of channels of a unit's tiles. */
static inline __attribute__((always_inline)) void NAME(winograd_tiles_of)(
    const int windows, const int64_t z, const int64_t y, const int64_t x, int64_t tiles, const NAME(winograd_places) *places,
    const REAL *from, REAL *to)
{
    typedef NAME(vector) vector;
    const int64_t *pitch = places->pitch;
    const int64_t count = z * y * x, frequencies = (z > 1 ? 4 : 1) * (y > 1 ? 4 : 1) * (x > 1 ? 4 : 1);
    for (int64_t t = 0; t < tiles; t++, to += places->tile) {
        const REAL *tile = from + places->skip[t];
        vector e[16], u[16];
CONVT_UNROLL_KNOWN(16)
        for (int64_t i = 0; i < count; i++)
            e[i] = *(const vector *)(tile + i / x / y * pitch[0] + i / x % y * pitch[1] + i % x * pitch[2]);
        for (int64_t i = 0; !windows && !places->whole[t] && i < count; i++)
            if (!places->sums[t][i]) e[i] = (vector){0};
        if (windows)
            NAME(transform_box)(z, y, x, e);
        else
            NAME(transform_tile)(z, y, x, e, u);
CONVT_UNROLL_KNOWN(16)
        for (int64_t f = 0; f < frequencies; f++) *(vector *)(to + f * places->frequency) = windows ? e[f] : u[f];
    }
}

/* The same; the compiler unrolls each frequent size. */
static void NAME(winograd_transform_tiles)(
    int windows, const int64_t *elements, int64_t tiles, const NAME(winograd_places) *places, const REAL *from, REAL *to)
{
    int64_t size = elements[0] * 100 + elements[1] * 10 + elements[2];
    switch (windows ? -size : size) {
#define CASE(z, y, x)                                                                                                     \
    case z * 100 + y * 10 + x: NAME(winograd_tiles_of)(0, z, y, x, tiles, places, from, to); return;
        CASE(1, 1, 3) CASE(1, 3, 1) CASE(1, 3, 3)
#undef CASE
#define CASE(z, y, x)                                                                                                     \
    case -z * 100 - y * 10 - x: NAME(winograd_tiles_of)(1, z, y, x, tiles, places, from, to); return;
        CASE(1, 1, 4) CASE(1, 4, 1) CASE(1, 4, 4)
#undef CASE
    }
    NAME(winograd_tiles_of)(windows, elements[0], elements[1], elements[2], tiles, places, from, to);
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
            places->whole[t] = 1;
            for (int64_t e = 0; e < p->points[0] * p->points[1] * p->points[2]; e++) {
                int64_t at_z = e / p->points[2] / p->points[1], at_y = e / p->points[2] % p->points[1], at_x = e % p->points[2];
                places->sums[t][e] = at_z >= z.first && at_z < z.end && at_y >= y.first && at_y < y.end &&
                                     at_x >= x.first && at_x < x.end;
                places->whole[t] &= places->sums[t][e];
            }
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
                windows, s->elements, p->unit_tiles, &places, scratch + ((z * s->span[0] + y) * s->span[1] + x) * LANES, to);
        }
    }
}

/* Adds the products of a strip's tiles to M of one block of each side, or sets M to them: the coarse channels `row`, the first of
 * a panel, to `end` of their block. */
static void NAME(winograd_correlate_sum)(
    const convt_winograd_correlate_plan *p, int64_t fine_block, int64_t row, int64_t end_row, int64_t tiles, const REAL *v,
    const REAL *g, int add, REAL *m)
{
    const convt_winograd_side *fine = &p->fine, *coarse = &p->coarse;
    int64_t lanes = NAME(block_channels)(fine, fine_block), more;
    int64_t least = (end_row - row) % p->rows ? (end_row - row) % p->rows : p->rows;
    int64_t chunks = (tiles + p->chunk - 1) / p->chunk, size = (tiles + chunks - 1) / chunks;
    int64_t in_v[CONVT_CHUNK + CONVT_PREFETCH], in_g[CONVT_CHUNK + CONVT_PREFETCH];
    for (int64_t i = 0; i < size + CONVT_PREFETCH; i++) in_v[i] = i * fine->width, in_g[i] = i * coarse->width;
    for (int64_t f = 0; f < p->frequencies; f++, g += tiles * coarse->pitch)
        for (int64_t first = 0; first < tiles; first += size)
            for (int64_t phase = 0; phase < p->phases; phase++) {
                int64_t count = size < tiles - first ? size : tiles - first, matrix = f * p->phases + phase;
                const REAL *of_v = v + matrix * tiles * fine->pitch, *of_g = g + first * coarse->width;
                for (int64_t at = 0; at < lanes; at += more * LANES) {
                    int64_t in_panel = at % fine->panel, end = fine->panel - in_panel;
                    more = ((end < lanes - at ? end : lanes - at) + LANES - 1) / LANES;
                    while (!NAME(table).correlate[p->rows][more] || !NAME(table).correlate[least][more]) more--;
                    for (int64_t c = row; c < end_row; c += p->rows)
                        NAME(table).correlate[p->rows < end_row - c ? p->rows : end_row - c][more](
                            count, in_g, of_g + c / p->rows * tiles * coarse->width, in_v,
                            of_v + (at / fine->panel * tiles + first) * fine->width + in_panel,
                            m + (matrix * coarse->block + c) * fine->pitch + at, fine->pitch, add || first > 0);
                }
            }
}

/* The taps of all phases of one coarse channel and one vector of fine ones, from the products, whose phases lie `phase_step`
 * apart: tap t at taps + t * pitch. */
static inline __attribute__((always_inline)) void NAME(winograd_taps_of)(
    const int64_t z, const int64_t y, const int64_t x, const convt_winograd_correlate_plan *p, const REAL *m,
    int64_t phase_step, REAL *taps, int64_t pitch)
{
    typedef NAME(vector) vector;
    const int64_t *kernel = p->kernel, *phases = p->fine.phases;
    vector e[16];
    for (int64_t phase = 0; phase < p->phases; phase++, m += phase_step) {
        int64_t at[3] = {phase / phases[2] / phases[1], phase / phases[2] % phases[1], phase % phases[2]};
CONVT_UNROLL_KNOWN(16)
        for (int64_t f = 0; f < z * y * x; f++) e[f] = *(const vector *)(m + f * p->phases * phase_step);
        NAME(transform_frequencies)(z, y, x, e);
        for (int64_t k = 0, tz = at[0]; k < p->taps[0] && tz < kernel[0]; k++, tz += phases[0])
            for (int64_t j = 0, ty = at[1]; j < p->taps[1] && ty < kernel[1]; j++, ty += phases[1])
                for (int64_t i = 0, tx = at[2]; i < p->taps[2] && tx < kernel[2]; i++, tx += phases[2])
                    *(vector *)(taps + ((tz * kernel[1] + ty) * kernel[2] + tx) * pitch) = e[(k * y + j) * x + i];
    }
}

/* The same; the compiler unrolls each frequent size. */
static void NAME(winograd_taps)(
    const convt_winograd_correlate_plan *p, const REAL *m, int64_t phase_step, REAL *taps, int64_t pitch)
{
    const int64_t *elements = p->fine.elements;
    switch (elements[0] * 100 + elements[1] * 10 + elements[2]) {
#define CASE(z, y, x)                                                                                                     \
    case z * 100 + y * 10 + x: NAME(winograd_taps_of)(z, y, x, p, m, phase_step, taps, pitch); return;
        CASE(1, 1, 4) CASE(1, 4, 1) CASE(1, 4, 4)
#undef CASE
    }
    NAME(winograd_taps_of)(elements[0], elements[1], elements[2], p, m, phase_step, taps, pitch);
}

/* Writes the coarse channels first to last of a block, if it has them, to the kernel, or adds them to it. Returns 1 if finite.
 * `kernel` has the strides of a (C, F, *taps) array. The scratch memory holds the taps of a coarse channel, twice. */
static int NAME(winograd_correlate_write)(
    const convt_winograd_correlate_plan *p, int64_t group, int64_t fine_block, int64_t coarse_block, int64_t first,
    int64_t last, const REAL *m, int add, REAL *kernel, const convt_strides *strides, REAL *scratch)
{
    const convt_winograd_side *fine = &p->fine, *coarse = &p->coarse;
    int64_t channels = NAME(block_channels)(fine, fine_block), rows = NAME(block_channels)(coarse, coarse_block);
    int64_t taps = p->kernel[0] * p->kernel[1] * p->kernel[2];
    REAL *turned = scratch + taps * fine->pitch;
    int finite = 1;
    kernel += (group * coarse->channels + coarse_block * coarse->block) * strides->outer +
              fine_block * fine->block * strides->channel;
    for (int64_t c = first; c < last && c < rows; c++) {
        for (int64_t at = 0; at < channels; at += LANES)
            NAME(winograd_taps)(
                p, m + c * fine->pitch + at, coarse->block * fine->pitch, scratch + at, fine->pitch);
        NAME(transpose)(taps, channels, scratch, fine->pitch, 1, turned, taps);
        finite &= NAME(all_finite)(taps * channels, turned);
        NAME(put_taps)(p->kernel, channels, 0, taps, turned, add, kernel + c * strides->outer, strides);
    }
    return finite;
}
