/* weights: the kernel in the order in which the direct kernels read it. A template as direct.h is.
 *
 *     packed[pass][block][unit][output plane][input channel of the block][tap][output channel of the unit] */

/* Packs one block of one unit: `channels` input channels from the one that `kernel` points to. `in`, `out` and `axis` are the
 * kernel's strides along input and output channels and taps. Returns 1 if all weights are finite, else 0. */
static int NAME(pack_block)(
    const convt_direct_plan *p, int64_t channels, int64_t rows, const REAL *kernel, int64_t in, int64_t out,
    const int64_t *axis, REAL *packed)
{
    REAL zero = 0;
    for (int64_t c = 0; c < channels; c++, kernel += in)
        for (int64_t plane = 0; plane < p->out_planes; plane++) {
            int64_t first = p->first_tap[plane], taps = p->first_tap[plane + 1] - first;
            REAL *to = packed + (channels * first + c * taps) * rows;
            for (int64_t t = first; t < first + taps; t++, to += rows) {
                const int64_t *tap = p->taps + 3 * t;
                const REAL *from = kernel + tap[0] * axis[0] + tap[1] * axis[1] + tap[2] * axis[2];
                for (int64_t m = 0; m < rows; m++) {
                    to[m] = from[m * out];
                    zero += to[m] * 0; /* becomes NaN with the first that is not finite */
                }
            }
        }
    return zero == 0;
}

/* Packs the outputs first to last of one pass; `kernel` points to the first filter of the group. */
static int NAME(pack_pass)(
    const convt_direct_plan *p, int64_t first, int64_t last, const REAL *kernel, int64_t in, int64_t out,
    const int64_t *axis, REAL *packed)
{
    int64_t all_taps = p->first_tap[p->out_planes];
    int finite = 1;
    for (int64_t c = 0; c < p->inputs; c += p->block) {
        int64_t channels = p->block < p->inputs - c ? p->block : p->inputs - c;
        for (int64_t m = first; m < last; m += p->unit) {
            int64_t rows = p->unit < last - m ? p->unit : last - m;
            finite &= NAME(pack_block)(p, channels, rows, kernel + c * in + m * out, in, out, axis, packed);
            packed += rows * channels * all_taps;
        }
    }
    return finite;
}
