/* The stages of Winograd's filter gradient. A template as direct.h is.
 *
 *     coarse array  --transpose--> [row][x][channel]  --G-->  G  \
 *                                                                 products, summed over tiles --> M  --A-->  taps
 *     fine array    --transpose--> [row][x][channel]  --B-->  V  /
 *
 *     apart        rounds, of some groups each: winograd_correlate_splits, _totals, _taps
 *     together     rounds, of a strip each: winograd_correlate_pack, _blocks */

#ifdef STAGE
STAGE(winograd_correlate, splits) STAGE(winograd_correlate, totals) STAGE(winograd_correlate, taps)
STAGE(winograd_correlate, pack) STAGE(winograd_correlate, blocks)
#else

#include "plan.h"

/* Channels of a block. */
static inline int64_t NAME(block_channels)(const convt_winograd_side *s, int64_t block)
{
    int64_t rest = s->channels - block * s->block;
    return s->block < rest ? s->block : rest;
}

#include "lines.h"
#include "pack.h"
#include "sums.h"
#include "taps.h"

/* A strip, packed: its units, V, G. */
typedef struct {
    int64_t first, units;
    REAL *v, *g;
} NAME(packed_strip);

static inline NAME(packed_strip) NAME(strip_at)(const convt_winograd_correlate_plan *p, int64_t strip, REAL *packed)
{
    int64_t first = strip * p->strip_units;
    return (NAME(packed_strip)){
        first, convt_least(p->strip_units, p->all_units - first), packed,
        packed + p->strip_units * p->fine_blocks * p->of_fine};
}

/* Packs one unit of one block of a strip. */
static void NAME(pack_unit)(
    const convt_call *call, int64_t group, const NAME(packed_strip) *strip, int64_t piece, REAL *scratch)
{
    const convt_winograd_correlate_plan *p = call->plan;
    int64_t block = piece / strip->units, unit = piece % strip->units, tiles = strip->units * p->unit_tiles;
    int64_t at = unit * p->unit_tiles, index = group * p->all_units + strip->first + unit;
    if (block < p->fine_blocks) {
        NAME(winograd_correlate_pack)(
            p, 1, index, block, tiles, call->fine, &call->of_fine,
            strip->v + block * strip->units * p->of_fine + at * p->fine.width, scratch);
        return;
    }
    block -= p->fine_blocks;
    NAME(winograd_correlate_pack)(
        p, 0, index, block, tiles, call->coarse, &call->of_coarse,
        strip->g + block * strip->units * p->of_coarse + at * p->coarse.width, scratch);
}

/* M of a pair of blocks over one strip, the coarse channels `row` to `end` of theirs. */
static void NAME(sum_pair)(
    const convt_winograd_correlate_plan *p, int64_t pair, int64_t row, int64_t end, const NAME(packed_strip) *strip, int add,
    REAL *m)
{
    int64_t fine = pair % p->fine_blocks, coarse = pair / p->fine_blocks;
    NAME(winograd_correlate_sum)(
        p, fine, row, end, strip->first, strip->units, strip->v + fine * strip->units * p->of_fine,
        strip->g + coarse * strip->units * p->of_coarse, add, m);
}

static inline int64_t NAME(m_of_group)(const convt_winograd_correlate_plan *p)
{
    return p->fine_blocks * p->coarse_blocks * p->of_sums;
}

/* Apart: packs and sums some strips of a group for some blocks of fine channels; these sums are the task's alone. */
static int NAME(stage_winograd_correlate_splits)(const convt_call *call, int64_t task, void *own)
{
    const convt_winograd_correlate_plan *p = call->plan;
    int64_t cut = task % p->cuts, index = task / p->cuts, split = index % p->splits;
    int64_t group = call->round / p->chunks * p->round_groups + index / p->splits;
    convt_share share = convt_share_of(p->strips, split, p->splits, call->round % p->chunks, p->chunks);
    int64_t fine = p->fine_blocks * cut / p->cuts, fine_end = p->fine_blocks * (cut + 1) / p->cuts;
    REAL *m = (REAL *)call->shared + index * NAME(m_of_group)(p);
    REAL *scratch = (REAL *)own + p->strip_units * (p->fine_blocks * p->of_fine + p->coarse_blocks * p->of_coarse);
    if (group >= p->groups) return 1;
    for (int64_t at = share.from; at < share.end; at++) {
        NAME(packed_strip) strip = NAME(strip_at)(p, at, own);
        int64_t blocks = p->fine_blocks + p->coarse_blocks;
        for (int64_t i = fine * strip.units; i < blocks * strip.units; i++)
            if (i < fine_end * strip.units || i >= p->fine_blocks * strip.units) NAME(pack_unit)(call, group, &strip, i, scratch);
        for (int64_t c = 0; c < p->coarse_blocks; c++)
            for (int64_t pair = c * p->fine_blocks + fine; pair < c * p->fine_blocks + fine_end; pair++)
                NAME(sum_pair)(
                    p, pair, 0, NAME(block_channels)(&p->coarse, c), &strip, at > share.first, m + pair * p->of_sums);
    }
    return 1;
}

