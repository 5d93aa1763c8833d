/* depthwise: scatter and gather with one or few channels per group, where memory is the limit. A template as direct.h is.
 *
 *     input --pack, row by row--> planes with halos (L1, L2) --sums of a chunk (L1)--> output, each element written once
 *
 * Vector lanes are positions. Rows of a packed plane lie one behind the other, so that a vector may run across a row's end:
 * short rows waste nothing but their halo. */

typedef struct {
    int64_t image, group, at[3], size[3]; /* a box of positions of the output planes */
} NAME(unit);

/* The box of a unit; the boxes of an image's group come one after the other, then the groups, then the images. */
static NAME(unit) NAME(unit_at)(const convt_depthwise_plan *p, int64_t index)
{
    NAME(unit) unit;
    for (int axis = 2; axis >= 0; axis--) {
        int64_t planes = (p->out_size[axis] + p->out_stride[axis] - 1) / p->out_stride[axis];
        unit.at[axis] = index % p->boxes[axis] * p->count[axis];
        unit.size[axis] = p->count[axis] < planes - unit.at[axis] ? p->count[axis] : planes - unit.at[axis];
        index /= p->boxes[axis];
    }
    unit.group = index % p->groups;
    unit.image = index / p->groups;
    return unit;
}

/* y[i] = x[i] for i < count. The last vector overlaps the one before it: no loop over single elements at the end of a row. */
static inline void NAME(copy_row)(int64_t count, const REAL *x, REAL *y)
{
    typedef NAME(vector) vector;
    if (count < LANES) {
        for (int64_t i = 0; i < count; i++) y[i] = x[i];
        return;
    }
    for (int64_t i = 0; i < count - LANES; i += LANES) *(vector *)(y + i) = *(const vector *)(x + i);
    *(vector *)(y + count - LANES) = *(const vector *)(x + count - LANES);
}

/* to[x] = row[(first + x) * stride + phase], and zeros where the row ends. */
static inline void NAME(pack_phase)(
    const REAL *row, int64_t size, int64_t step, int64_t stride, int64_t phase, int64_t first, int64_t count, REAL *to)
{
    int64_t low = -first, high = stride == 1 ? size - first : size > phase ? (size - phase + stride - 1) / stride - first : 0;
    low = low < 0 ? 0 : low > count ? count : low;
    high = high < low ? low : high > count ? count : high;
    for (int64_t x = 0; x < low; x++) to[x] = 0;
    row += ((first + low) * stride + phase) * step;
    if (step == 1 && stride == 1)
        NAME(copy_row)(high - low, row, to + low);
    else if (step == 1)
        NAME(deinterleave)(high - low, stride, row, to + low);
    else
        for (int64_t x = low; x < high; x++) to[x] = row[(x - low) * stride * step];
    for (int64_t x = high; x < count; x++) to[x] = 0;
}

/* Both phases of a stride of 2 in one go: to[p * plane_size + x] = row[2 * (first + x) + p] as above. */
static inline void NAME(pack_both)(
    const REAL *row, int64_t size, int64_t first, int64_t count, REAL *to, int64_t plane_size)
{
    int64_t low = first < 0 ? -first : 0, even = (size + 1) / 2 - first, odd = size / 2 - first;
    low = low < count ? low : count;
    even = even < low ? low : even > count ? count : even;
    odd = odd < low ? low : odd > count ? count : odd;
    for (int64_t x = 0; x < low; x++) to[x] = to[plane_size + x] = 0;
    row += 2 * first;
    NAME(deinterleave_both)(odd - low, row + 2 * low, to + low, to + plane_size + low);
    for (int64_t x = odd; x < even; x++) to[x] = row[2 * x];
    for (int64_t x = even; x < count; x++) to[x] = 0;
    for (int64_t x = odd; x < count; x++) to[plane_size + x] = 0;
}

/* The packed rows `first` to `last` of all planes of a channel, counted over z and y, and zeros for the vector that ends
 * behind them. */
