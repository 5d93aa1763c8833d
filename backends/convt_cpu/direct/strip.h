/* strip: the schedules of the direct engine, from packing the input to writing the output. A template as direct.h is.
 *
 *     input --pack--> strip (in L2) --direct kernels--> sums (in L1, L2) --interleave--> output, each element written once
 *
 *     weights as weights.h packs them
 *     sums    [unit][output plane][output channel of the unit][position]       positions run as they do in the strip;
 *                                                                              those in a halo are computed and left */

/* Interleaves one row of the output, `step` apart, from its phases. `whole` of its positions have all phases; it is 0 where the
 * row is not contiguous. */
static inline void NAME(write_row)(
    int64_t count, int64_t whole, int64_t ways, const REAL *row, int64_t plane_size, REAL bias, REAL *to, int64_t step)
{
    NAME(interleave)(whole, ways, row, plane_size, bias, to);
    for (int64_t r = 0; r < ways && whole * ways < count; r++)
        for (int64_t i = whole; i * ways + r < count; i++) to[(i * ways + r) * step] = row[r * plane_size + i] + bias;
}

/* Writes one output channel of a strip that has one phase, in rows of neighbours; rows that follow each other are one. */
static void NAME(write_phase)(
    const convt_direct_plan *p, const NAME(box) *box, const REAL *sums, REAL bias, REAL *channel, const convt_strides *strides)
{
    int64_t rows = box->size[1], count = box->size[2];
    if (count == p->rows[2] && count == strides->axis[1]) count *= rows, rows = 1;
    channel += box->image * strides->outer + box->at[0] * strides->axis[0] + box->at[1] * strides->axis[1] + box->at[2];
    for (int64_t n = 0; n < box->images; n++)
        for (int64_t z = 0; z < box->size[0]; z++) {
            const REAL *row = sums + n * p->sums_pitch[0] + z * p->sums_pitch[1];
            REAL *to = channel + n * strides->outer + z * strides->axis[0];
            for (int64_t y = 0; y < rows; y++) NAME(shift_row)(count, row + y * p->rows[2], bias, to + y * strides->axis[1]);
        }
}

/* Writes one output channel of a strip from its sums, all planes together. */
static void NAME(write_channel)(
    const convt_direct_plan *p, const NAME(box) *box, const REAL *sums, int64_t plane_size, REAL bias, REAL *channel,
    const convt_strides *strides)
{
    const int64_t *ways = p->out_stride;
    int64_t step = strides->axis[2], first = box->at[2] * ways[2], count = box->size[2] * ways[2];
    if (count > p->out_size[2] - first) count = p->out_size[2] - first;
    if (step == 1 && p->out_planes == 1) {
        NAME(write_phase)(p, box, sums, bias, channel, strides);
        return;
    }
    int64_t whole = step != 1 ? 0 : ways[2] == 1 ? count : count / ways[2];
    for (int64_t n = 0; n < box->images; n++)
        for (int64_t z = 0; z < box->size[0]; z++)
            for (int64_t y = 0; y < box->size[1]; y++) {
                const REAL *row = sums + n * p->sums_pitch[0] + z * p->sums_pitch[1] + y * p->rows[2];
                for (int64_t phase_z = 0; phase_z < ways[0]; phase_z++)
                    for (int64_t phase_y = 0; phase_y < ways[1]; phase_y++, row += ways[2] * plane_size) {
                        int64_t out_z = (box->at[0] + z) * ways[0] + phase_z, out_y = (box->at[1] + y) * ways[1] + phase_y;
                        if (out_z < p->out_size[0] && out_y < p->out_size[1])
                            NAME(write_row)(
                                count, whole, ways[2], row, plane_size, bias,
                                channel + (box->image + n) * strides->outer + out_z * strides->axis[0] +
                                    out_y * strides->axis[1] + first * step,
                                step);
                    }
            }
}

/* Adds one block's channels, from c on, to the sums of the outputs first to last of a pass. Tile by tile: the positions of one
 * tile stay in the L1 cache while all weights pass by. `weights` are those of the first unit, with room for `width` channels from
 * c - before on. */
static void NAME(sum_block)(
    const convt_direct_plan *p, int64_t first, int64_t last, int64_t c, int64_t before, int64_t width, const REAL *strip,
    const REAL *weights, REAL *sums)
{
    int64_t channels = p->block < p->inputs - c ? p->block : p->inputs - c, vectors, of_slice = p->slice / LANES;
    int64_t all_taps = p->first_tap[p->out_planes], row_sums = p->out_planes * p->positions;
    int64_t least = (last - first) % p->unit ? (last - first) % p->unit : p->unit; /* rows of the last unit */
    strip += c * p->channel_size;
    for (int64_t slice = 0; slice < p->slices; slice++) {
        int64_t from = (slice / p->count[1] * p->rows[0] + slice % p->count[1]) * p->rows[1] * p->rows[2];
        for (int64_t v = 0; v < of_slice; v += vectors) {
            vectors = of_slice - v < p->tile ? of_slice - v : p->tile;
            while (!NAME(table).direct[p->unit][vectors] || !NAME(table).direct[least][vectors]) vectors--;
            int64_t at = from + NAME(locate)(p, v * LANES), sums_at = slice * p->slice + v * LANES;
            for (int64_t m = first; m < last; m += p->unit) {
                int64_t rows = p->unit < last - m ? p->unit : last - m;
                const REAL *unit_weights = weights + ((m - first) * width + before * rows) * all_taps;
                REAL *unit_sums = sums + (m - first) * row_sums + sums_at;
                for (int64_t plane = 0; plane < p->out_planes; plane++) {
                    int64_t first_tap = p->first_tap[plane], taps = p->first_tap[plane + 1] - first_tap;
                    NAME(table).direct[rows][vectors](
                        p->even ? channels * taps : channels, p->even ? 1 : taps, p->offsets + first_tap,
                        p->even ? p->even : p->channel_size, p->ahead, strip + at,
                        unit_weights + channels * rows * first_tap, unit_sums + plane * rows * p->positions, p->positions,
                        c > 0);
                }
            }
        }
    }
}

