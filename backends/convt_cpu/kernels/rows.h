/* Rows: between a row of a strided array and its phases, each a row of its own.
 *
 *     row     a0 b0 c0 a1 b1 c1 a2 b2 ...              ways = 3
 *     phases  a0 a1 a2 ...    b0 b1 b2 ...    c0 c1 ...
 *
 * Two, three and four ways are written out, which compilers turn into shuffles. A template as direct.h is. */

/* y[ways * i + r] = x[r * x_pitch + i] + bias, for i < count and all r < ways. */
static void NAME(interleave)(int64_t count, int64_t ways, const REAL *x, int64_t x_pitch, REAL bias, REAL *y)
{
    const REAL *a = x, *b = x + x_pitch, *c = b + x_pitch, *d = c + x_pitch;
    switch (ways) {
    case 1:
        for (int64_t i = 0; i < count; i++) y[i] = a[i] + bias;
        break;
    case 2:
        for (int64_t i = 0; i < count; i++) {
            y[2 * i] = a[i] + bias;
            y[2 * i + 1] = b[i] + bias;
        }
        break;
    case 3:
        for (int64_t i = 0; i < count; i++) {
            y[3 * i] = a[i] + bias;
            y[3 * i + 1] = b[i] + bias;
            y[3 * i + 2] = c[i] + bias;
        }
        break;
    case 4:
        for (int64_t i = 0; i < count; i++) {
            y[4 * i] = a[i] + bias;
            y[4 * i + 1] = b[i] + bias;
            y[4 * i + 2] = c[i] + bias;
            y[4 * i + 3] = d[i] + bias;
        }
        break;
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