static void NAME(pack_rows)(
    const convt_depthwise_plan *p, const NAME(unit) *unit, int64_t first, int64_t last, const REAL *channel,
    const convt_strides *strides, REAL *to)
{
    const int64_t *stride = p->in_stride;
    int64_t step = strides->axis[2], size = p->in_size[2], pitch = p->rows[2], start = unit->at[2] + p->low[2];
    for (int64_t row = first; row < last; row++) {
        int64_t z = unit->at[0] + p->low[0] + row / p->rows[1], y = unit->at[1] + p->low[1] + row % p->rows[1];
        for (int64_t plane = 0; plane < p->in_planes; plane++) {
            const int64_t *phase = p->in_phase + 3 * plane;
            int64_t in_z = z * stride[0] + phase[0], in_y = y * stride[1] + phase[1];
            const REAL *from = channel + in_z * strides->axis[0] + in_y * strides->axis[1];
            REAL *row_to = to + plane * p->plane_size + row * pitch;
            if (in_z < 0 || in_z >= p->in_size[0] || in_y < 0 || in_y >= p->in_size[1])
                memset(row_to, 0, pitch * sizeof(REAL));
            else if (stride[2] == 2 && step == 1 && p->in_planes - plane > 1 && phase[2] == 0 && phase[5] == 1) {
                NAME(pack_both)(from, size, start, pitch, row_to, p->plane_size);
                plane++;
            } else
                NAME(pack_phase)(from, size, step, stride[2], phase[2], start, pitch, row_to);
        }
    }
    for (int64_t plane = 0; plane < p->in_planes; plane++)
        memset(to + plane * p->plane_size + last * pitch, 0, LANES * sizeof(REAL));
}

/* Moves the rows that two boxes of an image share to where the next box has them. Returns how many are packed thereby. */
static int64_t NAME(slide)(const convt_depthwise_plan *p, REAL *packed)
{
    int64_t shared = p->rows[0] * p->rows[1] - p->slide, pitch = p->rows[2];
    for (int64_t c = 0; c < p->inputs; c++)
        for (int64_t plane = 0; plane < p->in_planes; plane++) {
            REAL *rows = packed + c * p->channel_size + plane * p->plane_size;
            memmove(rows, rows + p->slide * pitch, shared * pitch * sizeof(REAL));
        }
    return shared;
}

/* y[i] = start + the sum over taps t of w[t] * x[offsets[t] + i], for NV vectors. */
static inline __attribute__((always_inline)) void NAME(tap_sums)(
    const int NV, int64_t taps, const int64_t *offsets, const REAL *w, REAL start, const REAL *x, REAL *y)
{
    typedef NAME(vector) vector;
    vector sum[4];
#pragma GCC unroll 4
    for (int v = 0; v < NV; v++) sum[v] = (vector){0} + start;
    for (int64_t t = 0; t < taps; t++)
#pragma GCC unroll 4
        for (int v = 0; v < NV; v++) sum[v] += w[t] * *(const vector *)(x + offsets[t] + v * LANES);
#pragma GCC unroll 4
    for (int v = 0; v < NV; v++) *(vector *)(y + v * LANES) = sum[v];
}

/* The sums of one output plane at some vectors of positions. */
static void NAME(plane_sums)(
    int64_t vectors, int64_t taps, const int64_t *offsets, const REAL *w, REAL start, const REAL *x, REAL *y)
{
    int64_t v = 0;
    for (; v + 4 <= vectors; v += 4)
        NAME(tap_sums)(4, taps, offsets, w, start, x + v * LANES, y + v * LANES);
    if (v + 2 <= vectors) {
        NAME(tap_sums)(2, taps, offsets, w, start, x + v * LANES, y + v * LANES);
        v += 2;
    }
    if (v < vectors) NAME(tap_sums)(1, taps, offsets, w, start, x + v * LANES, y + v * LANES);
}

/* The filters of a group in the order of the sums, [output][input plane's channel and tap]:
 * w[(output * taps + first_tap[plane] + tap) * inputs ...]. Returns 1 if all are finite, else 0. */
