/* winograd: the tasks of the Winograd engine. A template as direct.h is. plan.h has the geometry and the layouts.
 *
 *     input --windows--> V
 *     weights ---------> U     M = U V, per frequency (in L2) --> results --interleave--> output, each element written once
 *
 * The 16 frequencies are ordinary matrix products: the direct kernels compute them, as filters of one tap. Tiles of several
 * rows and images share vectors, so that small images lose nothing; how the windows are copied and where each row of results
 * goes is the same for all channels, and is written down once per block. */

enum {
    NAME(WINOGRAD_PHASES) = CONVT_WINOGRAD_STRIDE * CONVT_WINOGRAD_STRIDE,
    NAME(WINOGRAD_MOVES) = 16 * NAME(WINOGRAD_PHASES) * (CONVT_WINOGRAD_TILES + 1), /* one per tile and one behind them */
    NAME(WINOGRAD_RUNS) = 3 * CONVT_WINOGRAD_STRIDE * CONVT_WINOGRAD_TILES,
    NAME(WINOGRAD_RESULTS) = 9 * NAME(WINOGRAD_PHASES) * CONVT_WINOGRAD_TILES
};

/* Where a tile lies: its first element of each phase, and how many tiles there are from it to the end of its row. */
typedef struct {
    int64_t image, y, x, left;
} NAME(tile);

static NAME(tile) NAME(tile_at)(const convt_winograd_plan *p, int64_t tile)
{
    const int64_t *tiles = p->tiles, *lattices = p->lattices;
    int64_t x = tile % tiles[1], row = tile / tiles[1] / lattices[1], of_x = tile / tiles[1] % lattices[1];
    int64_t y = row % tiles[0], of_y = row / tiles[0] % lattices[0];
    return (NAME(tile)){
        row / tiles[0] / lattices[0], of_y + lattices[0] * p->results[0] * y, of_x + lattices[1] * p->results[1] * x,
        tiles[1] - x};
}

/* Tiles of a group. */
static inline int64_t NAME(all_tiles)(const convt_winograd_plan *p)
{
    return p->batch * p->lattices[0] * p->lattices[1] * p->tiles[0] * p->tiles[1];
}

static int64_t NAME(tiles_of)(const convt_winograd_plan *p, int64_t block)
{
    int64_t rest = NAME(all_tiles)(p) - block * p->block_tiles;
    return p->block_tiles < rest ? p->block_tiles : rest;
}

/* Vectors of tiles of a block. */
static int64_t NAME(winograd_vectors)(const convt_winograd_plan *p, int64_t block)
{
    return (NAME(tiles_of)(p, block) + LANES - 1) / LANES;
}

/* How the windows of a block of tiles are copied, one channel at a time. */
typedef struct {
    NAME(source) source;
    int64_t count; /* of the moves of one input phase */
    NAME(move) moves[NAME(WINOGRAD_MOVES)]; /* [input phase][element of the window][vectors of the rows of tiles] */
} NAME(window_list);

typedef struct {
    int64_t to, from, first, count; /* a row of results: where it goes, its line of results, its part that is inside */
} NAME(winograd_run);

/* What a task writes down once for all channels: too large for the stack of a thread that may be somebody's own. It is at the
 * beginning of each task's scratch memory. */
typedef union {
    NAME(window_list) windows;
    struct {
        NAME(winograd_run) runs[NAME(WINOGRAD_RUNS)];
        REAL results[NAME(WINOGRAD_RESULTS)]; /* [y phase][y][x][x phase][tile] */
        int32_t place[3 * CONVT_WINOGRAD_STRIDE * CONVT_WINOGRAD_TILES];
    };
} NAME(winograd_lists);

_Static_assert(sizeof(NAME(winograd_lists)) <= CONVT_WINOGRAD_LISTS, "room for the lists");

/* The moves of one element of the window in one input phase, seen from the first image of the block: each row of tiles by
 * itself, then zeros up to the last vector's end. Returns how many they are. */
