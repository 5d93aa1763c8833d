/* direct: sums of MR outputs at NV * LANES positions, kept in registers.
 *
 *     y[m][p] (+)= sum over channels c and taps t of  w[c][t][m] * x[c * x_pitch + offsets[t] + p]
 *
 *           x: one packed strip (all rows of a channel in one piece, see README.md)
 *              +-----------------------------------------------+
 *     c = 0    | row 0 | halo | row 1 | halo | ...             |      a tap is nothing but an offset into the strip
 *     c = 1    | row 0 | halo | ...                            |      x_pitch elements further on
 *              +-----------------------------------------------+
 *           w: | MR weights of (c 0, t 0) | MR weights of (c 0, t 1) | ...   read once from front to back
 *
 * Per tap: NV loads of x, MR broadcasts of w, MR * NV multiply-adds, and what is `ahead` elements further on is asked for; it
 * need not exist. A template: REAL, LANES and NAME come from the file that includes it, MR and NV from list.h. */

typedef REAL NAME(vector) __attribute__((vector_size(LANES * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));

/* The offsets of one tap that reads at x. */
static const int64_t NAME(here)[1] = {0};

/* One tap of one channel. */
static inline __attribute__((always_inline)) void NAME(direct_tap)(
    const int MR, const int NV, const REAL *x, const REAL *ahead, const REAL *w, NAME(vector) *sum)
{
    NAME(vector) px[MAX_SUMS];
CONVT_UNROLL(32)
    for (int v = 0; v < NV; v++) __builtin_prefetch(ahead + v * LANES);
CONVT_UNROLL(32)
    for (int v = 0; v < NV; v++) px[v] = *(const NAME(vector) *)(x + v * LANES);
CONVT_UNROLL(32)
    for (int m = 0; m < MR; m++)
CONVT_UNROLL(32)
        for (int v = 0; v < NV; v++) sum[m * NV + v] += w[m] * px[v];
}

static inline __attribute__((always_inline)) void NAME(direct)(
    const int MR, const int NV, int64_t channels, int64_t taps, const int64_t *offsets, int64_t x_pitch, int64_t ahead,
    const REAL *x, const REAL *w, REAL *y, int64_t y_pitch, int add)
{
    typedef NAME(vector) vector;
    vector sum[MAX_SUMS];
CONVT_UNROLL(32)
    for (int i = 0; i < MR * NV; i++) sum[i] = (vector){0};
    if (taps == 1) /* without a loop in the loop: what is issued besides multiply-adds counts */
        for (x += offsets[0]; channels > 0; channels--, x += x_pitch, w += MR)
            NAME(direct_tap)(MR, NV, x, x + ahead, w, sum);
    else
        for (int64_t c = 0; c < channels; c++, x += x_pitch)
            for (int64_t t = 0; t < taps; t++, w += MR)
                NAME(direct_tap)(MR, NV, x + offsets[t], x + ahead + offsets[t], w, sum);
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
    static void NAME(direct_##MR##x##NV)(                                                                                 \
        int64_t channels, int64_t taps, const int64_t *offsets, int64_t x_pitch, int64_t ahead, const REAL *x,            \
        const REAL *w, REAL *y, int64_t y_pitch, int add)                                                                 \
    {                                                                                                                     \
        NAME(direct)(MR, NV, channels, taps, offsets, x_pitch, ahead, x, w, y, y_pitch, add);                             \
    }
DIRECT_LIST(DEFINE)
#undef DEFINE
