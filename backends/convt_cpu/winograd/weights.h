/* winograd_weights: the transformed weights U of one unit and one block of input channels. A template as direct.h is.
 *
 *     U   [frequency][output phase][input channel of the block][input phase][output channel of the unit]
 *
 * Vectors are of output channels: first the taps of some filters, element by element, then the transforms. */

enum { NAME(WINOGRAD_TAPS) = 9 * CONVT_WINOGRAD_STRIDE * CONVT_WINOGRAD_STRIDE }; /* of a filter, at most */

/* w[tap] = that tap of `rows` filters, zeros in the other lanes; `dense` says that taps are neighbours in memory. */
static void NAME(winograd_fetch)(
    const convt_winograd_plan *p, int64_t rows, const REAL *kernel, int64_t out, const int64_t *axis, int dense,
    NAME(vector) *w)
{
    REAL *to = (REAL *)w;
    int64_t taps = p->kernel[0] * p->kernel[1];
    if (rows < LANES) memset(w, 0, taps * sizeof *w);
    if (dense && taps >= LANES) {
        NAME(transpose)(rows, taps, kernel, out, 1, to, LANES);
        return;
    }
    for (int64_t m = 0; m < rows; m++)
        for (int64_t y = 0; y < p->kernel[0]; y++)
            for (int64_t x = 0; x < p->kernel[1]; x++)
                to[(y * p->kernel[1] + x) * LANES + m] = kernel[m * out + y * axis[1] + x * axis[2]];
}

/* The tap of the kernel that is tap i of a phase. */
static inline int64_t NAME(tap_of)(const convt_winograd_plan *p, int axis, int64_t phase, int64_t i)
{
    return phase + p->in_stride[axis] * p->out_stride[axis] * (p->flips ? p->taps[axis] - 1 - i : i);
}

/* One phase of some filters: frequency f at u + f * pitch, then the taps that are none. */
static inline __attribute__((always_inline)) void NAME(winograd_filter_of)(
    const int height, const int width, const convt_winograd_plan *p, int64_t phase_y, int64_t phase_x,
    const NAME(vector) *w, REAL *u, int64_t pitch)
{
    typedef NAME(vector) vector;
    vector g[9], rows[12], f[4];
    REAL *more = u + height * width * pitch;
CONVT_UNROLL(3)
    for (int y = 0; y < height - 1; y++)
CONVT_UNROLL(3)
        for (int x = 0; x < width - 1; x++) {
            g[3 * y + x] = w[NAME(tap_of)(p, 0, phase_y, y) * p->kernel[1] + NAME(tap_of)(p, 1, phase_x, x)];
            if (y % (height - 2) || x % (width - 2)) {
                *(vector *)more = g[3 * y + x];
                more += pitch;
            }
        }
CONVT_UNROLL(3)
    for (int x = 0; x < width - 1; x++) NAME(transform_taps)(height, g + x, 3, rows + x, 3);
CONVT_UNROLL(4)
    for (int y = 0; y < height; y++) {
        NAME(transform_taps)(width, rows + 3 * y, 1, f, 1);
CONVT_UNROLL(4)
        for (int x = 0; x < width; x++) *(vector *)(u + (width * y + x) * pitch) = f[x];
    }
}

static void NAME(winograd_filter)(
    const convt_winograd_plan *p, int64_t phase_y, int64_t phase_x, const NAME(vector) *w, REAL *u, int64_t pitch)
{
    CONVT_WINDOWS(p->window[0], p->window[1], NAME(winograd_filter_of), p, phase_y, phase_x, w, u, pitch)
}

/* Packs U; `kernel` points to the block's first channel and the unit's first output. Returns 1 if all weights are finite and
 * not huge. */
static int NAME(winograd_weights)(
    const convt_winograd_plan *p, int64_t channels, int64_t rows, const REAL *kernel, int64_t in, int64_t out,
    const int64_t *axis, REAL *packed)
{
    NAME(vector) w[(MAX_ROWS + LANES - 1) / LANES * NAME(WINOGRAD_TAPS)], bad = {0};
    int64_t strides[2] = {p->in_stride[0] * p->out_stride[0], p->in_stride[1] * p->out_stride[1]};
    int64_t taps = p->kernel[0] * p->kernel[1];
    int dense = NAME(dense_taps)(2, p->kernel, axis + 1) > 0;
    for (int64_t c = 0; c < channels; c++) {
        const REAL *filters = kernel + c * in;
        for (int64_t m = 0; c + 1 < channels && m < rows; m++) __builtin_prefetch(filters + in + m * out);
        for (int64_t m = 0; m < rows; m += LANES)
            NAME(winograd_fetch)(
                p, rows - m < LANES ? rows - m : LANES, filters + m * out, out, axis, dense,
                w + m / LANES * taps);
        for (int64_t t = 0; t < (rows + LANES - 1) / LANES * taps; t++) bad += w[t] * WINOGRAD_LIMIT * 0;
        for (int64_t phase = 0; phase < strides[0] * strides[1]; phase++) {
            REAL *to = packed + phase % p->out_phases * p->u_size + (c * p->in_phases + phase % p->in_phases) * rows;
            /* A vector may run over its row into the next one, which is written later. */
            for (int64_t m = 0; m < rows; m += LANES)
                NAME(winograd_filter)(
                    p, phase / strides[1], phase % strides[1], w + m / LANES * taps, to + m, p->out_phases * p->u_size);
        }
    }
    return NAME(all_finite)(LANES, (const REAL *)&bad);
}
