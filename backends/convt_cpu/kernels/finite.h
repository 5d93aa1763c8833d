/* finite: what is not, no engine but the fallback treats as the definition does. A template as direct.h is. */

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
