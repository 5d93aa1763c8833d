/* weights: the kernel in the order in which the direct kernels read it. A template as direct.h is.
 *
 *     packed[unit][block][output plane][input channel of the block][tap][output channel of the unit] */

/* Packs the filters of one unit, of so many rows, at channel c of a block of so many channels. */
static inline __attribute__((always_inline)) void NAME(pack_rows)(
    const int rows, const convt_direct_plan *p, int64_t c, int64_t channels, const REAL *kernel, int64_t out,
    const int64_t *axis, REAL *packed)
{
    for (int64_t plane = 0; plane < p->out_planes; plane++) {
        int64_t first = p->first_tap[plane], last = p->first_tap[plane + 1];
        REAL *to = packed + (channels * first + c * (last - first)) * rows;
        for (int64_t t = first; t < last; t++, to += rows) {
            const int64_t *tap = p->taps + 3 * t;
            const REAL *from = kernel + tap[0] * axis[0] + tap[1] * axis[1] + tap[2] * axis[2];
CONVT_UNROLL(16)
            for (int m = 0; m < rows; m++) to[m] = from[m * out];
        }
    }
}

/* The same; the compiler unrolls each number of rows. */
static void NAME(pack_filters)(
    int64_t rows, const convt_direct_plan *p, int64_t c, int64_t channels, const REAL *kernel, int64_t out,
    const int64_t *axis, REAL *packed)
{
    switch (rows) {
#define CASE(n)                                                                                                           \
    case n: NAME(pack_rows)(n, p, c, channels, kernel, out, axis, packed); break;
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7)
        CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)
#undef CASE
    }
}

/* Packs the outputs first to last, whole units, for the input channels from c to end, whole blocks. `kernel` points to the first
 * filter of the group; `in`, `out` and `axis` are its strides along input and output channels and taps. There is room for `width`
 * channels of each unit in `packed`, which points to the first unit; `before` of them are before channel c. Channels, which often lie far apart, are read one after
 * the other, and the next one is asked for ahead. Returns 1 if all weights are finite, or made so, else 0. */
static int NAME(pack_weights)(
    const convt_direct_plan *p, int64_t replaces, int64_t first, int64_t last, int64_t c, int64_t end, int64_t before,
    int64_t width,
    const REAL *kernel, int64_t in, int64_t out, const int64_t *axis, REAL *packed)
{
    const int64_t all_taps = p->first_tap[p->out_planes];
    int finite = 1;
    for (; c < end; c += p->block, before += p->block) {
        int64_t channels = p->block < end - c ? p->block : end - c;
        for (int64_t i = 0; i < channels; i++) {
            const REAL *filters = kernel + (c + i) * in;
            for (int64_t m = first; c + i + 1 < end && m < last; m++) __builtin_prefetch(filters + in + m * out);
            for (int64_t m = first; m < last; m += p->unit) {
                int64_t rows = convt_least(p->unit, last - m);
                NAME(pack_filters)(
                    rows, p, i, channels, filters + m * out, out, axis,
                    packed + ((m - first) * width + before * rows) * all_taps);
            }
        }
        for (int64_t m = first; m < last; m += p->unit) {
            int64_t rows = convt_least(p->unit, last - m);
            finite &= NAME(settle)(
                replaces, channels * all_taps * rows, packed + ((m - first) * width + before * rows) * all_taps);
        }
    }
    return finite;
}
