/* winograd: the tasks of the Winograd engine. A template as direct.h is. plan.h has the geometry and the layouts.
 *
 *     input --windows.h--> V
 *     weights ---------->  U     M = U V, per matrix (in L2) --results.h--> output, each element written once
 *
 * The matrices are ordinary products: the direct kernels compute them, as filters of one tap. */

/* What a task writes down once for all channels: too large for the stack of a thread that may be somebody's own. It is at the
 * beginning of each task's scratch memory. */
typedef union {
    NAME(window_list) windows;
    NAME(result_list) results;
} NAME(winograd_lists);

_Static_assert(sizeof(NAME(winograd_lists)) <= CONVT_WINOGRAD_LISTS, "room for the lists");

/* M (+)= U V: a pass of `outputs` channels, one block of tiles and one block of channels. The taps of a frame have one sum; those
 * that meet nothing, and phases that are not there, are left out. */
static void NAME(winograd_products)(
    const convt_winograd_plan *p, int64_t block, int64_t outputs, int64_t channels, const REAL *v, const REAL *u, REAL *m,
    int add)
{
    int64_t vectors, count = NAME(winograd_vectors)(p, block), tiles = NAME(tiles_of)(p, block), frame = NAME(of_frame)(p, block);
    int64_t least = outputs % p->unit ? outputs % p->unit : p->unit; /* rows of the last unit */
    int64_t matrices = frame ? p->taps[0] * p->taps[1] : p->frequencies;
    for (int64_t f = 0; f < matrices; f++)
        for (int64_t at = 0; at < count; at += vectors) {
            int64_t of_u = frame ? p->tap_matrix[f] : f, of_m = frame ? 0 : f;
            vectors = count - at < p->tile ? count - at : p->tile;
            while (!NAME(table).direct[p->unit][vectors] || !NAME(table).direct[least][vectors]) vectors--;
            NAME(needs) needs = {-1, -1};
            if (frame) needs = NAME(needs_of)(p, block, at * LANES, convt_least(vectors * LANES, tiles - at * LANES));
            if (!(needs.taps >> f & 1)) continue;
            int before = add || (frame && (needs.taps & ((1 << f) - 1)));
            for (int64_t first = 0, unit = 0; first < outputs; first += p->unit, unit++) {
                int64_t rows = p->unit < outputs - first ? p->unit : outputs - first;
                for (int64_t phase = 0; phase < p->out_phases; phase++) {
                    if (!(needs.phases >> phase & 1)) continue;
                    NAME(table).direct[rows][vectors](
                        channels * p->in_phases, 1, NAME(here), p->pitch, CONVT_PREFETCH * p->pitch,
                        v + f * p->v_size + at * LANES,
                        u + ((unit * p->matrices + of_u) * p->out_phases + phase) * p->u_size,
                        m + ((unit * p->out_phases + phase) * p->frequencies + of_m) * p->unit * p->block_tiles + at * LANES,
                        p->block_tiles, before);
                }
            }
        }
}

/* Elements of U of one unit and one block of channels. */
static inline int64_t NAME(u_of_unit)(const convt_winograd_plan *p) { return p->matrices * p->out_phases * p->u_size; }

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
                p, block, outputs, NAME(channels_of)(p, c), v + c * p->frequencies * p->v_size,
                u + (c * p->units + first / p->unit) * NAME(u_of_unit)(p), m, c > 0);
        NAME(winograd_output)(
            p, block, outputs, m, bias ? bias + channel : bias, output + channel * out->channel, out,
            &((NAME(winograd_lists) *)scratch)->results);
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
                p, block, c * p->block_channels, NAME(channels_of)(p, c), windows, in, v + c * p->frequencies * p->v_size))
            return 0;
    return 1;
}

/* The schedule by outputs, for many weights and few tiles: V of several blocks has been packed before, and this is one pass over
 * some of them, of so many outputs from `first` on; it packs its weights itself, those of one block of channels at a time, unless
 * they are all there in `kept`. The pointers are those of the group; the scratch memory holds the lists, U, then M of all blocks.
 * Returns 1 if all weights are finite and not huge. */
static int NAME(winograd_outputs)(
    const convt_winograd_plan *p, int64_t first, int64_t outputs, int64_t first_block, int64_t blocks, const REAL *v,
    const REAL *kept, const REAL *kernel, int64_t in, int64_t out_channel, const int64_t *axis, const REAL *bias, REAL *output,
    const convt_strides *out, REAL *scratch)
{
    int64_t u_unit = NAME(u_of_unit)(p);
    int64_t m_block = p->pass * p->out_phases * p->frequencies * p->unit * p->block_tiles;
    REAL *u = scratch + CONVT_WINOGRAD_LISTS / sizeof(REAL), *m = kept ? u : u + p->pass * u_unit;
    for (int64_t c = 0; c < p->channel_blocks; c++) {
        for (int64_t at = 0; at < outputs && !kept; at += p->unit)
            if (!NAME(winograd_weights)(
                    p, NAME(channels_of)(p, c), convt_least(p->unit, outputs - at),
                    kernel + c * p->block_channels * in + (first + at) * out_channel, in, out_channel, axis,
                    u + at / p->unit * u_unit))
                return 0;
        for (int64_t b = 0; b < blocks; b++)
            NAME(winograd_products)(
                p, first_block + b, outputs, NAME(channels_of)(p, c), v + (b * p->channel_blocks + c) * p->frequencies * p->v_size,
                kept ? kept + (c * p->units + first / p->unit) * u_unit : u, m + b * m_block, c > 0);
    }
    for (int64_t b = 0; b < blocks; b++)
        NAME(winograd_output)(
            p, first_block + b, outputs, m + b * m_block, bias ? bias + first : bias, output + first * out->channel, out,
            &((NAME(winograd_lists) *)scratch)->results);
    return 1;
}
