/* depthwise: scatter and gather with one or few channels per group, where memory is the limit. A template as direct.h is.
 *
 *     input --rows with halos, pack.h--> planes (L1, L2) --rows.h, sums.h--> output
 *
 * Vector lanes are positions. Each input element is read once and each output element written once. */

/* The filters of a group in the order of the sums, [output][input plane's channel and tap]:
 * w[(output * taps + first_tap[plane] + tap) * inputs ...]. Returns 1 if all are finite, or made so, else 0. */
static int NAME(depthwise_weights)(
    const convt_depthwise_plan *p, int64_t replaces, const REAL *kernel, int64_t in, int64_t out, const int64_t *axis,
    REAL *w)
{
    REAL zero = 0, *packed = w;
    for (int64_t m = 0; m < p->outputs; m++)
        for (int64_t plane = 0; plane < p->out_planes; plane++)
            for (int64_t c = 0; c < p->inputs; c++)
                for (int64_t t = p->first_tap[plane]; t < p->first_tap[plane + 1]; t++) {
                    const int64_t *tap = p->taps + 3 * t;
                    REAL weight = kernel[m * out + c * in + tap[0] * axis[0] + tap[1] * axis[1] + tap[2] * axis[2]];
                    *w++ = weight;
                    zero += weight * 0; /* becomes NaN with the first that is not finite */
                }
    return zero == 0 || NAME(settle)(replaces, w - packed, packed);
}

/* One unit; it may follow the one whose rows are still packed. Rows are packed shortly before a chunk needs them. */
static int NAME(depthwise_unit)(
    const convt_depthwise_plan *p, int64_t replaces, const NAME(unit) *unit, int follows, const REAL *input,
    const convt_strides *in, const REAL *kernel, int64_t k_in, int64_t k_out, const int64_t *axis, const REAL *bias,
    REAL *output,
    const convt_strides *out, REAL *scratch)
{
    int64_t taps = p->inputs * p->first_tap[p->out_planes], first_output = unit->group * p->outputs;
    REAL *w = scratch, *sums = w + p->outputs * taps, *packed = sums + p->out_stride[2] * p->chunk_size;
    if (!NAME(depthwise_weights)(p, replaces, kernel, k_in, k_out, axis, w)) return 0;
    input += unit->image * in->outer + unit->group * p->inputs * in->channel;
    output += unit->image * out->outer + first_output * out->channel;
    int64_t ready = follows ? NAME(slide)(p, packed) : 0;
    int direct = out->axis[2] == 1 && p->out_stride[2] <= 2 && unit->size[2] > LANES;
    for (int64_t z = 0; z < unit->size[0]; z++)
        for (int64_t row = 0; row < unit->size[1]; row += p->chunk) {
            int64_t rows = p->chunk < unit->size[1] - row ? p->chunk : unit->size[1] - row;
            int64_t needed = NAME(rows_needed)(p, z, row);
            for (int64_t c = 0; c < p->inputs; c++)
                NAME(pack_box_rows)(
                    p, unit, ready, needed, input + c * in->channel, in, packed + c * p->channel_size);
            ready = needed;
            for (int64_t m = 0; m < p->outputs; m++)
                if (direct)
                    NAME(depthwise_rows)(
                        p, unit, z, row, rows, packed, w + m * taps, bias ? bias[first_output + m] : 0,
                        output + m * out->channel, out);
                else
                    NAME(depthwise_chunk)(
                        p, unit, z, row, rows, packed, w + m * taps, bias ? bias[first_output + m] : 0, sums,
                        output + m * out->channel, out);
        }
    return 1;
}

/* One task of scatter or gather. Returns 0 if a weight is not finite, nor made so: it would meet the zeros of a halo. */
static int NAME(depthwise)(
    const convt_depthwise_plan *p, int64_t replaces, int64_t task, const REAL *input, const convt_strides *in,
    const REAL *kernel, int64_t k_group, int64_t k_in, int64_t k_out, const int64_t *axis, const REAL *bias, REAL *output,
    const convt_strides *out, REAL *scratch)
{
    int64_t boxes = p->boxes[0] * p->boxes[1] * p->boxes[2], all = p->batch * p->groups * boxes;
    int64_t first = task * p->units, last = (task + 1) * p->units < all ? (task + 1) * p->units : all;
    for (int64_t index = first; index < last; index++) {
        NAME(unit) unit = NAME(unit_at)(p, index);
        int follows = index > first && NAME(follows)(p, index);
        if (!NAME(depthwise_unit)(
                p, replaces, &unit, follows, input, in, kernel + unit.group * k_group, k_in, k_out, axis, bias, output, out,
                scratch))
            return 0;
    }
    return 1;
}
