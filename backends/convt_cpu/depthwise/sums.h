/* depthwise, any output: the sums of some rows of all phases (L1 cache), then the output. A template as direct.h is.
 *
 *     packed planes --taps--> sums   [phase along x][row][x]   --interleaved--> rows of the output */

/* y[i] = start + the sum over taps t of w[t] * x[offsets[t] + i], for NV vectors. */
static inline __attribute__((always_inline)) void NAME(tap_sums)(
    const int NV, int64_t taps, const int64_t *offsets, const REAL *w, REAL start, const REAL *x, REAL *y)
{
    typedef NAME(vector) vector;
    vector sum[4];
CONVT_UNROLL(4)
    for (int v = 0; v < NV; v++) sum[v] = (vector){0} + start;
    for (int64_t t = 0; t < taps; t++)
CONVT_UNROLL(4)
        for (int v = 0; v < NV; v++) sum[v] += w[t] * *(const vector *)(x + offsets[t] + v * LANES);
CONVT_UNROLL(4)
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
        for (int64_t way = 0; way < ways; way++)
            for (int64_t x = whole; x * ways + way < count; x++)
                at[(x * ways + way) * step] = sums[way * p->chunk_size + x];
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
