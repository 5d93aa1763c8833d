/* columns: strips of few output channels. A template as direct.h is.
 *
 * With one output at a time a kernel loads a vector of x for every multiply-add. So every tap is computed as if it were an output
 * channel of its own, a column, many at a time and from aligned vectors; then the columns are added to the sums, each shifted:
 *
 *     column[tap, output][position]  =  sum over input channels c of  w[c][tap][output] * x[c][plane of the tap][position]
 *     sums[plane][output][position] +=  column[tap, output][position + shift of the tap]
 *
 * That costs an addition per tap and position, beside a multiply-add for each input channel. The columns of one kernel are added
 * before the next are computed, so they stay in the L1 or L2 cache. */

/* weights [unit][input channel][row]; see `column` in direct_plan.h. Returns 1 if all are finite, else 0. */
static int NAME(pack_columns)(
    const convt_direct_plan *p, const REAL *kernel, int64_t in, int64_t out, const int64_t *axis, REAL *packed)
{
    REAL *to = packed;
    for (int64_t unit = 0; unit < p->column_units; unit++)
        for (int64_t c = 0; c < p->inputs; c++)
            for (int64_t row = p->first_column[unit]; row < p->first_column[unit + 1]; row++) {
                const convt_column *column = p->column + row;
                const int64_t *tap = p->taps + 3 * column->tap;
                *to++ = kernel[c * in + column->output * out + tap[0] * axis[0] + tap[1] * axis[1] + tap[2] * axis[2]];
            }
    return NAME(all_finite)(to - packed, packed);
}

/* The columns of one unit. */
static void NAME(unit_columns)(
    const convt_direct_plan *p, int64_t unit, const REAL *strip, const REAL *weights, REAL *columns)
{
    int64_t rows = p->first_column[unit + 1] - p->first_column[unit], vectors = p->plane_size / LANES, count;
    strip += p->column[p->first_column[unit]].in_plane * p->plane_size;
    for (int64_t v = 0; v < vectors; v += count) {
        count = vectors - v < p->tile ? vectors - v : p->tile;
        while (!NAME(table).direct[rows][count]) count--;
        for (int64_t c = 0; c < p->inputs; c += p->block)
            NAME(table).direct[rows][count](
                p->block < p->inputs - c ? p->block : p->inputs - c, 1, NAME(here), p->channel_size,
                CONVT_PREFETCH * p->channel_size, strip + c * p->channel_size + v * LANES, weights + c * rows,
                columns + v * LANES, p->plane_size, c > 0);
    }
}

/* All sums of a strip. `columns` has room for one unit. */
static void NAME(sum_columns)(
    const convt_direct_plan *p, const REAL *strip, const REAL *weights, REAL *sums, REAL *columns)
{
    memset(sums, 0, p->out_planes * p->outputs * p->positions * sizeof(REAL));
    for (int64_t unit = 0; unit < p->column_units; unit++) {
        int64_t first = p->first_column[unit], last = p->first_column[unit + 1];
        NAME(unit_columns)(p, unit, strip, weights + first * p->inputs, columns);
        for (int64_t row = first; row < last; row++) {
            const convt_column *column = p->column + row;
            const REAL *from = columns + (row - first) * p->plane_size + column->shift;
            REAL *to = sums + (column->out_plane * p->outputs + column->output) * p->positions;
            for (int64_t i = 0; i < p->positions; i++) to[i] += from[i];
        }
    }
}
