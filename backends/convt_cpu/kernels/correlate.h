/* correlate: sums over positions of outer products, kept in registers.
 *
 *     y[m][p] (+)= sum over q of  rows[at_rows[q] + m] * lanes[at_lanes[q] + p]              m < MR, p < NV * LANES
 *
 * One of the two operands is the packed fine array, the other one the packed coarse array; at_rows and at_lanes say where
 * each position lies, and have CONVT_PREFETCH entries more than positions. With `add`, the sums are added to y, else they
 * replace it. Per position: NV loads of lanes, MR broadcasts of rows, MR * NV multiply-adds. Rows and lanes come from the L2
 * cache and are asked for some positions ahead. A template as direct.h is. */

static inline __attribute__((always_inline)) void NAME(correlate)(
    const int MR, const int NV, int64_t count, const int64_t *at_rows, const REAL *rows, const int64_t *at_lanes,
    const REAL *lanes, REAL *y, int64_t y_pitch, int add)
{
    typedef NAME(vector) vector;
    vector sum[MAX_SUMS], px[MAX_SUMS];
CONVT_UNROLL(32)
    for (int i = 0; i < MR * NV; i++) sum[i] = (vector){0};
    for (int64_t q = 0; q < count; q++) {
        const REAL *w = rows + at_rows[q], *next_w = rows + at_rows[q + CONVT_PREFETCH];
        const REAL *p = lanes + at_lanes[q], *next_p = lanes + at_lanes[q + CONVT_PREFETCH];
        __builtin_prefetch(next_w);
        __builtin_prefetch(next_w + MR - 1);
CONVT_UNROLL(32)
        for (int v = 0; v < NV; v++) __builtin_prefetch(next_p + v * LANES);
CONVT_UNROLL(32)
        for (int v = 0; v < NV; v++) px[v] = *(const vector *)(p + v * LANES);
CONVT_UNROLL(32)
        for (int m = 0; m < MR; m++)
CONVT_UNROLL(32)
            for (int v = 0; v < NV; v++) sum[m * NV + v] += w[m] * px[v];
    }
CONVT_UNROLL(32)
    for (int m = 0; m < MR; m++)
CONVT_UNROLL(32)
        for (int v = 0; v < NV; v++) {
            vector *to = (vector *)(y + m * y_pitch + v * LANES);
            if (add) sum[m * NV + v] += *to;
            *to = sum[m * NV + v];
        }
}

#define DEFINE(MR, NV)                                                                                                    \
    static void NAME(correlate_##MR##x##NV)(                                                                              \
        int64_t count, const int64_t *at_rows, const REAL *rows, const int64_t *at_lanes, const REAL *lanes, REAL *y,     \
        int64_t y_pitch, int add)                                                                                         \
    {                                                                                                                     \
        NAME(correlate)(MR, NV, count, at_rows, rows, at_lanes, lanes, y, y_pitch, add);                                  \
    }
DIRECT_LIST(DEFINE)
#undef DEFINE
