/* The stages of the correlate engine. A template as direct.h is; correlate/_schedule.pxd says what the two schedules are.
 *
 *     apart        rounds, of some groups each: correlate_splits, correlate_totals, correlate_taps
 *     together     rounds, of a strip each: correlate_pack, correlate_blocks */

#ifdef STAGE
STAGE(correlate, splits) STAGE(correlate, totals) STAGE(correlate, taps) STAGE(correlate, pack) STAGE(correlate, blocks)
#else

#include "plan.h"
#include "pack.h"
#include "strip.h"
#include "write.h"

/* A block of the kernel, by its place among all. */
static inline convt_correlate_block NAME(block_at)(
    const convt_correlate_plan *p, int64_t group, int64_t fine, int64_t coarse, int64_t runs)
{
    return (convt_correlate_block){
        group, coarse * p->block_coarse, convt_least((coarse + 1) * p->block_coarse, p->coarse), fine * p->fine_block,
        convt_least((fine + 1) * p->fine_block, p->fine), runs * p->block_runs,
        convt_least((runs + 1) * p->block_runs, p->runs)};
}

/* Apart: packs and sums some strips of a group for some blocks of fine channels; these sums are the task's alone. */
static int NAME(stage_correlate_splits)(const convt_call *call, int64_t task, void *own)
{
    const convt_correlate_plan *p = call->plan;
    int64_t cut = task % p->cuts, index = task / p->cuts, split = index % p->splits;
    int64_t group = call->round / p->chunks * p->round_groups + index / p->splits;
    convt_share share = convt_share_of(p->all_strips, split, p->splits, call->round % p->chunks, p->chunks);
    REAL *sums = (REAL *)call->shared + index * p->blocks * p->of_sums, *coarse = own, *fine = coarse + p->of_coarse;
    if (group >= p->groups) return 1;
    for (int64_t strip = share.from; strip < share.end; strip++) {
        int64_t at = group * p->all_strips + strip;
        NAME(correlate_pack_coarse)(p, call->replaces, at, 0, 0, 1, call->coarse, &call->of_coarse, coarse);
        for (int64_t f = p->blocks * cut / p->cuts; f < p->blocks * (cut + 1) / p->cuts; f++) {
            convt_correlate_block block = NAME(block_at)(p, group, f, 0, 0);
            NAME(correlate_pack_fine)(p, at, f, 0, 1, call->fine, &call->of_fine, fine);
            NAME(correlate_sum)(p, at, &block, coarse, fine, strip > share.first, sums + f * p->of_sums);
        }
    }
    return 1;
}

/* Apart: adds some elements of the sums of a group's tasks. */
static int NAME(stage_correlate_totals)(const convt_call *call, int64_t task, void *own)
{
    const convt_correlate_plan *p = call->plan;
    int64_t size = p->blocks * p->of_sums, pieces = convt_ceil_div(size, CONVT_ADDED), group = task / pieces;
    (void)own;
    if ((call->round + 1) % p->chunks == 0 && call->round / p->chunks * p->round_groups + group < p->groups)
        NAME(add_splits)(p->splits, size, task % pieces, (REAL *)call->shared + group * p->splits * size);
    return 1;
}

/* Apart: writes some coarse channels of a group's block. They are doubtful if not all are finite: they may come from a
 * coarse element that has met the zeros around the packed fine array, where the definition has no term at all. */
static int NAME(stage_correlate_taps)(const convt_call *call, int64_t task, void *own)
{
    const convt_correlate_plan *p = call->plan;
    int64_t pieces = convt_ceil_div(p->coarse, CONVT_WRITTEN), index = task / pieces, first = task % pieces * CONVT_WRITTEN;
    int64_t group = index / p->blocks, f = index % p->blocks;
    convt_correlate_block block = NAME(block_at)(p, call->round / p->chunks * p->round_groups + group, f, 0, 0);
    if ((call->round + 1) % p->chunks || block.group >= p->groups) return 1;
    return NAME(correlate_write)(
        p, &block, first, convt_least(first + CONVT_WRITTEN, p->coarse),
        (REAL *)call->shared + (group * p->splits * p->blocks + f) * p->of_sums, 0, call->kernel, &call->of_kernel, own);
}

typedef struct { /* a round of the schedule `together` */
    int64_t group, groups, strip, wave, blocks;
} NAME(correlate_round);

static inline NAME(correlate_round) NAME(correlate_round_of)(const convt_correlate_plan *p, int64_t round)
{
    int64_t waves = convt_ceil_div(p->blocks, p->wave), group = round / p->all_strips / waves * p->round_groups;
    int64_t wave = round / p->all_strips % waves * p->wave;
    return (NAME(correlate_round)){
        group, convt_least(p->round_groups, p->groups - group), round % p->all_strips, wave,
        convt_least(p->wave, p->blocks - wave)};
}

/* Elements that are packed of one group. */
static inline int64_t NAME(packed_of_group)(const convt_correlate_plan *p)
{
    return p->coarse_blocks * p->of_coarse + p->wave * p->of_fine;
}

/* Together: packs one piece of a strip, of a block of the coarse array or of the fine one. */
static int NAME(stage_correlate_pack)(const convt_call *call, int64_t task, void *own)
{
    const convt_correlate_plan *p = call->plan;
    NAME(correlate_round) round = NAME(correlate_round_of)(p, call->round);
    int64_t piece = task % p->pieces, block = task / p->pieces % (p->coarse_blocks + p->wave);
    int64_t g = task / p->pieces / (p->coarse_blocks + p->wave), strip = (round.group + g) * p->all_strips + round.strip;
    REAL *packed = (REAL *)call->shared + g * NAME(packed_of_group)(p);
    (void)own;
    if (g >= round.groups || block >= p->coarse_blocks + round.blocks) return 1;
    if (block < p->coarse_blocks) {
        NAME(correlate_pack_coarse)(
            p, call->replaces, strip, block, piece, p->pieces, call->coarse, &call->of_coarse,
            packed + block * p->of_coarse);
        return 1;
    }
    block -= p->coarse_blocks;
    NAME(correlate_pack_fine)(
        p, strip, round.wave + block, piece, p->pieces, call->fine, &call->of_fine,
        packed + p->coarse_blocks * p->of_coarse + block * p->of_fine);
    return 1;
}

/* Together: a block's sums over one strip, written or added to the kernel. They are doubtful if not all are finite. */
static int NAME(stage_correlate_blocks)(const convt_call *call, int64_t task, void *own)
{
    const convt_correlate_plan *p = call->plan;
    NAME(correlate_round) round = NAME(correlate_round_of)(p, call->round);
    int64_t runs = task % p->run_blocks, coarse = task / p->run_blocks % p->coarse_blocks;
    int64_t fine = task / p->run_blocks / p->coarse_blocks % p->wave, g = task / p->run_blocks / p->coarse_blocks / p->wave;
    const REAL *packed = (REAL *)call->shared + g * NAME(packed_of_group)(p);
    convt_correlate_block block = NAME(block_at)(p, round.group + g, round.wave + fine, coarse, runs);
    if (g >= round.groups || fine >= round.blocks) return 1;
    NAME(correlate_sum)(
        p, block.group * p->all_strips + round.strip, &block, packed + coarse * p->of_coarse,
        packed + p->coarse_blocks * p->of_coarse + fine * p->of_fine, 0, own);
    return NAME(correlate_write)(
        p, &block, 0, block.coarse_end - block.coarse, own, round.strip > 0, call->kernel, &call->of_kernel,
        (REAL *)own + p->of_sums);
}

#endif
