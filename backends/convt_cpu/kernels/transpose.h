/* transpose: channels that lie one behind the other become neighbours. A template as direct.h is.
 *
 *     from   channel 0: a0 a1 a2 ...   channel 1: b0 b1 b2 ...        to   a0 b0 c0 ... a1 b1 c1 ... a2 b2 c2 ...
 *
 * Blocks of LANES x LANES elements are transposed in registers. Interleaving row i with row i + LANES / 2 rotates the bits of
 * (row, column) by one place; after log2(LANES) times, row and column have changed places. */

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define SHUFFLE(...) __builtin_shufflevector(__VA_ARGS__)
#endif
#endif

#if LANES == 16
#define STEPS 4
#define LOW(a, b) SHUFFLE(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH(a, b) SHUFFLE(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif LANES == 8
#define STEPS 3
#define LOW(a, b) SHUFFLE(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH(a, b) SHUFFLE(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif LANES == 4
#define STEPS 2
#define LOW(a, b) SHUFFLE(a, b, 0, 4, 1, 5)
#define HIGH(a, b) SHUFFLE(a, b, 2, 6, 3, 7)
#else
#define STEPS 1
#define LOW(a, b) SHUFFLE(a, b, 0, 2)
#define HIGH(a, b) SHUFFLE(a, b, 1, 3)
#endif

/* to[x * to_pitch + c] = from[c * from_pitch + x] for x < LANES and c < rows; and zeros up to c < LANES. */
static inline __attribute__((always_inline)) void NAME(transpose_block)(
    int64_t rows, const REAL *from, int64_t from_pitch, REAL *to, int64_t to_pitch)
{
#ifdef SHUFFLE
    NAME(vector) v[LANES], w[LANES];
CONVT_UNROLL(16)
    for (int i = 0; i < LANES; i++)
        v[i] = i < rows ? *(const NAME(vector) *)(from + i * from_pitch) : (NAME(vector)){0};
CONVT_UNROLL(4)
    for (int step = 0; step < STEPS; step++) {
CONVT_UNROLL(16)
        for (int i = 0; i < LANES / 2; i++) {
            w[2 * i] = LOW(v[i], v[i + LANES / 2]);
            w[2 * i + 1] = HIGH(v[i], v[i + LANES / 2]);
        }
CONVT_UNROLL(16)
        for (int i = 0; i < LANES; i++) v[i] = w[i];
    }
CONVT_UNROLL(16)
    for (int i = 0; i < LANES; i++) *(NAME(vector) *)(to + i * to_pitch) = v[i];
#else
    for (int x = 0; x < LANES; x++)
        for (int c = 0; c < LANES; c++) to[x * to_pitch + c] = c < rows ? from[c * from_pitch + x] : 0;
#endif
}

/* The same for any numbers, one by one. */
static void NAME(transpose_slowly)(
    int64_t channels, int64_t count, const REAL *from, int64_t channel, int64_t step, REAL *to, int64_t pitch)
{
    for (int64_t x = 0; x < count; x++)
        for (int64_t c = 0; c < channels; c++) to[x * pitch + c] = from[c * channel + x * step];
}

/* to[x * pitch + c] = from[c * channel + x * step] for x < count and c < channels; with a pitch of LANES or more, what lies
 * between the channels and LANES may be written too. */
static void NAME(transpose)(
    int64_t channels, int64_t count, const REAL *from, int64_t channel, int64_t step, REAL *to, int64_t pitch)
{
    if (channel == 1 || channels == 1) {
        if (step == 1 && channels == 1 && pitch == 1)
            memcpy(to, from, count * sizeof(REAL));
        else if (channels == 1)
            for (int64_t x = 0; x < count; x++) to[x * pitch] = from[x * step];
        else
            for (int64_t x = 0; x < count; x++) memcpy(to + x * pitch, from + x * step, channels * sizeof(REAL));
    } else if (step != 1 || count < LANES) {
        NAME(transpose_slowly)(channels, count, from, channel, step, to, pitch);
    } else if (channels >= LANES) {
        /* Channel by channel, as memory is read fastest; the next ones are asked for before. The last block of an axis begins
         * where it ends with it, whatever it repeats. */
        for (int64_t c = 0; c < channels; c += LANES) {
            int64_t next = c + 2 * LANES <= channels ? c + LANES : channels - LANES;
            if (c > channels - LANES) c = channels - LANES;
            for (int64_t x = 0; x < count; x += LANES) {
                if (x > count - LANES) x = count - LANES;
CONVT_UNROLL(16)
                for (int i = 0; i < LANES; i++) __builtin_prefetch(from + (next + i) * channel + x);
                NAME(transpose_block)(LANES, from + c * channel + x, channel, to + x * pitch + c, pitch);
            }
        }
    } else if (pitch >= LANES || pitch == channels) {
        /* zeros behind the channels fall on the next position, which comes next; behind the last one they must not fall */
        int64_t x = 0, whole = pitch >= LANES ? count : count - LANES;
        for (; x + LANES <= whole; x += LANES)
            NAME(transpose_block)(channels, from + x, channel, to + x * pitch, pitch);
        NAME(transpose_slowly)(channels, count - x, from + x, channel, 1, to + x * pitch, pitch);
    } else {
        NAME(transpose_slowly)(channels, count, from, channel, step, to, pitch);
    }
}

/* The same for a row of `count` positions, of which only low to high exist: zeros elsewhere. `from` is where it would start. */
static void NAME(transpose_row)(
    int64_t channels, int64_t count, int64_t low, int64_t high, const REAL *from, int64_t channel, int64_t step, REAL *to,
    int64_t pitch)
{
    memset(to, 0, low * pitch * sizeof(REAL));
    if (high > low) NAME(transpose)(channels, high - low, from + low * step, channel, step, to + low * pitch, pitch);
    memset(to + high * pitch, 0, (count - high) * pitch * sizeof(REAL));
}

#undef SHUFFLE
#undef STEPS
#undef LOW
#undef HIGH
