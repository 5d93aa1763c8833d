/* Rows: between a row of a strided array and its phases, each a row of its own.
 *
 *     row     a0 b0 c0 a1 b1 c1 a2 b2 ...              ways = 3
 *     phases  a0 a1 a2 ...    b0 b1 b2 ...    c0 c1 ...
 *
 * Two ways are shuffles of vectors; more of them are written out for the compiler. Where a row is no multiple of the vector,
 * its last vector overlaps the one before. A template as direct.h is. */

#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (__typeof__((a) == (b))){__VA_ARGS__})
#endif
#if LANES == 16
#define FRONT 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define BACK 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define THIRDS 0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 0, 0, 0, 0, 0
#define MORE_THIRDS 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17, 20, 23, 26, 29
#elif LANES == 8
#define FRONT 0, 8, 1, 9, 2, 10, 3, 11
#define BACK 4, 12, 5, 13, 6, 14, 7, 15
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14
#define ODD 1, 3, 5, 7, 9, 11, 13, 15
#define THIRDS 0, 3, 6, 9, 12, 15, 0, 0
#define MORE_THIRDS 0, 1, 2, 3, 4, 5, 10, 13
#elif LANES == 4
#define FRONT 0, 4, 1, 5
#define BACK 2, 6, 3, 7
#define EVEN 0, 2, 4, 6
#define ODD 1, 3, 5, 7
#define THIRDS 0, 3, 6, 0
#define MORE_THIRDS 0, 1, 2, 5
#elif LANES == 2
#define FRONT 0, 2
#define BACK 1, 3
#define EVEN 0, 2
#define ODD 1, 3
#define THIRDS 0, 3
#define MORE_THIRDS 0, 1
#endif

/* LANES positions of two phases, a and b, to 2 * LANES elements of y, and back. */
static inline void NAME(zip)(NAME(vector) a, NAME(vector) b, REAL *y)
{
    typedef NAME(vector) vector;
    *(vector *)y = SHUFFLE(a, b, FRONT);
    *(vector *)(y + LANES) = SHUFFLE(a, b, BACK);
}

static inline void NAME(unzip)(const REAL *x, REAL *a, REAL *b)
{
    typedef NAME(vector) vector;
    vector front = *(const vector *)x, back = *(const vector *)(x + LANES);
    *(vector *)a = SHUFFLE(front, back, EVEN);
    *(vector *)b = SHUFFLE(front, back, ODD);
}

/* x[0], x[step], x[2 * step], ..., for a step of 1, 2, 3, 4 or 6; reads step * LANES elements. */
static inline __attribute__((always_inline)) NAME(vector) NAME(strided)(const int step, const REAL *x)
{
    NAME(vector) part[3];
    if (step == 1) return *(const NAME(vector) *)x;
    if (step % 2 == 0) { /* every other one first */
CONVT_UNROLL(3)
        for (int i = 0; i < step / 2; i++) {
            const NAME(vector) *pair = (const NAME(vector) *)(x + 2 * i * LANES);
            part[i] = SHUFFLE(pair[0], pair[1], EVEN);
        }
        if (step == 2) return part[0];
        if (step == 4) return SHUFFLE(part[0], part[1], EVEN);
    } else {
CONVT_UNROLL(3)
        for (int i = 0; i < 3; i++) part[i] = *(const NAME(vector) *)(x + i * LANES);
    }
    part[0] = SHUFFLE(part[0], part[1], THIRDS);
    return SHUFFLE(part[0], part[2], MORE_THIRDS);
}

#undef SHUFFLE
#undef FRONT
#undef BACK
#undef EVEN
#undef ODD
#undef THIRDS
#undef MORE_THIRDS

/* y[i] = x[i] for i < count. The last vector overlaps the one before it: no loop over single elements at the end of a row. */
static inline void NAME(copy_row)(int64_t count, const REAL *x, REAL *y)
{
    typedef NAME(vector) vector;
    if (count < LANES) {
        for (int64_t i = 0; i < count; i++) y[i] = x[i];
        return;
    }
    for (int64_t i = 0; i < count - LANES; i += LANES) *(vector *)(y + i) = *(const vector *)(x + i);
    *(vector *)(y + count - LANES) = *(const vector *)(x + count - LANES);
}

/* a[i] = x[2 * i], b[i] = x[2 * i + 1], for i < count. */
static inline void NAME(deinterleave_both)(int64_t count, const REAL *x, REAL *a, REAL *b)
{
    if (count >= LANES) {
        for (int64_t i = 0; i < count - LANES; i += LANES) NAME(unzip)(x + 2 * i, a + i, b + i);
        count -= LANES;
        NAME(unzip)(x + 2 * count, a + count, b + count);
    } else
        for (int64_t i = 0; i < count; i++) a[i] = x[2 * i], b[i] = x[2 * i + 1];
}

/* y[ways * i + r] = x[r * x_pitch + i] + bias, for i < count and all r < ways; both numbers known to the compiler. */
static inline __attribute__((always_inline)) void NAME(interleave_few)(
    const int count, const int ways, const REAL *restrict x, int64_t x_pitch, REAL bias, REAL *restrict y)
{
    for (int i = 0; i < count; i++)
CONVT_UNROLL(6)
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

/* The same for one way, in whole vectors, of which the last overlaps the one before it. */
static inline void NAME(shift_row)(int64_t count, const REAL *x, REAL bias, REAL *y)
{
    typedef NAME(vector) vector;
    if (count < LANES) {
        NAME(interleave_ways)(count, 1, x, 0, bias, y);
        return;
    }
    for (int64_t i = 0; i < count - LANES; i += LANES) *(vector *)(y + i) = *(const vector *)(x + i) + bias;
    *(vector *)(y + count - LANES) = *(const vector *)(x + count - LANES) + bias;
}

/* The same for any number of ways. */
static void NAME(interleave)(int64_t count, int64_t ways, const REAL *x, int64_t x_pitch, REAL bias, REAL *y)
{
    switch (ways) {
    case 1: NAME(shift_row)(count, x, bias, y); break;
    case 2: NAME(interleave_ways)(count, 2, x, x_pitch, bias, y); break;
    case 3: NAME(interleave_ways)(count, 3, x, x_pitch, bias, y); break;
    case 4: NAME(interleave_ways)(count, 4, x, x_pitch, bias, y); break;
    case 6: NAME(interleave_ways)(count, 6, x, x_pitch, bias, y); break;
    default:
        for (int64_t i = 0; i < count; i++)
            for (int64_t r = 0; r < ways; r++) y[ways * i + r] = x[r * x_pitch + i] + bias;
    }
}

/* y[i] = x[ways * i], for i < count: one phase. */
static void NAME(deinterleave)(int64_t count, int64_t ways, const REAL *x, REAL *y)
{
    switch (ways) {
    case 1: NAME(copy_row)(count, x, y); break;
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

/* to[x] = row[(first + x) * stride + phase], and zeros beyond the `size` elements of that phase. */
static inline void NAME(pack_row)(
    const REAL *row, int64_t size, int64_t step, int64_t stride, int64_t phase, int64_t first, int64_t count, REAL *to)
{
    int64_t low = -first, high = size - first;
    low = low < 0 ? 0 : low > count ? count : low;
    high = high < low ? low : high > count ? count : high;
    for (int64_t x = 0; x < low; x++) to[x] = 0;
    row += ((first + low) * stride + phase) * step;
    if (step == 1)
        NAME(deinterleave)(high - low, stride, row, to + low);
    else
        for (int64_t x = low; x < high; x++) to[x] = row[(x - low) * stride * step];
    for (int64_t x = high; x < count; x++) to[x] = 0;
}