static int64_t NAME(window_moves)(
    const convt_winograd_plan *p, int64_t block, int64_t phase, int64_t e, const convt_strides *in, NAME(move) *moves)
{
    int64_t count = NAME(tiles_of)(p, block), first = block * p->block_tiles, found = 0, row, t;
    int64_t apart = p->in_stride[1] * p->lattices[1], step = apart * p->results[1];
    int64_t image = NAME(tile_at)(p, first).image;
    for (t = 0; t < count; t += row) {
        NAME(tile) tile = NAME(tile_at)(p, first + t);
        row = tile.left < count - t ? tile.left : count - t;
        int64_t y = p->in_first[0] + p->in_stride[0] * (tile.y + p->lattices[0] * (e / 4)) + phase / p->in_stride[1];
        int64_t x = p->in_first[1] + p->in_stride[1] * tile.x + apart * (e % 4) + phase % p->in_stride[1];
        int64_t base = (tile.image - image) * in->outer + y * in->axis[1], outside = y < 0 || y >= p->in_size[0];
        for (int64_t v = 0; v < row; v += LANES, x += LANES * step) {
            int64_t low = 0, high = outside ? 0 : row - v < LANES ? row - v : LANES;
            while (low < high && x + low * step < 0) low++;
            while (high > low && x + (high - 1) * step >= p->in_size[1]) high--;
            int64_t to = e * p->block_tiles + t + v, from = low < high ? base + x * in->axis[2] : 0;
            moves[found++] = (NAME(move)){from, (int32_t)to, (int16_t)low, (int16_t)high};
        }
    }
    if (t % LANES) moves[found++] = (NAME(move)){0, (int32_t)(e * p->block_tiles + t), 0, 0};
    return found;
}

/* Lists the moves of a block of tiles of the input's channels, whose first one `input` points to. */
static void NAME(list_windows)(
    const convt_winograd_plan *p, int64_t block, int64_t channels, const REAL *input, const convt_strides *in,
    NAME(window_list) *windows)
{
    int64_t size[4] = {p->batch, channels, p->in_size[0], p->in_size[1]}, all = 0;
    int64_t stride[4] = {in->outer, in->channel, in->axis[1], in->axis[2]};
    windows->source = NAME(source_of)(input, 4, size, stride);
    windows->source.step *= p->in_stride[1] * p->lattices[1] * p->results[1];
    for (int64_t phase = 0; phase < p->in_phases; phase++)
        for (int64_t e = 0; e < 16; e++) all += NAME(window_moves)(p, block, phase, e, in, windows->moves + all);
    NAME(note_reach)(&windows->source, all, windows->moves);
    windows->count = all / p->in_phases;
}

/* V of a block of tiles and some channels, from `first` on. Returns 1 if all elements are finite and not huge. */
static int NAME(winograd_windows)(
    const convt_winograd_plan *p, int64_t block, int64_t first, int64_t channels, const NAME(window_list) *windows,
    const convt_strides *in, REAL *v)
{
    REAL window[16 * CONVT_WINOGRAD_TILES + LANES];
    NAME(vector) bad = {0};
    int64_t size = p->block_tiles, count = NAME(winograd_vectors)(p, block) * LANES;
    int64_t at = NAME(tile_at)(p, block * size).image * in->outer + first * in->channel;
    for (int64_t c = 0; c < channels; c++, at += in->channel)
        for (int64_t phase = 0; phase < p->in_phases; phase++, v += p->pitch) {
            NAME(move_all)(&windows->source, windows->count, windows->moves + phase * windows->count, at, window);
            for (int64_t t = 0; t < count; t += LANES)
                NAME(transform_window)(window + t, size, v + t, p->v_size, &bad);
        }
    return NAME(all_finite)(LANES, (const REAL *)&bad);
}

/* M (+)= U V: a pass of `outputs` channels, one block of tiles and one block of channels. */
static void NAME(winograd_products)(
    const convt_winograd_plan *p, int64_t block, int64_t outputs, int64_t channels, const REAL *v, const REAL *u, REAL *m,
    int add)
{
    int64_t vectors, count = NAME(winograd_vectors)(p, block);
    int64_t least = outputs % p->unit ? outputs % p->unit : p->unit; /* rows of the last unit */
    for (int64_t f = 0; f < 16; f++)
        for (int64_t at = 0; at < count; at += vectors) {
            vectors = count - at < p->tile ? count - at : p->tile;
            while (!NAME(table).direct[p->unit][vectors] || !NAME(table).direct[least][vectors]) vectors--;
            for (int64_t first = 0, unit = 0; first < outputs; first += p->unit, unit++) {
                int64_t rows = p->unit < outputs - first ? p->unit : outputs - first;
                for (int64_t phase = 0; phase < p->out_phases; phase++)
                    NAME(table).direct[rows][vectors](
                        channels * p->in_phases, 1, NAME(here), p->pitch, CONVT_PREFETCH * p->pitch,
                        v + f * p->v_size + at * LANES,
                        u + ((unit * 16 + f) * p->out_phases + phase) * p->u_size,
                        m + ((unit * p->out_phases + phase) * 16 + f) * p->unit * p->block_tiles + at * LANES,
                        p->block_tiles, add);
            }
        }
}


