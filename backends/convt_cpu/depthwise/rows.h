/* depthwise, contiguous rows of one or two phases: from registers to the output. A template as direct.h is. */

/* Positions i to i + NV * LANES of one row of the output, its WAYS phases interleaved. */
static inline __attribute__((always_inline)) void NAME(row_vectors)(
    const int WAYS, const int NV, const int64_t *first_tap, int64_t inputs, const int64_t *offsets, const REAL *w,
    REAL start, const REAL *x, REAL *y)
{
    typedef NAME(vector) vector;
    vector sum[2][4];
CONVT_UNROLL(2)
    for (int way = 0; way < WAYS; way++) {
CONVT_UNROLL(4)
        for (int v = 0; v < NV; v++) sum[way][v] = (vector){0} + start;
        for (int64_t t = first_tap[way] * inputs; t < first_tap[way + 1] * inputs; t++)
CONVT_UNROLL(4)
            for (int v = 0; v < NV; v++) sum[way][v] += w[t] * *(const vector *)(x + offsets[t] + v * LANES);
    }
CONVT_UNROLL(4)
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
