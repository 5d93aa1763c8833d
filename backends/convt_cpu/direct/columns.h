/* columns: strips of few output channels. A template as direct.h is.
 *
 * With one output at a time a kernel loads a vector of x for every multiply-add. So every tap is computed as if it were an output
 * channel of its own, a column, many at a time and from aligned vectors; then the columns are added to the sums, each shifted:
 *
 *     column[tap, output][position]  =  sum over input channels c of  w[c][tap][output] * x[c][plane of the tap][position]
 *     sums[plane][output][position] +=  column[tap, output][position + shift of the tap]
 *
 * That costs an addition per tap and position, beside a multiply-add for each input channel. The columns of one kernel are added
 * before the next are computed, and a strip is packed a few rows, a slab, at a time, so both stay in the L1 or L2 cache, and
 * strips can be large and their halos small. */

/* weights [unit][input channel][row]; see `column` in plan.h. Returns 1 if all are finite, or made so, else 0. */
static int NAME(pack_columns)(
    const convt_direct_plan *p, int64_t replaces, const REAL *kernel, int64_t in, int64_t out, const int64_t *axis,
    REAL *packed)
{
    REAL *to = packed;
    for (int64_t unit = 0; unit < p->column_units; unit++)
        for (int64_t c = 0; c < p->inputs; c++)
            for (int64_t row = p->first_column[unit]; row < p->first_column[unit + 1]; row++) {
                const convt_column *column = p->column + row;
                const int64_t *tap = p->taps + 3 * column->tap;
                *to++ = kernel[c * in + column->output * out + tap[0] * axis[0] + tap[1] * axis[1] + tap[2] * axis[2]];
            }
    return NAME(settle)(replaces, to - packed, packed);
}

/* The columns of one unit, at the first `count` positions of a slab. */
static void NAME(unit_columns)(
    const convt_direct_plan *p, int64_t unit, int64_t count, const REAL *slab, const REAL *weights, REAL *columns)
{
    int64_t rows = p->first_column[unit + 1] - p->first_column[unit], vectors = (count + LANES - 1) / LANES, some;
    slab += p->column[p->first_column[unit]].in_plane * p->plane_size;
    for (int64_t v = 0; v < vectors; v += some) {
        some = vectors - v < p->tile ? vectors - v : p->tile;
        while (!NAME(table).direct[rows][some]) some--;
        for (int64_t c = 0; c < p->inputs; c += p->block)
            NAME(table).direct[rows][some](
                p->block < p->inputs - c ? p->block : p->inputs - c, 1, NAME(here), p->channel_size,
                CONVT_PREFETCH * p->channel_size, slab + c * p->channel_size + v * LANES, weights + c * rows,
                columns + v * LANES, p->plane_size, c > 0);
    }
}

/* Adds what a slab, `count` packed positions from `first` on, gives to the sums of its strip. */
static void NAME(add_columns)(
    const convt_direct_plan *p, int64_t first, int64_t count, const REAL *slab, const REAL *weights, REAL *sums,
    REAL *columns)
{
    for (int64_t unit = 0; unit < p->column_units; unit++) {
        int64_t row = p->first_column[unit];
        NAME(unit_columns)(p, unit, count, slab, weights + row * p->inputs, columns);
        for (const REAL *from = columns; row < p->first_column[unit + 1]; row++, from += p->plane_size) {
            const convt_column *column = p->column + row;
            REAL *to = sums + (column->out_plane * p->outputs + column->output) * p->positions;
            int64_t ahead = first - column->shift, low = ahead < 0 ? -ahead : 0; /* from[i] goes to position ahead + i */
            int64_t high = count < p->positions - ahead ? count : p->positions - ahead;
            for (int64_t i = low; i < high; i++) to[ahead + i] += from[i];
        }
    }
}

/* All sums of a strip, slab by slab: `slab` has room for one, `columns` for those of one unit. */
static void NAME(sum_columns)(
    const convt_direct_plan *p, const NAME(box) *box, const REAL *input, const convt_strides *in, const REAL *weights,
    REAL *slab, REAL *sums, REAL *columns)
{
    int64_t rows = box->images * p->rows[0] * p->rows[1];
    memset(sums, 0, p->out_planes * p->outputs * p->positions * sizeof(REAL));
    for (int64_t row = 0; row < rows; row += p->slab) {
        int64_t end = p->slab < rows - row ? row + p->slab : rows;
        NAME(pack_rows_of_strip)(p, box, 0, p->inputs, row, end, input, in, slab);
        NAME(add_columns)(p, row * p->rows[2], (end - row) * p->rows[2], slab, weights, sums, columns);
    }
}
