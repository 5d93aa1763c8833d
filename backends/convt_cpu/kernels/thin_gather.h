/* thin_gather: gather as dot products along the lanes; see thin.h. A template as direct.h is.
 *
 *     columns    [position][lane], of all fine channels, packed before
 *     sums       [channel][position][vector], the dot products of a task before their lanes are added up
 *
 * A task owns some coarse channels and some positions. Weights are read in place, or through a panel [channel][lane]. */

enum { NAME(dot_channels) = 4 };
enum { NAME(dot_positions) = MAX_SUMS / 4 < 6 ? MAX_SUMS / 4 : 6 };

/* sums[i][j] (+)= the products of w[i] and x[j], vector by vector, i < 4 and j < NP. */
static inline __attribute__((always_inline)) void NAME(dots)(
    const int NP, int64_t count, const REAL *const *w, const REAL *x, int64_t x_pitch, REAL *sums, int64_t pitch, int add)
{
    typedef NAME(vector) vector;
    vector sum[4][6], pw[4];
    const REAL *w0 = w[0], *w1 = w[1], *w2 = w[2], *w3 = w[3];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
#pragma GCC unroll 6
        for (int j = 0; j < NP; j++) sum[i][j] = add ? *(vector *)(sums + i * pitch + j * LANES) : (vector){0};
    for (int64_t at = 0; at < count; at += LANES) {
        pw[0] = *(const vector *)(w0 + at), pw[1] = *(const vector *)(w1 + at);
        pw[2] = *(const vector *)(w2 + at), pw[3] = *(const vector *)(w3 + at);
#pragma GCC unroll 6
        for (int j = 0; j < NP; j++) {
            vector px = *(const vector *)(x + j * x_pitch + at);
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++) sum[i][j] += pw[i] * px;
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
#pragma GCC unroll 6
        for (int j = 0; j < NP; j++) *(vector *)(sums + i * pitch + j * LANES) = sum[i][j];
}

static void NAME(some_dots)(
    int64_t positions, int64_t count, const REAL *const *w, const REAL *x, int64_t x_pitch, REAL *sums, int64_t pitch,
    int add)
{
    switch (positions) {
#define CASE(n)                                                                                                           \
    case n: NAME(dots)(n, count, w, x, x_pitch, sums, pitch, add); break;
        CASE(1) CASE(2) CASE(3)
#if MAX_SUMS >= 24
        CASE(4) CASE(5) CASE(6)
#endif
#undef CASE
    }
}

/* The columns of one position, all fine channels of a group, zeros behind them. */
static void NAME(thin_column)(
    const convt_thin_plan *p, int64_t position, const REAL *fine, const convt_strides *strides, REAL *column)
{
    int64_t lanes = p->outputs * p->taps;
    NAME(walk_columns)(0, p, position, position + 1, p->outputs, (REAL *)fine, strides, column);
    memset(column + lanes, 0, (p->pitch - lanes) * sizeof(REAL));
}

/* A task: the coarse channels from `first` on, at `positions` positions from `position` on, whose columns are given.
 * `kernel`, `bias` and `coarse` point to the group's first. Returns 1 if all results are finite, else 0. */
static int NAME(thin_gather)(
    const convt_thin_plan *p, int64_t first, int64_t position, int64_t positions, const REAL *columns, const REAL *kernel,
    const convt_strides *strides, const REAL *bias, REAL *coarse, const convt_strides *of_coarse, REAL *scratch)
{
    const int64_t taken = NAME(dot_positions), lanes = p->outputs * p->taps;
    int64_t channels = p->channels < p->inputs - first ? p->channels : p->inputs - first, pitch = p->run * LANES;
    int in_place = NAME(dense)(p, strides) && lanes % LANES == 0;
    REAL *sums = scratch, *panel = scratch + (p->channels + 3) / 4 * 4 * pitch, zero = 0;
    for (int64_t lane = 0; lane < lanes; lane += p->block) {
        int64_t count = p->block < lanes - lane ? p->block : lanes - lane, padded = (count + LANES - 1) / LANES * LANES;
        for (int64_t c = 0; c < channels; c += 4) {
            const REAL *w[4]; /* the last channel repeated */
            for (int i = 0; i < 4; i++) {
                const REAL *filter = kernel + (first + (c + i < channels ? c + i : channels - 1)) * strides->outer;
                w[i] = in_place ? filter + lane : panel + i * p->block;
                if (in_place) continue;
                NAME(move_lanes)(1, p, lane, count, (REAL *)filter, strides, panel + i * p->block);
                for (int64_t at = count; at < padded; at++) panel[i * p->block + at] = 0;
            }
            for (int64_t j = 0; j < positions; j += taken)
                NAME(some_dots)(
                    taken < positions - j ? taken : positions - j, padded, w, columns + j * p->pitch + lane, p->pitch,
                    sums + c * pitch + j * LANES, pitch, lane > 0);
        }
    }
    NAME(place) at = NAME(find_place)(position, p->coarse);
    for (int64_t j = 0; j < positions; j++, NAME(move_on)(&at, 1, p->coarse)) {
        REAL *to = coarse + at.outer * of_coarse->outer + first * of_coarse->channel;
        for (int axis = 0; axis < 3; axis++) to += at.at[axis] * of_coarse->axis[axis];
        for (int64_t c = 0; c < channels; c++, to += of_coarse->channel) {
            REAL sum = bias ? bias[first + c] : 0;
            for (int lane = 0; lane < LANES; lane++) sum += sums[c * pitch + j * LANES + lane];
            *to = sum;
            zero += sum * 0; /* NaN from the first that is not finite */
        }
    }
    return zero == 0;
}