static int NAME(depthwise_weights)(
    const convt_depthwise_plan *p, const REAL *kernel, int64_t in, int64_t out, const int64_t *axis, REAL *w)
{
    REAL zero = 0;
    for (int64_t m = 0; m < p->outputs; m++)
        for (int64_t plane = 0; plane < p->out_planes; plane++)
            for (int64_t c = 0; c < p->inputs; c++)
                for (int64_t t = p->first_tap[plane]; t < p->first_tap[plane + 1]; t++) {
                    const int64_t *tap = p->taps + 3 * t;
                    REAL weight = kernel[m * out + c * in + tap[0] * axis[0] + tap[1] * axis[1] + tap[2] * axis[2]];
                    *w++ = weight;
                    zero += weight * 0; /* becomes NaN with the first that is not finite */
                }
    return zero == 0;
}

/* Writes one chunk of one output channel: rows of one z, from y on, whose phases lie in `sums` at distances of chunk_size. */
static void NAME(write_chunk)(
    const convt_depthwise_plan *p, const NAME(unit) *unit, int64_t row, int64_t rows, const REAL *sums, REAL *to,
    const convt_strides *out)
{
    int64_t ways = p->out_stride[2], step = out->axis[2], first = unit->at[2] * ways, count = unit->size[2] * ways;
    if (count > p->out_size[2] - first) count = p->out_size[2] - first;
    to += first * step;
    int64_t whole = step == 1 ? ways == 1 ? count : count / ways : 0;
    for (int64_t y = 0; y < rows; y++, row += p->out_stride[1], sums += p->rows[2]) {
        if (row >= p->out_size[1]) break;
        REAL *at = to + row * out->axis[1];
        if (ways == 1)
            NAME(copy_row)(whole, sums, at);
        else
            NAME(interleave)(whole, ways, sums, p->chunk_size, 0, at);
        for (int64_t x = whole * ways; x < count; x++) at[x * step] = sums[x % ways * p->chunk_size + x / ways];
    }
}

/* One chunk of one output channel, all phases: rows `row` to row + rows of the z-th slice of a box. */
static void NAME(depthwise_chunk)(
    const convt_depthwise_plan *p, const NAME(unit) *unit, int64_t z, int64_t row, int64_t rows, const REAL *packed,
    const REAL *w, REAL start, REAL *sums, REAL *to, const convt_strides *out)
{
    const int64_t *ways = p->out_stride;
    int64_t positions = (rows - 1) * p->rows[2] + unit->size[2], vectors = (positions + LANES - 1) / LANES;
    const int64_t *first_tap = p->first_tap;
    packed += (z * p->rows[1] + row) * p->rows[2];
    for (int64_t phase_z = 0; phase_z < ways[0]; phase_z++)
        for (int64_t phase_y = 0; phase_y < ways[1]; phase_y++) {
            for (int64_t phase_x = 0; phase_x < ways[2]; phase_x++, first_tap++) {
                int64_t taps = first_tap[1] - first_tap[0];
                NAME(plane_sums)(
                    vectors, taps * p->inputs, p->offsets + first_tap[0] * p->inputs, w, start, packed,
                    sums + phase_x * p->chunk_size);
                w += taps * p->inputs;
            }
            int64_t out_z = (unit->at[0] + z) * ways[0] + phase_z;
            if (out_z < p->out_size[0])
                NAME(write_chunk)(
                    p, unit, (unit->at[1] + row) * ways[1] + phase_y, rows, sums, to + out_z * out->axis[0], out);
        }
}