/* The rows of results of a block of tiles. Returns how many they are. */
static int64_t NAME(winograd_runs)(
    const convt_winograd_plan *p, int64_t block, const convt_strides *out, NAME(winograd_run) *runs)
{
    int64_t count = NAME(tiles_of)(p, block), found = 0, tiles, ways = p->results[1] * p->out_stride[1];
    for (int64_t t = 0; t < count; t += tiles) {
        NAME(tile) tile = NAME(tile_at)(p, block * p->block_tiles + t);
        tiles = tile.left < count - t ? tile.left : count - t;
        int64_t x = p->out_first[1] + tile.x * p->out_stride[1], first = x < 0 ? -x : 0, end = p->out_size[1] - x;
        end = p->lattices[1] == 1 ? end : (end + p->lattices[1] - 1) / p->lattices[1];
        end = tiles * ways < end ? tiles * ways : end;
        for (int64_t i = 0; i < p->results[0] * p->out_stride[0]; i++) {
            int64_t element = i / p->out_stride[0], phase = i % p->out_stride[0];
            int64_t y = p->out_first[0] + (tile.y + p->lattices[0] * element) * p->out_stride[0] + phase;
            if (y >= 0 && y < p->out_size[0] && first < end)
                runs[found++] = (NAME(winograd_run)){
                    tile.image * out->outer + y * out->axis[1] + (x + first) * out->axis[2],
                    (phase * p->results[0] + element) * ways * p->block_tiles + t, first, end - first};
        }
    }
    return found;
}

/* Writes results of a row of tiles one by one: that number i lies at from[place[i]]. */
static inline void NAME(write_results)(
    int64_t first, int64_t end, const int32_t *restrict place, const REAL *restrict from, REAL bias, REAL *restrict to,
    int64_t step)
{
    if (step == 1)
        for (int64_t i = first; i < end; i++) to[i] = from[place[i]] + bias;
    else
        for (int64_t i = first; i < end; i++) to[i * step] = from[place[i]] + bias;
}

/* Writes a row of results. Those of many whole tiles, `ways` each, are interleaved. */
static inline void NAME(write_run)(
    const NAME(winograd_run) *run, int64_t ways, const int32_t *place, const REAL *results, int64_t pitch, REAL bias,
    REAL *to, int64_t step)
{
    const REAL *from = results + run->from;
    int64_t first = run->first, end = first + run->count, low = (first + ways - 1) / ways, high = end / ways;
    to -= first * step;
    if (step != 1 || high - low < LANES) {
        NAME(write_results)(first, end, place, from, bias, to, step);
        return;
    }
    NAME(write_results)(first, low * ways, place, from, bias, to, 1);
    NAME(interleave)(high - low, ways, from + low, pitch, bias, to + low * ways);
    NAME(write_results)(high * ways, end, place, from, bias, to, 1);
}

/* Writes `outputs` channels of a block of tiles from M, the first of them that which `bias` and `output` point to. */
static void NAME(winograd_output)(
    const convt_winograd_plan *p, int64_t block, int64_t outputs, const REAL *m, const REAL *bias, REAL *output,
    const convt_strides *out, NAME(winograd_lists) *lists)
{
    NAME(winograd_run) *runs = lists->runs;
    REAL *results = lists->results;
    int32_t *place = lists->place;
    int64_t run_count = NAME(winograd_runs)(p, block, out, runs), count = NAME(winograd_vectors)(p, block) * LANES;
    int64_t size = p->block_tiles, matrix = p->unit * size, ways = p->results[1] * p->out_stride[1];
    for (int64_t i = 0; i < ways * size; i++) place[i] = (int32_t)(i % ways * size + i / ways);
    for (int64_t c = 0; c < outputs; c++, output += out->channel) {
        const REAL *products = m + (c / p->unit * p->out_phases * 16 * p->unit + c % p->unit) * size;
        for (int64_t phase = 0; phase < p->out_phases; phase++, products += 16 * matrix) {
            REAL *to = results + (phase / p->out_stride[1] * p->results[0] * ways + phase % p->out_stride[1]) * size;
            for (int64_t t = 0; t < count; t += LANES)
                NAME(transform_products)(
                    p->results[0], p->results[1], products + t, matrix, to + t, ways * size, p->out_stride[1] * size);
        }
        for (const NAME(winograd_run) *run = runs; run < runs + run_count; run++)
            NAME(write_run)(
                run, ways, place, results, size, bias ? bias[c] : 0, output + run->to, out->axis[2] * p->lattices[1]);
    }
}

