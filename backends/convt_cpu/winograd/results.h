/* From M to the output: the results of a block of tiles, transformed and interleaved. A template as direct.h is.
 *
 * Where each row of results goes is the same for all channels, and is written down once per block. */

enum {
    NAME(WINOGRAD_RUNS) = 2 * CONVT_WINOGRAD_STRIDE * CONVT_WINOGRAD_TILES,
    NAME(WINOGRAD_RESULTS) = 4 * CONVT_WINOGRAD_STRIDE * CONVT_WINOGRAD_STRIDE * CONVT_WINOGRAD_TILES
};

typedef struct {
    int64_t to, from, first, count; /* a row of results: where it goes, its line of results, its part that is inside */
} NAME(winograd_run);

typedef struct {
    NAME(winograd_run) runs[NAME(WINOGRAD_RUNS)];
    REAL results[NAME(WINOGRAD_RESULTS)]; /* [y phase][y][x][x phase][tile] */
    int32_t place[2 * CONVT_WINOGRAD_STRIDE * CONVT_WINOGRAD_TILES];
} NAME(result_list);

/* The rows of results of a block of tiles. Returns how many they are. */
static int64_t NAME(winograd_runs)(
    const convt_winograd_plan *p, int64_t block, const convt_strides *out, NAME(winograd_run) *runs)
{
    int64_t count = NAME(tiles_of)(p, block), found = 0, tiles, results = NAME(results_of)(p, block);
    int64_t ways = results * p->out_stride[1], frame = NAME(of_frame)(p, block), apart = frame ? 1 : p->lattices[1];
    int64_t end_y = frame ? p->places[0] : p->high[0], end_x = frame ? p->places[1] : p->high[1];
    for (int64_t t = 0; t < count; t += tiles) {
        NAME(tile) tile = NAME(tile_at)(p, block, t);
        tiles = convt_least(tile.left, count - t);
        int64_t x = p->out_first[1] + tile.x * p->out_stride[1], first = x < 0 ? -x : 0;
        int64_t end = convt_least(p->out_size[1], p->out_first[1] + end_x * p->out_stride[1]) - x;
        end = convt_least(tiles * ways, apart == 1 ? end : convt_ceil_div(end, apart));
        for (int64_t i = 0; i < results * p->out_stride[0]; i++) {
            int64_t element = i / p->out_stride[0], phase = i % p->out_stride[0], place = tile.y + p->lattices[0] * element;
            int64_t y = p->out_first[0] + place * p->out_stride[0] + phase;
            if (place < end_y && y >= 0 && y < p->out_size[0] && first < end)
                runs[found++] = (NAME(winograd_run)){
                    tile.image * out->outer + y * out->axis[1] + (x + first) * out->axis[2],
                    (phase * results + element) * ways * p->block_tiles + t, first, end - first};
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
    const convt_strides *out, NAME(result_list) *list)
{
    NAME(winograd_run) *runs = list->runs;
    REAL *results = list->results;
    int32_t *place = list->place;
    int64_t run_count = NAME(winograd_runs)(p, block, out, runs), count = NAME(winograd_vectors)(p, block) * LANES;
    int64_t size = p->block_tiles, matrix = p->unit * size, of_tile = NAME(results_of)(p, block);
    int64_t frame = NAME(of_frame)(p, block), ways = of_tile * p->out_stride[1], apart = frame ? 1 : p->lattices[1];
    for (int64_t i = 0; i < ways * size; i++) place[i] = (int32_t)(i % ways * size + i / ways);
    for (int64_t c = 0; c < outputs; c++, output += out->channel) {
        const REAL *products = m + (c / p->unit * p->out_phases * p->frequencies * p->unit + c % p->unit) * size;
        for (int64_t phase = 0; phase < p->out_phases; phase++, products += p->frequencies * matrix) {
            REAL *to = results + (phase / p->out_stride[1] * of_tile * ways + phase % p->out_stride[1]) * size;
            if (frame)
                memcpy(to, products, count * sizeof(REAL));
            else
                for (int64_t t = 0; t < count; t += LANES)
                    NAME(transform_products)(
                        p->window, products + t, matrix, to + t, ways * size, p->out_stride[1] * size);
        }
        for (const NAME(winograd_run) *run = runs; run < runs + run_count; run++)
            NAME(write_run)(run, ways, place, results, size, bias ? bias[c] : 0, output + run->to, out->axis[2] * apart);
    }
}
