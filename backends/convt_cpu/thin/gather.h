/* thin_gather: gather as dot products along the lanes; see thin.h and dots.h. A template as direct.h is.
 *
 *     columns    [position][lane], of all fine channels, packed before
 *     sums       [channel][position][vector], the dot products of a task before their lanes are added up
 *
 * A task owns some coarse channels and some positions. Weights are read in place, or through a panel [channel][lane]. */

/* The columns of one position, all fine channels of a group, zeros behind them. */
static void NAME(thin_column)(
    const convt_thin_plan *p, int64_t position, const REAL *fine, const convt_strides *strides, REAL *column)
{
    int64_t lanes = p->outputs * p->g.taps;
    NAME(walk_columns)(0, p, position, position + 1, p->outputs, (REAL *)fine, strides, column);
    memset(column + lanes, 0, (p->pitch - lanes) * sizeof(REAL));
}

/* So many coarse channels from `first` on, at `positions` positions from `position` on, whose columns are given.
 * `kernel`, `bias` and `coarse` point to the group's first. Returns 1 if all results are finite, else 0. */
static int NAME(thin_gather)(
    const convt_thin_plan *p, int64_t replaces, int64_t first, int64_t channels, int64_t position, int64_t positions,
    const REAL *columns,
    const REAL *kernel, const convt_strides *strides, const REAL *bias, REAL *coarse, const convt_strides *of_coarse, REAL *scratch)
{
    const int64_t lanes = p->outputs * p->g.taps;
    const REAL *x[CONVT_WINDOWS];
    int64_t pitch = p->run * LANES, of_sums = convt_ceil_div(channels, NAME(dot_filters)) * NAME(dot_filters) * pitch;
    int in_place = !replaces && NAME(dense)(p, strides) && lanes % LANES == 0;
    REAL *sums = scratch, *panel = scratch + of_sums, zero = 0;
    for (int64_t lane = 0; lane < lanes; lane += p->block) {
        int64_t count = p->block < lanes - lane ? p->block : lanes - lane, padded = (count + LANES - 1) / LANES * LANES;
        for (int64_t j = 0; j < positions; j++) x[j] = columns + j * p->pitch + lane;
        for (int64_t c = 0; c < channels; c += NAME(dot_filters)) {
            const REAL *w[NAME(dot_filters)]; /* the last channel repeated */
            for (int i = 0; i < NAME(dot_filters); i++) {
                const REAL *filter = kernel + (first + (c + i < channels ? c + i : channels - 1)) * strides->outer;
                w[i] = in_place ? filter + lane : panel + i * p->block;
                if (in_place) continue;
                NAME(move_lanes)(1, p, lane, count, (REAL *)filter, strides, panel + i * p->block);
                for (int64_t at = count; at < padded; at++) panel[i * p->block + at] = 0;
                if (replaces) NAME(replace)(count, panel + i * p->block);
            }
            NAME(dots)(positions, padded / LANES, NULL, w, x, sums + c * pitch, pitch, lane > 0);
        }
    }
    NAME(place) at = NAME(find_place)(position, p->g.coarse);
    for (int64_t j = 0; j < positions; j++, NAME(move_on)(&at, 1, p->g.coarse)) {
        REAL *to = coarse + at.outer * of_coarse->outer + first * of_coarse->channel;
        for (int axis = 0; axis < 3; axis++) to += at.at[axis] * of_coarse->axis[axis];
        for (int64_t c = 0; c < channels; c++, to += of_coarse->channel) {
            REAL sum = (bias ? bias[first + c] : 0) + NAME(lane_sum)(sums + c * pitch + j * LANES);
            *to = sum;
            zero += sum * 0; /* NaN from the first that is not finite */
        }
    }
    return zero == 0;
}