static inline int64_t NAME(channels_of)(const convt_winograd_plan *p, int64_t block)
{
    int64_t rest = p->inputs - block * p->block_channels;
    return p->block_channels < rest ? p->block_channels : rest;
}

/* Packs V of one block of tiles and one block of channels, which `input` and `v` point to. */
static int NAME(winograd_input)(
    const convt_winograd_plan *p, int64_t block, int64_t channels, const REAL *input, const convt_strides *in, REAL *v,
    REAL *scratch)
{
    NAME(window_list) *windows = &((NAME(winograd_lists) *)scratch)->windows;
    NAME(list_windows)(p, block, channels, input, in, windows);
    return NAME(winograd_windows)(p, block, 0, channels, windows, in, v);
}

/* A block of tiles, its outputs first to end, pass by pass: M = U V, and what becomes of it. `u` is that of the group; the scratch
 * memory holds the lists, then M. */
static void NAME(winograd_passes)(
    const convt_winograd_plan *p, int64_t group, int64_t block, int64_t first, int64_t end, const REAL *v, const REAL *u,
    const REAL *bias, REAL *output, const convt_strides *out, REAL *scratch)
{
    REAL *m = scratch + CONVT_WINOGRAD_LISTS / sizeof(REAL);
    for (int64_t outputs; first < end; first += outputs) {
        int64_t channel = group * p->outputs + first;
        outputs = convt_least(p->pass * p->unit, end - first);
        for (int64_t c = 0; c < p->channel_blocks; c++)
            NAME(winograd_products)(
                p, block, outputs, NAME(channels_of)(p, c), v + c * 16 * p->v_size,
                u + (c * p->units + first / p->unit) * 16 * p->out_phases * p->u_size, m, c > 0);
        NAME(winograd_output)(
            p, block, outputs, m, bias ? bias + channel : bias, output + channel * out->channel, out,
            (NAME(winograd_lists) *)scratch);
    }
}

/* V of all channels of one block of tiles of one group. Returns 1 if all elements are finite and not huge. */
static int NAME(winograd_block)(
    const convt_winograd_plan *p, int64_t group, int64_t block, const REAL *input, const convt_strides *in, REAL *v,
    REAL *scratch)
{
    NAME(window_list) *windows = &((NAME(winograd_lists) *)scratch)->windows;
    NAME(list_windows)(p, block, p->inputs, input + group * p->inputs * in->channel, in, windows);
    for (int64_t c = 0; c < p->channel_blocks; c++)
        if (!NAME(winograd_windows)(
                p, block, c * p->block_channels, NAME(channels_of)(p, c), windows, in, v + c * 16 * p->v_size))
            return 0;
    return 1;
}

/* The schedule by outputs, for many weights and few tiles: V of several blocks has been packed before, and this is one
 * pass over some of them, of so many outputs from `first` on; it packs its weights itself, those of one block of channels at a time. The
 * pointers are those of the group; the scratch memory holds the lists, U, then M of all blocks. Returns 1 if all weights are finite and not huge. */
static int NAME(winograd_outputs)(
    const convt_winograd_plan *p, int64_t first, int64_t outputs, int64_t first_block, int64_t blocks, const REAL *v,
    const REAL *kernel, int64_t in, int64_t out_channel, const int64_t *axis, const REAL *bias, REAL *output,
    const convt_strides *out, REAL *scratch)
{
    int64_t u_unit = 16 * p->out_phases * p->u_size, m_block = p->pass * p->out_phases * 16 * p->unit * p->block_tiles;
    REAL *u = scratch + CONVT_WINOGRAD_LISTS / sizeof(REAL), *m = u + p->pass * u_unit;
    for (int64_t c = 0; c < p->channel_blocks; c++) {
        for (int64_t at = 0; at < outputs; at += p->unit)
            if (!NAME(winograd_weights)(
                    p, NAME(channels_of)(p, c), convt_least(p->unit, outputs - at),
                    kernel + c * p->block_channels * in + (first + at) * out_channel, in, out_channel, axis,
                    u + at / p->unit * u_unit))
                return 0;
        for (int64_t b = 0; b < blocks; b++)
            NAME(winograd_products)(
                p, first_block + b, outputs, NAME(channels_of)(p, c), v + (b * p->channel_blocks + c) * 16 * p->v_size, u,
                m + b * m_block, c > 0);
    }
    for (int64_t b = 0; b < blocks; b++)
        NAME(winograd_output)(
            p, first_block + b, outputs, m + b * m_block, bias ? bias + first : bias, output + first * out->channel, out,
            (NAME(winograd_lists) *)scratch);
    return 1;
}
