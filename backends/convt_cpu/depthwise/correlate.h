/* depthwise, the filter gradient: each lane of a vector sums its own positions; lanes are added at the end of a task, in
 * double precision. A template as direct.h is. */

/* Sums of NT taps over some vectors of positions, added lane by lane to `totals` [tap][LANES]. */
static inline __attribute__((always_inline)) void NAME(tap_products)(
    const int NT, int64_t vectors, const int64_t *offsets, const REAL *coarse, const REAL *fine, REAL *totals)
{
    typedef NAME(vector) vector;
    vector sum[12];
CONVT_UNROLL(12)
    for (int t = 0; t < NT; t++) sum[t] = (vector){0};
    for (int64_t v = 0; v < vectors; v++) {
        vector c = *(const vector *)(coarse + v * LANES);
CONVT_UNROLL(12)
        for (int t = 0; t < NT; t++) sum[t] += c * *(const vector *)(fine + offsets[t] + v * LANES);
    }
CONVT_UNROLL(12)
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

/* The same at all positions of a row, where none beyond it may be read, since zeros would meet what is not finite. */
static void NAME(row_products)(
    int64_t positions, int64_t taps, const int64_t *offsets, const REAL *coarse, const REAL *fine, REAL *totals)
{
    int64_t vectors = positions / LANES, rest = positions % LANES;
    NAME(plane_products)(vectors, taps, offsets, coarse, fine, totals);
    NAME(vector) c = {0}, f = {0};
    memcpy(&c, coarse + vectors * LANES, rest * sizeof(REAL));
    for (int64_t t = 0; rest && t < taps; t++) {
        memcpy(&f, fine + offsets[t] + vectors * LANES, rest * sizeof(REAL));
        *(NAME(vector) *)(totals + t * LANES) += c * f;
    }
}

/* One unit of correlate: the coarse rows of a chunk are packed with zeros where the fine planes have their halo. */
static void NAME(correlate_unit)(
    const convt_depthwise_plan *p, int64_t replaces, const NAME(unit) *unit, int follows, const REAL *fine,
    const convt_strides *of_fine,
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
                NAME(pack_box_rows)(
                    p, unit, ready, needed, fine + c * of_fine->channel, of_fine, packed + c * p->channel_size);
            ready = needed;
            int64_t positions = (rows - 1) * p->rows[2] + unit->size[2], vectors = (positions + LANES - 1) / LANES;
            for (int64_t m = 0; m < p->outputs; m++) {
                const REAL *from = coarse + m * of_coarse->channel + (unit->at[0] + z) * of_coarse->axis[0] +
                                   (unit->at[1] + row) * of_coarse->axis[1] + unit->at[2] * of_coarse->axis[2];
                for (int64_t y = 0; y < rows; y++)
                    NAME(pack_row)(
                        from + y * of_coarse->axis[1], unit->size[2], of_coarse->axis[2], 1, 0, 0,
                        y + 1 < rows ? p->rows[2] : vectors * LANES - y * p->rows[2], chunk + y * p->rows[2]);
                if (replaces) NAME(replace)(vectors * LANES, chunk);
                for (int64_t y = 0; replaces && y < rows; y++)
                    NAME(row_products)(
                        unit->size[2], taps, p->offsets, chunk + y * p->rows[2],
                        packed + (z * p->rows[1] + row + y) * p->rows[2], totals + m * taps * LANES);
                if (!replaces)
                    NAME(plane_products)(
                        vectors, taps, p->offsets, chunk, packed + (z * p->rows[1] + row) * p->rows[2],
                        totals + m * taps * LANES);
            }
        }
}

/* One task of correlate: the sums of one group over a chunk of a share of images and boxes, [output][input][tap]. */
static void NAME(depthwise_correlate)(
    const convt_depthwise_plan *p, int64_t replaces, int64_t group, int64_t split, int64_t chunk, const REAL *fine,
    const convt_strides *of_fine,
    const REAL *coarse, const convt_strides *of_coarse, REAL *sums, REAL *scratch)
{
    int64_t boxes = p->boxes[0] * p->boxes[1] * p->boxes[2];
    int64_t taps = p->outputs * p->inputs * p->first_tap[1];
    convt_share share = convt_share_of(p->batch * boxes, split, p->splits, chunk, p->chunks);
    REAL *totals = scratch;
    memset(totals, 0, taps * LANES * sizeof(REAL));
    for (int64_t index = share.from; index < share.end; index++) {
        NAME(unit) unit = NAME(unit_at)(p, (index / boxes * p->groups + group) * boxes + index % boxes);
        int follows = index > share.from && NAME(follows)(p, index);
        NAME(correlate_unit)(
            p, replaces, &unit, follows, fine, of_fine, coarse, of_coarse, totals, scratch + taps * LANES);
    }
    for (int64_t t = 0; t < taps; t++) {
        double sum = chunk ? sums[t] : 0;
        for (int64_t lane = 0; lane < LANES; lane++) sum += totals[t * LANES + lane];
        sums[t] = (REAL)sum;
    }
}
