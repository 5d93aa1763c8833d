/* The stages of the depthwise engine. A template as direct.h is.
 *
 *     scatter, gather                      depthwise_boxes
 *     the same, lanes are channels         depthwise_filters, depthwise_channels
 *     correlate                            rounds, of some groups each: depthwise_splits, depthwise_totals */

#ifdef STAGE
STAGE(depthwise, boxes) STAGE(depthwise, filters) STAGE(depthwise, channels) STAGE(depthwise, splits) STAGE(depthwise, totals)
#else

#include "plan.h"
#include "pack.h"
#include "sums.h"
#include "rows.h"
#include "depthwise.h"
#include "channels.h"
#include "correlate.h"

/* The output of some boxes. */
static int NAME(stage_depthwise_boxes)(const convt_call *call, int64_t task, void *own)
{
    const convt_depthwise_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    return NAME(depthwise)(
        p, call->replaces, task, map.input, map.in, map.kernel, map.k_group, map.k_in, map.k_out, map.k_axis, map.bias,
        map.output, map.out,
        own);
}

/* One tap of all groups' filters. */
static int NAME(stage_depthwise_filters)(const convt_call *call, int64_t task, void *own)
{
    const convt_depthwise_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    const int64_t *at = p->taps + 3 * task;
    const REAL *tap = map.kernel + at[0] * map.k_axis[0] + at[1] * map.k_axis[1] + at[2] * map.k_axis[2];
    REAL *packed = (REAL *)call->packed + task * p->groups;
    (void)own;
    for (int64_t group = 0; group < p->groups; group++) packed[group] = tap[group * map.k_group];
    return 1;
}

/* Some rows of the output, all channels. */
static int NAME(stage_depthwise_channels)(const convt_call *call, int64_t task, void *own)
{
    const convt_depthwise_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    int64_t rows = p->batch * p->out_size[0] * p->out_size[1], first = task * p->channel_rows;
    (void)own;
    NAME(depthwise_channels)(
        p, first, convt_least(first + p->channel_rows, rows), map.input, map.in, call->packed, map.bias, map.output, map.out);
    return 1;
}

/* The sums of one group over its share of images and boxes; a round does some groups, or a part of these shares. */
static int NAME(stage_depthwise_splits)(const convt_call *call, int64_t task, void *own)
{
    const convt_depthwise_plan *p = call->plan;
    int64_t filters = p->outputs * p->inputs * p->first_tap[1];
    int64_t group = call->round / p->chunks * p->round_groups + task / p->splits;
    if (group >= p->groups) return 1;
    NAME(depthwise_correlate)(
        p, call->replaces, group, task % p->splits, call->round % p->chunks, call->fine, &call->of_fine, call->coarse,
        &call->of_coarse, (REAL *)call->shared + task * filters, own);
    return 1;
}

/* The filters of one group from its partial sums, added in their order. Returns 0 if one is not finite and may have met
 * zeros. */
static int NAME(stage_depthwise_totals)(const convt_call *call, int64_t task, void *own)
{
    const convt_depthwise_plan *p = call->plan;
    const convt_strides *k = &call->of_kernel;
    int64_t group = call->round / p->chunks * p->round_groups + task;
    int64_t taps = p->first_tap[1], filters = p->outputs * p->inputs * taps;
    const REAL *sums = (REAL *)call->shared + task * p->splits * filters;
    REAL *kernel = (REAL *)call->kernel + group * p->outputs * k->outer;
    double zero = 0;
    (void)own;
    if ((call->round + 1) % p->chunks || group >= p->groups) return 1;
    for (int64_t t = 0; t < filters; t++) {
        const int64_t *at = p->taps + 3 * (t % taps);
        int64_t channel = t / taps;
        double total = 0;
        for (int64_t split = 0; split < p->splits; split++) total += sums[split * filters + t];
        kernel[channel / p->inputs * k->outer + channel % p->inputs * k->channel + at[0] * k->axis[0] + at[1] * k->axis[1] +
               at[2] * k->axis[2]] = (REAL)total;
        zero += (REAL)total * 0; /* becomes NaN with the first that is not finite */
    }
    return zero == 0 || call->replaces;
}

#endif
