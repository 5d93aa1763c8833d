/* correlate_write: brings sums into the order of the kernel array, [coarse channel][fine channel][tap] with any strides.
 * A template as direct.h is. */

/* The taps of some fine channels of one coarse channel: from [run][tap of the run][fine channel], runs so far apart, to
 * [fine channel][tap]. */
static void NAME(correlate_taps)(
    const convt_correlate_plan *p, int64_t channels, int64_t runs, const REAL *sums, int64_t of_run, REAL *taps)
{
    if (of_run == p->run * channels) { /* then all taps are equally far apart */
        NAME(transpose)(runs * p->run, channels, sums, channels, 1, taps, runs * p->run);
        return;
    }
    for (int64_t r = 0; r < runs; r++)
        NAME(transpose_slowly)(
            p->run, channels, sums + r * of_run, channels, 1, taps + r * p->run, runs * p->run);
}

/* Writes the coarse channels first to last of a block to the kernel, or adds them to it. Returns CONVT_DONE if the sums are
 * finite, else CONVT_DOUBTFUL. `kernel` has the strides of a (C, F, *taps) array. The scratch memory holds the taps of a
 * coarse channel and, with vectors along coarse channels, the sums of a vector of them. */
static int NAME(correlate_write)(
    const convt_correlate_plan *p, const convt_correlate_block *b, int64_t first, int64_t last, const REAL *sums, int add,
    REAL *kernel, const convt_strides *strides, REAL *scratch)
{
    int64_t channels = b->fine_end - b->fine, length = p->run * channels, runs = b->run_end - b->run, more;
    int64_t vectors = ((p->fine_lanes ? length : b->coarse_end - b->coarse) + LANES - 1) / LANES;
    REAL *taps = scratch, *several = scratch + runs * length;
    int finite = 1;
    kernel += (b->group * p->coarse + b->coarse) * strides->outer + b->fine * strides->channel;
    for (int64_t c = first; c < last; c += more) {
        more = p->fine_lanes ? 1 : LANES < last - c ? LANES : last - c;
        if (!p->fine_lanes)
            NAME(transpose)(runs * length, more, sums + c, vectors * LANES, 1, several, runs * length);
        for (int64_t i = 0; i < more; i++) {
            if (p->fine_lanes)
                NAME(correlate_taps)(p, channels, runs, sums + c * runs * vectors * LANES, vectors * LANES, taps);
            else
                NAME(correlate_taps)(p, channels, runs, several + i * runs * length, length, taps);
            finite &= NAME(all_finite)(runs * length, taps);
            NAME(put_taps)(
                p->kernel, channels, b->run * p->run, runs * p->run, taps, add, kernel + (c + i) * strides->outer, strides);
        }
    }
    return finite ? CONVT_DONE : CONVT_DOUBTFUL;
}