/* Positions i to i + NV * LANES of one row of the output, its WAYS phases interleaved. */
static inline __attribute__((always_inline)) void NAME(row_vectors)(
    const int WAYS, const int NV, const int64_t *first_tap, int64_t inputs, const int64_t *offsets, const REAL *w,
    REAL start, const REAL *x, REAL *y)
{
    typedef NAME(vector) vector;
    vector sum[2][4];
#pragma GCC unroll 2
    for (int way = 0; way < WAYS; way++) {
#pragma GCC unroll 4
        for (int v = 0; v < NV; v++) sum[way][v] = (vector){0} + start;
        for (int64_t t = first_tap[way] * inputs; t < first_tap[way + 1] * inputs; t++)
#pragma GCC unroll 4
            for (int v = 0; v < NV; v++) sum[way][v] += w[t] * *(const vector *)(x + offsets[t] + v * LANES);
    }
#pragma GCC unroll 4
    for (int v = 0; v < NV; v++)
        if (WAYS == 1)
            *(vector *)(y + v * LANES) = sum[0][v];
        else
            NAME(zip)(sum[0][v], sum[1][v], y + 2 * v * LANES);
}

/* One row of the output, `count` >= LANES positions. The last vector overlaps the one before it. */
static inline __attribute__((always_inline)) void NAME(row_of_output)(
    const int WAYS, int64_t count, const int64_t *first_tap, int64_t inputs, const int64_t *offsets, const REAL *w,
    REAL start, const REAL *x, REAL *y)
{
    int64_t i = 0;
#define VECTORS(NV) NAME(row_vectors)(WAYS, NV, first_tap, inputs, offsets, w, start, x + i, y + WAYS * i)
    for (; count - i >= 4 * LANES; i += 4 * LANES) VECTORS(4);
    if (count - i >= 2 * LANES) {
        VECTORS(2);
        i += 2 * LANES;
    }
    if (count - i >= LANES) {
        VECTORS(1);
        i += LANES;
    }
    if (i < count) {
        i = count - LANES;
        VECTORS(1);
    }
#undef VECTORS
}

/* Some rows of one output channel, from registers to the output: where rows are contiguous and no shorter than a vector. */
static void NAME(depthwise_rows)(
    const convt_depthwise_plan *p, const NAME(unit) *unit, int64_t z, int64_t row, int64_t rows, const REAL *packed,
    const REAL *w, REAL start, REAL *to, const convt_strides *out)
{
    const int64_t *ways = p->out_stride, *offsets = p->offsets;
    int64_t first = unit->at[2] * ways[2], count = unit->size[2] * ways[2];
    if (count > p->out_size[2] - first) count = p->out_size[2] - first;
    for (int64_t phase_z = 0; phase_z < ways[0]; phase_z++) {
        int64_t out_z = (unit->at[0] + z) * ways[0] + phase_z;
        if (out_z >= p->out_size[0]) break;
        for (int64_t y = row * ways[1]; y < (row + rows) * ways[1]; y++) {
            int64_t out_y = unit->at[1] * ways[1] + y;
            if (out_y >= p->out_size[1]) break;
            const int64_t *first_tap = p->first_tap + (phase_z * ways[1] + y % ways[1]) * ways[2];
            const REAL *x = packed + (z * p->rows[1] + y / ways[1]) * p->rows[2];
            REAL *at = to + out_z * out->axis[0] + out_y * out->axis[1] + first;
            if (ways[2] == 1)
                NAME(row_of_output)(1, count, first_tap, p->inputs, offsets, w, start, x, at);
            else {
                NAME(row_of_output)(2, count / 2, first_tap, p->inputs, offsets, w, start, x, at);
                if (count % 2) {
                    REAL sum = start;
                    for (int64_t t = first_tap[0] * p->inputs; t < first_tap[1] * p->inputs; t++)
                        sum += w[t] * x[offsets[t] + count / 2];
                    at[count - 1] = sum;
                }
            }
        }
    }
}

/* Packed rows that must be ready before a chunk. One chunk more than it reads: what was just stored cannot be loaded at other
 * bounds before it has left the store buffer, where it waits behind the output. */
static int64_t NAME(rows_needed)(const convt_depthwise_plan *p, int64_t z, int64_t row)
{
    int64_t halo_z = p->rows[0] - p->count[0], halo_y = p->rows[1] - p->count[1], all = p->rows[0] * p->rows[1];
    int64_t needed = (z + halo_z) * p->rows[1] + row + 2 * p->chunk + halo_y;
    return needed < all ? needed : all;
}

