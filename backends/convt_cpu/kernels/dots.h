/* dots: dot products of filters and windows, lane by lane. A template as direct.h is.
 *
 *     sums[i][j][lane] (+)= sum over steps s of  w[i][s * LANES + lane] * x[j][offsets[s] + lane]          i < 4, j < NP
 *
 * Without offsets, x runs along with w. The lanes of a sum are added up at the very end. Per step: 4 loads of weights, NP of x,
 * 4 * NP multiply-adds. */

enum { NAME(dot_filters) = 4 };
enum { NAME(dot_windows) = MAX_SUMS / 4 < 6 ? MAX_SUMS / 4 : 6 };

static inline __attribute__((always_inline)) void NAME(dots_of)(
    const int NP, const int even, int64_t steps, const int64_t *offsets, const REAL *const *w, const REAL *const *x, REAL *sums,
    int64_t pitch, int add)
{
    typedef NAME(vector) vector;
    vector sum[4][6], pw[4];
    const REAL *w0 = w[0], *w1 = w[1], *w2 = w[2], *w3 = w[3];
CONVT_UNROLL(4)
    for (int i = 0; i < 4; i++)
CONVT_UNROLL(6)
        for (int j = 0; j < NP; j++) sum[i][j] = add ? *(vector *)(sums + i * pitch + j * LANES) : (vector){0};
    for (int64_t s = 0; s < steps; s++) {
        pw[0] = *(const vector *)(w0 + s * LANES), pw[1] = *(const vector *)(w1 + s * LANES);
        pw[2] = *(const vector *)(w2 + s * LANES), pw[3] = *(const vector *)(w3 + s * LANES);
CONVT_UNROLL(6)
        for (int j = 0; j < NP; j++) {
            vector px = *(const vector *)(x[j] + (even ? s * LANES : offsets[s]));
CONVT_UNROLL(4)
            for (int i = 0; i < 4; i++) sum[i][j] += pw[i] * px;
        }
    }
CONVT_UNROLL(4)
    for (int i = 0; i < 4; i++)
CONVT_UNROLL(6)
        for (int j = 0; j < NP; j++) *(vector *)(sums + i * pitch + j * LANES) = sum[i][j];
}

/* The same for any number of windows: sums are [4 filters, `pitch` apart][window]. */
static void NAME(dots)(
    int64_t windows, int64_t steps, const int64_t *offsets, const REAL *const *w, const REAL *const *x, REAL *sums,
    int64_t pitch, int add)
{
    for (int64_t j = 0, count; j < windows; j += count, x += count, sums += count * LANES) {
        count = NAME(dot_windows) < windows - j ? NAME(dot_windows) : windows - j;
        switch (count) {
#define CASE(n)                                                                                                           \
    case n:                                                                                                               \
        if (offsets)                                                                                                      \
            NAME(dots_of)(n, 0, steps, offsets, w, x, sums, pitch, add);                                                  \
        else                                                                                                              \
            NAME(dots_of)(n, 1, steps, NULL, w, x, sums, pitch, add);                                                     \
        break;
            CASE(1) CASE(2) CASE(3)
#if MAX_SUMS >= 24
            CASE(4) CASE(5) CASE(6)
#endif
#undef CASE
        }
    }
}

/* The sum of a vector's lanes, halves first. */
static inline REAL NAME(lane_sum)(const REAL *lanes)
{
    REAL sum[LANES];
    for (int i = 0; i < LANES; i++) sum[i] = lanes[i];
CONVT_UNROLL(4)
    for (int half = LANES / 2; half > 0; half /= 2)
CONVT_UNROLL(8)
        for (int i = 0; i < half; i++) sum[i] += sum[i + half];
    return sum[0];
}
