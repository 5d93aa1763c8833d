/* correlate_strip: the sums of a block of the kernel over a strip of positions. A template as direct.h is.
 *
 *     vectors along a run     sums[coarse channel][run][tap of the run][fine channel of the block]     rounded up to vectors
 *     vectors along coarse    sums[run][tap of the run][fine channel of the block][coarse channel]     rounded up to vectors
 *
 * Chunk by chunk of positions; those of one chunk stay in the L1 cache while all kernels of a tile of vectors read them. */

/* Where the positions first to last of a strip lie in the packed fine array, and CONVT_PREFETCH more. */
static void NAME(correlate_places)(
    const convt_correlate_plan *p, const NAME(correlate_box) *box, int64_t channels, int64_t first, int64_t last,
    int64_t *places)
{
    const int64_t *size = box->size, *rows = box->rows;
    int64_t x = first % size[3], y = first / size[3] % size[2], z = first / size[3] / size[2];
    int64_t step = p->stride[2] * channels, i = 0, count = last - first;
    while (i < count) {
        int64_t row = ((z / size[1] * rows[0] + z % size[1] * p->stride[0]) * rows[1] + y * p->stride[1]) * rows[2];
        int64_t end = i + size[3] - x < count ? i + size[3] - x : count;
        for (row = row * channels + x * step; i < end; i++, row += step) places[i] = row;
        x = 0;
        y++;
        z += y == size[2];
        y = y == size[2] ? 0 : y;
    }
    for (; i < count + CONVT_PREFETCH; i++) places[i] = places[count - 1];
}

/* Adds a strip's positions to the sums of a block, or sets the sums to theirs. */
static void NAME(correlate_sum)(
    const convt_correlate_plan *p, int64_t strip, const convt_correlate_block *b, const REAL *coarse, const REAL *fine,
    int add, REAL *sums)
{
    NAME(correlate_box) box = NAME(correlate_box_of)(p, strip);
    int64_t positions = NAME(correlate_positions)(&box), chunks = (positions + p->chunk - 1) / p->chunk;
    int64_t channels = b->fine_end - b->fine, length = p->run * channels, runs = b->run_end - b->run;
    int64_t across = p->kernel[2] / p->run; /* runs along the last axis */
    int64_t rows = p->fine_lanes ? b->coarse_end - b->coarse : length;
    int64_t vectors = ((p->fine_lanes ? length : b->coarse_end - b->coarse) + LANES - 1) / LANES;
    int64_t y_pitch = vectors * LANES * (p->fine_lanes ? runs : 1), least = rows % p->unit ? rows % p->unit : p->unit;
    int64_t of_run = p->fine_lanes ? vectors * LANES : rows * y_pitch;
    int64_t in_fine[CONVT_CHUNK + CONVT_PREFETCH], in_coarse[CONVT_CHUNK + CONVT_PREFETCH];
    const int64_t *at_rows = p->fine_lanes ? in_coarse : in_fine, *at_lanes = p->fine_lanes ? in_fine : in_coarse;
    for (int64_t chunk = 0; chunk < chunks; chunk++, add = 1) {
        int64_t first = positions * chunk / chunks, last = positions * (chunk + 1) / chunks, more;
        NAME(correlate_places)(p, &box, channels, first, last, in_fine);
        for (int64_t i = 0; i < last - first + CONVT_PREFETCH; i++) {
            int64_t q = first + i < last ? first + i : last - 1;
            in_coarse[i] = q * p->coarse_pitch;
        }
        for (int64_t r = 0; r < runs; r++) {
            int64_t run = b->run + r, x = run % across, y = run / across % p->kernel[1], z = run / across / p->kernel[1];
            const REAL *from = fine + ((z * p->dilation[0] * box.rows[1] + y * p->dilation[1]) * box.rows[2] +
                                       x * p->dilation[2]) * channels;
            const REAL *of_rows = p->fine_lanes ? coarse : from, *of_lanes = p->fine_lanes ? from : coarse;
            for (int64_t v = 0; v < vectors; v += more) {
                more = vectors - v < p->tile ? vectors - v : p->tile;
                while (!NAME(table).correlate[p->unit][more] || !NAME(table).correlate[least][more]) more--;
                for (int64_t m = 0; m < rows; m += p->unit)
                    NAME(table).correlate[p->unit < rows - m ? p->unit : rows - m][more](
                        last - first, at_rows, of_rows + m, at_lanes, of_lanes + v * LANES,
                        sums + r * of_run + m * y_pitch + v * LANES, y_pitch, add);
            }
        }
    }
}
