/* finite: what is not, and is replaced, see call.h. A template as direct.h is. */

/* Whether all of x is finite. */
static int NAME(all_finite)(int64_t count, const REAL *x)
{
    typedef NAME(vector) vector;
    vector zeros[4] = {{0}};
    REAL zero = 0;
    int64_t i = 0;
    for (; i + 4 * LANES <= count; i += 4 * LANES)
        for (int v = 0; v < 4; v++) zeros[v] += *(const vector *)(x + i + v * LANES) * 0; /* NaN from the first that is not */
    for (; i < count; i++) zero += x[i] * 0;
    for (int v = 0; v < 4; v++)
        for (int lane = 0; lane < LANES; lane++) zero += zeros[v][lane];
    return zero == 0;
}

/* What is not finite becomes 1 or -1, whose product is as infinite as its own where the other factor is infinite. */
static inline void NAME(replace)(int64_t count, REAL *x)
{
    for (int64_t i = 0; i < count; i++) {
        REAL one = x[i] < 0 ? -1 : 1, zero = x[i] * 0;
        x[i] = zero == 0 ? x[i] : one;
    }
}

/* Whether all of x is finite, or with `replaces` made so. */
static int NAME(settle)(int64_t replaces, int64_t count, REAL *x)
{
    if (NAME(all_finite)(count, x)) return 1;
    if (replaces) NAME(replace)(count, x);
    return replaces != 0;
}
