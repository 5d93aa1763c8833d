/* From M to the kernel: sums become taps. A template as direct.h is. */

/* The taps of all phases of one coarse channel and one vector of fine ones, from the products, whose phases lie `phase_step`
 * apart: tap t at taps + t * pitch. */
static inline __attribute__((always_inline)) void NAME(winograd_taps_of)(
    const int z, const int y, const int x, const convt_winograd_correlate_plan *p, const REAL *m, int64_t phase_step,
    REAL *taps, int64_t pitch)
{
    typedef NAME(vector) vector;
    const int depth = CONVT_LINES(z), height = CONVT_LINES(y), width = CONVT_LINES(x);
    const int64_t *kernel = p->kernel, *phases = p->fine.phases;
    vector e[25];
    for (int64_t phase = 0; phase < p->phases; phase++, m += phase_step) {
        int64_t at[3] = {phase / phases[2] / phases[1], phase / phases[2] % phases[1], phase % phases[2]};
CONVT_UNROLL_KNOWN(25)
        for (int f = 0; f < depth * height * width; f++) e[f] = *(const vector *)(m + f * p->phases * phase_step);
CONVT_UNROLL_KNOWN(25)
        for (int i = 0; i < depth * height; i++) NAME(transform_sums)(x, e + i * width, 1);
CONVT_UNROLL_KNOWN(15)
        for (int i = 0; i < depth * x; i++) NAME(transform_sums)(y, e + i / x * height * width + i % x, width);
CONVT_UNROLL_KNOWN(9)
        for (int i = 0; i < y * x; i++) NAME(transform_sums)(z, e + i / x * width + i % x, height * width);
        for (int64_t k = 0, tz = at[0]; k < z && tz < kernel[0]; k++, tz += phases[0])
            for (int64_t j = 0, ty = at[1]; j < y && ty < kernel[1]; j++, ty += phases[1])
                for (int64_t i = 0, tx = at[2]; i < x && tx < kernel[2]; i++, tx += phases[2])
                    *(vector *)(taps + ((tz * kernel[1] + ty) * kernel[2] + tx) * pitch) = e[(k * height + j) * width + i];
    }
}

/* The same; the compiler unrolls each frequent size. */
static void NAME(winograd_taps)(
    const convt_winograd_correlate_plan *p, const REAL *m, int64_t phase_step, REAL *taps, int64_t pitch)
{
    switch ((int)(p->taps[0] * 100 + p->taps[1] * 10 + p->taps[2])) {
#define CASE(z, y, x)                                                                                                     \
    case z * 100 + y * 10 + x: NAME(winograd_taps_of)(z, y, x, p, m, phase_step, taps, pitch); return;
        CASE(1, 1, 2) CASE(1, 1, 3) CASE(1, 2, 1) CASE(1, 3, 1) CASE(1, 2, 2) CASE(1, 3, 3) CASE(1, 2, 3) CASE(1, 3, 2)
#undef CASE
    }
    NAME(winograd_taps_of)(
        (int)p->taps[0], (int)p->taps[1], (int)p->taps[2], p, m, phase_step, taps, pitch);
}

/* Writes the coarse channels first to last of a block, if it has them, to the kernel, or adds them to it. Returns 1 if finite.
 * `kernel` has the strides of a (C, F, *taps) array. The scratch memory holds the taps of a coarse channel, twice. */
static int NAME(winograd_correlate_write)(
    const convt_winograd_correlate_plan *p, int64_t group, int64_t fine_block, int64_t coarse_block, int64_t first,
    int64_t last, const REAL *m, int add, REAL *kernel, const convt_strides *strides, REAL *scratch)
{
    const convt_winograd_side *fine = &p->fine, *coarse = &p->coarse;
    int64_t channels = NAME(block_channels)(fine, fine_block), rows = NAME(block_channels)(coarse, coarse_block);
    int64_t taps = p->kernel[0] * p->kernel[1] * p->kernel[2];
    REAL *turned = scratch + taps * fine->pitch;
    int finite = 1;
    kernel += (group * coarse->channels + coarse_block * coarse->block) * strides->outer +
              fine_block * fine->block * strides->channel;
    for (int64_t c = first; c < last && c < rows; c++) {
        for (int64_t at = 0; at < channels; at += LANES)
            NAME(winograd_taps)(
                p, m + c * fine->pitch + at, coarse->block * fine->pitch, scratch + at, fine->pitch);
        NAME(transpose)(taps, channels, scratch, fine->pitch, 1, turned, taps);
        finite &= NAME(all_finite)(taps * channels, turned);
        NAME(put_taps)(p->kernel, channels, 0, taps, turned, add, kernel + c * strides->outer, strides);
    }
    return finite;
}
