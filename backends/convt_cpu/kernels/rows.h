/* Rows: between a row of a strided array and its phases, each a row of its own.
 *
 *     row     a0 b0 c0 a1 b1 c1 a2 b2 ...              ways = 3
 *     phases  a0 a1 a2 ...    b0 b1 b2 ...    c0 c1 ...
 *
 * Two, three and four ways are written out, which compilers turn into shuffles. A template as direct.h is. */

/* y[ways * i + r] = x[r * x_pitch + i] + bias, for i < count and all r < ways; both numbers known to the compiler. */
static inline __attribute__((always_inline)) void NAME(interleave_few)(
    const int count, const int ways, const REAL *restrict x, int64_t x_pitch, REAL bias, REAL *restrict y)
{
    for (int i = 0; i < count; i++)
#pragma GCC unroll 4
        for (int r = 0; r < ways; r++) y[ways * i + r] = x[r * x_pitch + i] + bias;
}

/* The same for any count: in steps of a vector, and of half a vector for short rows. */
static inline __attribute__((always_inline)) void NAME(interleave_ways)(
    int64_t count, const int ways, const REAL *x, int64_t x_pitch, REAL bias, REAL *y)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) NAME(interleave_few)(LANES, ways, x + i, x_pitch, bias, y + ways * i);
    for (; i + LANES / 2 <= count; i += LANES / 2) NAME(interleave_few)(LANES / 2, ways, x + i, x_pitch, bias, y + ways * i);
    for (; i < count; i++) NAME(interleave_few)(1, ways, x + i, x_pitch, bias, y + ways * i);
}

/* The same for any number of ways. */
static void NAME(interleave)(int64_t count, int64_t ways, const REAL *x, int64_t x_pitch, REAL bias, REAL *y)
{
    switch (ways) {
    case 1: NAME(interleave_ways)(count, 1, x, x_pitch, bias, y); break;
    case 2: NAME(interleave_ways)(count, 2, x, x_pitch, bias, y); break;
    case 3: NAME(interleave_ways)(count, 3, x, x_pitch, bias, y); break;
    case 4: NAME(interleave_ways)(count, 4, x, x_pitch, bias, y); break;
    default:
        for (int64_t i = 0; i < count; i++)
            for (int64_t r = 0; r < ways; r++) y[ways * i + r] = x[r * x_pitch + i] + bias;
    }
}

/* y[i] = x[ways * i], for i < count: one phase. */
static void NAME(deinterleave)(int64_t count, int64_t ways, const REAL *x, REAL *y)
{
    switch (ways) {
    case 1:
        for (int64_t i = 0; i < count; i++) y[i] = x[i];
        break;
    case 2:
        for (int64_t i = 0; i < count; i++) y[i] = x[2 * i];
        break;
    case 3:
        for (int64_t i = 0; i < count; i++) y[i] = x[3 * i];
        break;
    case 4:
        for (int64_t i = 0; i < count; i++) y[i] = x[4 * i];
        break;
    default:
        for (int64_t i = 0; i < count; i++) y[i] = x[ways * i];
    }
}