/* One unit; `follows` the one whose rows are still packed, if so. Rows are packed shortly before the first chunk that needs them. */
static int NAME(depthwise_unit)(
    const convt_depthwise_plan *p, const NAME(unit) *unit, int follows, const REAL *input, const convt_strides *in,
    const REAL *kernel, int64_t k_in, int64_t k_out, const int64_t *axis, const REAL *bias, REAL *output,
    const convt_strides *out, REAL *scratch)
{
    int64_t taps = p->inputs * p->first_tap[p->out_planes], first_output = unit->group * p->outputs;
    REAL *w = scratch, *sums = w + p->outputs * taps, *packed = sums + p->out_stride[2] * p->chunk_size;
    if (!NAME(depthwise_weights)(p, kernel, k_in, k_out, axis, w)) return 0;
    input += unit->image * in->outer + unit->group * p->inputs * in->channel;
    output += unit->image * out->outer + first_output * out->channel;
    int64_t ready = follows ? NAME(slide)(p, packed) : 0;
    int direct = out->axis[2] == 1 && p->out_stride[2] <= 2 && unit->size[2] > LANES;
    for (int64_t z = 0; z < unit->size[0]; z++)
        for (int64_t row = 0; row < unit->size[1]; row += p->chunk) {
            int64_t rows = p->chunk < unit->size[1] - row ? p->chunk : unit->size[1] - row;
            int64_t needed = NAME(rows_needed)(p, z, row);
            for (int64_t c = 0; c < p->inputs; c++)
                NAME(pack_rows)(
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

/* One task of scatter or gather. Returns 0 if a weight is not finite: it would meet the zeros of a halo. */
static int NAME(depthwise)(
    const convt_depthwise_plan *p, int64_t task, const REAL *input, const convt_strides *in, const REAL *kernel,
    int64_t k_group, int64_t k_in, int64_t k_out, const int64_t *axis, const REAL *bias, REAL *output,
    const convt_strides *out, REAL *scratch)
{
    int64_t boxes = p->boxes[0] * p->boxes[1] * p->boxes[2], all = p->batch * p->groups * boxes;
    int64_t first = task * p->units, last = (task + 1) * p->units < all ? (task + 1) * p->units : all;
    for (int64_t index = first; index < last; index++) {
        NAME(unit) unit = NAME(unit_at)(p, index);
        int follows = p->slide && index > first && index % boxes > 0;
        if (!NAME(depthwise_unit)(
                p, &unit, follows, input, in, kernel + unit.group * k_group, k_in, k_out, axis, bias, output, out, scratch))
            return 0;
    }
    return 1;
}

/* correlate: sums of NT taps over some vectors of positions, added lane by lane to `totals` [tap][LANES]. */
static inline __attribute__((always_inline)) void NAME(tap_products)(
    const int NT, int64_t vectors, const int64_t *offsets, const REAL *coarse, const REAL *fine, REAL *totals)
{
    typedef NAME(vector) vector;
    vector sum[12];
#pragma GCC unroll 12
    for (int t = 0; t < NT; t++) sum[t] = (vector){0};
    for (int64_t v = 0; v < vectors; v++) {
        vector c = *(const vector *)(coarse + v * LANES);
#pragma GCC unroll 12
        for (int t = 0; t < NT; t++) sum[t] += c * *(const vector *)(fine + offsets[t] + v * LANES);
    }
#pragma GCC unroll 12
    for (int t = 0; t < NT; t++) *(vector *)(totals + t * LANES) += sum[t];
}

/* All taps at some vectors of positions, up to 12 at once. */
static void NAME(plane_products)(
    int64_t vectors, int64_t taps, const int64_t *offsets, const REAL *coarse, const REAL *fine, REAL *totals)
{
    int64_t blocks = (taps + 11) / 12, most = (taps + blocks - 1) / blocks;
    for (int64_t t = 0; t < taps; t += most) {
        switch (most < taps - t ? most : taps - t) {
#define CASE(NT)                                                                                                          \
    case NT:                                                                                                              \
        NAME(tap_products)(NT, vectors, offsets + t, coarse, fine, totals + t * LANES);                                   \
        break;
            CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#undef CASE
        }
    }
}

/* One unit of correlate: the coarse rows of a chunk are packed with zeros where the fine planes have their halo. */
static void NAME(correlate_unit)(
    const convt_depthwise_plan *p, const NAME(unit) *unit, int follows, const REAL *fine, const convt_strides *of_fine,
    const REAL *coarse, const convt_strides *of_coarse, REAL *totals, REAL *scratch)
{
    int64_t taps = p->inputs * p->first_tap[1];
    REAL *chunk = scratch, *packed = chunk + p->chunk_size;
    fine += unit->image * of_fine->outer + unit->group * p->inputs * of_fine->channel;
    coarse += unit->image * of_coarse->outer + unit->group * p->outputs * of_coarse->channel;
    int64_t ready = follows ? NAME(slide)(p, packed) : 0;
    for (int64_t z = 0; z < unit->size[0]; z++)
        for (int64_t row = 0; row < unit->size[1]; row += p->chunk) {
            int64_t rows = p->chunk < unit->size[1] - row ? p->chunk : unit->size[1] - row;
            int64_t needed = NAME(rows_needed)(p, z, row);
            for (int64_t c = 0; c < p->inputs; c++)
                NAME(pack_rows)(
                    p, unit, ready, needed, fine + c * of_fine->channel, of_fine, packed + c * p->channel_size);
            ready = needed;
            int64_t positions = (rows - 1) * p->rows[2] + unit->size[2], vectors = (positions + LANES - 1) / LANES;
            for (int64_t m = 0; m < p->outputs; m++) {
                const REAL *from = coarse + m * of_coarse->channel + (unit->at[0] + z) * of_coarse->axis[0] +
                                   (unit->at[1] + row) * of_coarse->axis[1] + unit->at[2] * of_coarse->axis[2];
                for (int64_t y = 0; y < rows; y++)
                    NAME(pack_phase)(
                        from + y * of_coarse->axis[1], unit->size[2], of_coarse->axis[2], 1, 0, 0,
                        y + 1 < rows ? p->rows[2] : vectors * LANES - y * p->rows[2], chunk + y * p->rows[2]);
                NAME(plane_products)(
                    vectors, taps, p->offsets, chunk, packed + (z * p->rows[1] + row) * p->rows[2],
                    totals + m * taps * LANES);
            }
        }
}

/* One task of correlate: the sums of one group over its share of images and boxes, [output][input][tap]. */
static void NAME(depthwise_correlate)(
    const convt_depthwise_plan *p, int64_t task, const REAL *fine, const convt_strides *of_fine, const REAL *coarse,
    const convt_strides *of_coarse, REAL *sums, REAL *scratch)
{
    int64_t boxes = p->boxes[0] * p->boxes[1] * p->boxes[2], all = p->batch * boxes;
    int64_t group = task / p->splits, split = task % p->splits, taps = p->outputs * p->inputs * p->first_tap[1];
    int64_t first = all * split / p->splits;
    REAL *totals = scratch;
    memset(totals, 0, taps * LANES * sizeof(REAL));
    for (int64_t index = first; index < all * (split + 1) / p->splits; index++) {
        NAME(unit) unit = NAME(unit_at)(p, (index / boxes * p->groups + group) * boxes + index % boxes);
        int follows = p->slide && index > first && index % boxes > 0;
        NAME(correlate_unit)(p, &unit, follows, fine, of_fine, coarse, of_coarse, totals, scratch + taps * LANES);
    }
    for (int64_t t = 0; t < taps; t++) {
        double sum = 0;
        for (int64_t lane = 0; lane < LANES; lane++) sum += totals[t * LANES + lane];
        sums[t] = (REAL)sum;
    }
}
