/* From the input to V: the windows of a block of tiles, copied and transformed. A template as direct.h is.
 *
 * How the windows are copied is the same for all channels, and is written down once per block. Tiles of several rows and images
 * share vectors, so that small images lose nothing. */

enum {
    NAME(WINOGRAD_PHASES) = CONVT_WINOGRAD_STRIDE * CONVT_WINOGRAD_STRIDE,
    NAME(WINOGRAD_MOVES) = 16 * NAME(WINOGRAD_PHASES) * (CONVT_WINOGRAD_TILES + 1) /* one per tile and one behind them */
};

/* How the windows of a block of tiles are copied, one channel at a time. */
typedef struct {
    NAME(source) source;
    int64_t count; /* of the moves of one input phase */
    int64_t elements; /* of a window */
    NAME(move) moves[NAME(WINOGRAD_MOVES)]; /* [input phase][element of the window][vectors of the rows of tiles] */
} NAME(window_list);

/* The moves of element (e_y, e_x) of the windows in one input phase, seen from the first image of the block: each row of tiles by
 * itself, then zeros up to the last vector's end. They go to a line of their own. Returns how many they are. */
static int64_t NAME(window_moves)(
    const convt_winograd_plan *p, int64_t block, int64_t phase, int64_t e_y, int64_t e_x, int64_t line,
    const convt_strides *in, NAME(move) *moves)
{
    int64_t count = NAME(tiles_of)(p, block), found = 0, row, t, image = NAME(tile_at)(p, block, 0).image;
    for (t = 0; t < count; t += row) {
        NAME(tile) tile = NAME(tile_at)(p, block, t);
        row = convt_least(tile.left, count - t);
        int64_t y = p->in_first[0] + p->in_stride[0] * (tile.y + p->lattices[0] * e_y) + phase / p->in_stride[1];
        int64_t x = p->in_first[1] + p->in_stride[1] * (tile.x + p->lattices[1] * e_x) + phase % p->in_stride[1];
        int64_t base = (tile.image - image) * in->outer + y * in->axis[1], outside = y < 0 || y >= p->in_size[0];
        int64_t step = p->in_stride[1] * tile.apart;
        for (int64_t v = 0; v < row; v += LANES, x += LANES * step) {
            int64_t low = 0, high = outside ? 0 : row - v < LANES ? row - v : LANES;
            while (low < high && x + low * step < 0) low++;
            while (high > low && x + (high - 1) * step >= p->in_size[1]) high--;
            int64_t to = line * p->block_tiles + t + v, from = low < high ? base + x * in->axis[2] : 0;
            moves[found++] = (NAME(move)){from, (int32_t)to, (int16_t)low, (int16_t)high};
        }
    }
    if (t % LANES) moves[found++] = (NAME(move)){0, (int32_t)(line * p->block_tiles + t), 0, 0};
    return found;
}

/* Lists the moves of a block of tiles of the input's channels, whose first one `input` points to. */
static void NAME(list_windows)(
    const convt_winograd_plan *p, int64_t block, int64_t channels, const REAL *input, const convt_strides *in,
    NAME(window_list) *windows)
{
    int64_t size[4] = {p->batch, channels, p->in_size[0], p->in_size[1]}, all = 0;
    int64_t stride[4] = {in->outer, in->channel, in->axis[1], in->axis[2]};
    const int64_t *window = NAME(of_frame)(p, block) ? p->taps : p->window;
    windows->elements = window[0] * window[1];
    windows->source = NAME(source_of)(input, 4, size, stride);
    windows->source.step *= p->in_stride[1] * NAME(tile_at)(p, block, 0).apart;
    for (int64_t phase = 0; phase < p->in_phases; phase++)
        for (int64_t e = 0; e < windows->elements; e++)
            all += NAME(window_moves)(p, block, phase, e / window[1], e % window[1], e, in, windows->moves + all);
    NAME(note_reach)(&windows->source, all, windows->moves);
    windows->count = all / p->in_phases;
}

/* V of a frame, whose windows stay as they are. */
static inline void NAME(copy_windows)(
    int64_t elements, int64_t count, const REAL *d, int64_t d_pitch, REAL *v, int64_t v_pitch, NAME(vector) *bad)
{
    typedef NAME(vector) vector;
    for (int64_t e = 0; e < elements; e++)
        for (int64_t t = 0; t < count; t += LANES) {
            vector element = *(const vector *)(d + e * d_pitch + t);
            *bad += element * WINOGRAD_LIMIT * 0;
            *(vector *)(v + e * v_pitch + t) = element;
        }
}

/* V of a block of tiles and some channels, from `first` on. Returns 1 if all elements are finite and not huge. */
static int NAME(winograd_windows)(
    const convt_winograd_plan *p, int64_t block, int64_t first, int64_t channels, const NAME(window_list) *windows,
    const convt_strides *in, REAL *v)
{
    REAL window[16 * CONVT_WINOGRAD_TILES + LANES];
    NAME(vector) bad = {0};
    int64_t size = p->block_tiles, count = NAME(winograd_vectors)(p, block) * LANES;
    int64_t at = NAME(tile_at)(p, block, 0).image * in->outer + first * in->channel;
    for (int64_t c = 0; c < channels; c++, at += in->channel)
        for (int64_t phase = 0; phase < p->in_phases; phase++, v += p->pitch) {
            NAME(move_all)(&windows->source, windows->count, windows->moves + phase * windows->count, at, window);
            if (NAME(of_frame)(p, block))
                NAME(copy_windows)(windows->elements, count, window, size, v, p->v_size, &bad);
            else
                for (int64_t t = 0; t < count; t += LANES)
                    NAME(transform_window)(p->window, window + t, size, v + t, p->v_size, &bad);
        }
    return NAME(all_finite)(LANES, (const REAL *)&bad);
}