/* Apart: adds some elements of M of a group's tasks. */
static int NAME(stage_winograd_correlate_totals)(const convt_call *call, int64_t task, void *own)
{
    const convt_winograd_correlate_plan *p = call->plan;
    int64_t size = NAME(m_of_group)(p), pieces = convt_ceil_div(size, CONVT_ADDED), group = task / pieces;
    (void)own;
    if ((call->round + 1) % p->chunks == 0 && call->round / p->chunks * p->round_groups + group < p->groups)
        NAME(add_splits)(p->splits, size, task % pieces, (REAL *)call->shared + group * p->splits * size);
    return 1;
}

/* Apart: transforms and writes some coarse channels of a pair of blocks. Returns 0 if not all taps are finite: the transforms
 * mix neighbours, and such a number spoils taps that it does not reach by the definition. */
static int NAME(stage_winograd_correlate_taps)(const convt_call *call, int64_t task, void *own)
{
    const convt_winograd_correlate_plan *p = call->plan;
    int64_t pieces = convt_ceil_div(p->coarse.block, CONVT_TRANSFORMED), pairs = p->fine_blocks * p->coarse_blocks;
    int64_t first = task % pieces * CONVT_TRANSFORMED, pair = task / pieces % pairs, g = task / pieces / pairs;
    int64_t rows = NAME(block_channels)(&p->coarse, pair / p->fine_blocks), group = call->round / p->chunks * p->round_groups + g;
    if ((call->round + 1) % p->chunks || group >= p->groups || first >= rows) return 1;
    return NAME(winograd_correlate_write)(
        p, group, pair % p->fine_blocks, pair / p->fine_blocks, first, convt_least(first + CONVT_TRANSFORMED, rows),
        (REAL *)call->shared + g * p->splits * NAME(m_of_group)(p) + pair * p->of_sums, 0, call->kernel, &call->of_kernel,
        own);
}

/* Together: packs one unit of one block of the round's strip. */
static int NAME(stage_winograd_correlate_pack)(const convt_call *call, int64_t task, void *own)
{
    const convt_winograd_correlate_plan *p = call->plan;
    NAME(packed_strip) strip = NAME(strip_at)(p, call->round % p->strips, call->shared);
    if (task < strip.units * (p->fine_blocks + p->coarse_blocks))
        NAME(pack_unit)(call, call->round / p->strips, &strip, task, own);
    return 1;
}

/* Together: panels of coarse channels of pairs of blocks over one strip, in runs: the sums, written or added to the kernel.
 * Returns 0 if not all are finite. */
static int NAME(stage_winograd_correlate_blocks)(const convt_call *call, int64_t task, void *own)
{
    const convt_winograd_correlate_plan *p = call->plan;
    NAME(packed_strip) strip = NAME(strip_at)(p, call->round % p->strips, call->shared);
    int64_t panels = convt_ceil_div(p->coarse.block, p->coarse.panel);
    for (int64_t end = task + convt_seat_of(own)->run, last; task < end; task = last) {
        int64_t pair = task / panels, fine = pair % p->fine_blocks, coarse = pair / p->fine_blocks;
        int64_t rows = NAME(block_channels)(&p->coarse, coarse), row = task % panels * p->coarse.panel;
        last = convt_least((pair + 1) * panels, end);
        int64_t end_row = convt_least(row + (last - task) * p->coarse.panel, rows);
        if (row >= rows) continue;
        NAME(sum_pair)(p, pair, row, end_row, &strip, 0, own);
        if (!NAME(winograd_correlate_write)(
                p, call->round / p->strips, fine, coarse, row, end_row, own, call->round % p->strips > 0, call->kernel,
                &call->of_kernel, (REAL *)own + p->of_sums))
            return 0;
    }
    return 1;
}

#endif