/* Writes all output channels of a unit. */
static void NAME(write_unit)(
    const convt_direct_plan *p, const NAME(box) *box, int64_t first, int64_t rows, const REAL *sums, const REAL *bias,
    REAL *output, const convt_strides *out)
{
    int64_t channel = box->group * p->outputs + first;
    for (int64_t m = 0; m < rows; m++)
        NAME(write_channel)(
            p, box, sums + m * p->positions, rows * p->positions, bias ? bias[channel + m] : 0,
            output + (channel + m) * out->channel, out);
}

/* Adds the channels from c to end, whose weights are given, to the sums of one pass. */
static void NAME(sum_channels)(
    const convt_direct_plan *p, int64_t first, int64_t last, int64_t c, int64_t end, const REAL *strip, const REAL *weights,
    REAL *sums)
{
    for (int64_t at = c; at < end; at += p->block) NAME(sum_block)(p, first, last, at, at - c, end - c, strip, weights, sums);
}

/* Writes the outputs first to last of one pass. */
static void NAME(write_pass)(
    const convt_direct_plan *p, const NAME(box) *box, int64_t first, int64_t last, const REAL *sums, const REAL *bias,
    REAL *output, const convt_strides *out)
{
    for (int64_t m = first; m < last; m += p->unit)
        NAME(write_unit)(
            p, box, m, p->unit < last - m ? p->unit : last - m, sums + (m - first) * p->out_planes * p->positions, bias,
            output, out);
}

/* One packed strip, the outputs first to end, pass by pass; `weights` are those of the group, `sums` has room for one pass. */
static void NAME(sum_strip_of)(
    const convt_direct_plan *p, const NAME(box) *box, int64_t first, int64_t end, const REAL *strip, const REAL *weights,
    const REAL *bias, REAL *output, const convt_strides *out, REAL *sums)
{
    int64_t filter = p->inputs * p->first_tap[p->out_planes];
    for (int64_t last; first < end; first = last) {
        last = convt_least(first + p->pass, end);
        NAME(sum_channels)(p, first, last, 0, p->inputs, strip, weights + first * filter, sums);
        NAME(write_pass)(p, box, first, last, sums, bias, output, out);
    }
}

/* One strip whose taps are columns, all outputs. */
static void NAME(column_strip)(
    const convt_direct_plan *p, const NAME(box) *box, const REAL *input, const convt_strides *in, const REAL *weights,
    const REAL *bias, REAL *output, const convt_strides *out, REAL *scratch)
{
    REAL *sums = scratch + p->strip_size;
    NAME(sum_columns)(p, box, input, in, weights, scratch, sums, sums + p->out_planes * p->outputs * p->positions);
    NAME(write_pass)(p, box, 0, p->outputs, sums, bias, output, out);
}

/* The schedule by outputs, for many weights and few positions: all strips of a wave have been packed before, and this is one
 * pass over some of them, the outputs first to last. It packs its weights itself, those of some channels at a time, which stay in the L2
 * cache, unless they are all there in `kept`. The scratch memory holds them, then the sums of all strips. Returns 1 if all
 * weights are finite, or made so, else 0. */
static int NAME(outputs)(
    const convt_direct_plan *p, int64_t replaces, int64_t first, int64_t last, int64_t first_strip, int64_t strips,
    const REAL *packed, const REAL *kept, const REAL *kernel, int64_t in, int64_t out_channel, const int64_t *axis,
    const REAL *bias, REAL *output, const convt_strides *out, REAL *scratch)
{
    int64_t all_taps = p->first_tap[p->out_planes], of_strip = p->pass * p->out_planes * p->positions;
    REAL *sums = kept ? scratch : scratch + p->pass * p->chunk * all_taps;
    for (int64_t c = 0; c < p->inputs; c += p->chunk) {
        int64_t end = p->chunk < p->inputs - c ? c + p->chunk : p->inputs, from = kept ? 0 : c;
        int64_t width = kept ? p->inputs : end - c;
        if (!kept && !NAME(pack_weights)(p, replaces, first, last, c, end, 0, width, kernel, in, out_channel, axis, scratch))
            return 0;
        for (int64_t s = 0; s < strips; s++)
            for (int64_t at = c; at < end; at += p->block)
                NAME(sum_block)(
                    p, first, last, at, at - from, width, packed + s * p->strip_size, kept ? kept : scratch,
                    sums + s * of_strip);
    }
    for (int64_t s = 0; s < strips; s++) {
        NAME(box) box = NAME(strip_box)(p, first_strip + s);
        NAME(write_pass)(p, &box, first, last, sums + s * of_strip, bias, output, out);
    }
    return 1;
}
