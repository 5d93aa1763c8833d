/* The stages of the Winograd engine. A template as direct.h is; winograd.h does the work.
 *
 *     by tiles       winograd_weights, winograd_tiles                            a block of tiles in all passes
 *     together       winograd_weights, rounds of: winograd_input, winograd_sums  few blocks: the outputs are cut, too
 *     by outputs     rounds of: winograd_input, winograd_outputs                 many weights: each task transforms its own */

#include "winograd_transforms.h"
#include "winograd_weights.h"
#include "winograd.h"

static inline convt_wave NAME(blocks_of)(const convt_winograd_plan *p, int64_t round)
{
    return convt_wave_of(&p->waves, p->groups, p->blocks, round);
}

static inline int64_t NAME(u_of_unit)(const convt_winograd_plan *p) { return 16 * p->out_phases * p->u_size; }

/* U of one unit and one block of channels of a group. */
static int NAME(stage_winograd_weights)(const convt_call *call, int64_t task, void *own)
{
    const convt_winograd_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    int64_t unit = task % p->units, block = task / p->units % p->channel_blocks, group = task / p->units / p->channel_blocks;
    int64_t channel = block * p->block_channels, row = unit * p->unit;
    (void)own;
    return NAME(winograd_weights)(
        p, NAME(channels_of)(p, block), convt_least(p->unit, p->outputs - row),
        map.kernel + group * map.k_group + channel * map.k_in + row * map.k_out, map.k_in, map.k_out, map.k_axis,
        (REAL *)call->packed + task * NAME(u_of_unit)(p));
}

/* One block of tiles, all outputs. */
static int NAME(stage_winograd_tiles)(const convt_call *call, int64_t task, void *own)
{
    const convt_winograd_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    return NAME(winograd_tiles)(p, task, map.input, map.in, call->packed, map.bias, map.output, map.out, own);
}

/* V of one block of tiles of the wave and one block of channels. */
static int NAME(stage_winograd_input)(const convt_call *call, int64_t task, void *own)
{
    const convt_winograd_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    convt_wave wave = NAME(blocks_of)(p, call->round);
    int64_t piece = task % p->channel_blocks, b = task / p->channel_blocks % wave.count;
    int64_t group = wave.group + task / p->channel_blocks / wave.count;
    if (group >= wave.group + wave.groups) return 1;
    return NAME(winograd_input)(
        p, wave.first + b, NAME(channels_of)(p, piece),
        map.input + (group * p->inputs + piece * p->block_channels) * map.in->channel, map.in,
        (REAL *)call->shared + task * 16 * p->v_size, own);
}

/* One pass over some blocks of the wave; U has been packed before. */
static int NAME(stage_winograd_sums)(const convt_call *call, int64_t task, void *own)
{
    const convt_winograd_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    convt_wave wave = NAME(blocks_of)(p, call->round);
    int64_t pass = task % p->passes, part = task / p->passes % p->parts, g = task / p->passes / p->parts;
    int64_t group = wave.group + g, of_block = p->channel_blocks * 16 * p->v_size;
    const REAL *u = (REAL *)call->packed + group * p->channel_blocks * p->units * NAME(u_of_unit)(p);
    const REAL *v = (REAL *)call->shared + g * wave.count * of_block;
    if (g >= wave.groups) return 1;
    for (int64_t b = wave.count * part / p->parts; b < wave.count * (part + 1) / p->parts; b++)
        NAME(winograd_pass)(
            p, group, wave.first + b, pass * p->pass * p->unit, v + b * of_block, u, map.bias, map.output, map.out, own);
    return 1;
}

/* One pass over all blocks of the wave, transforming its weights. */
static int NAME(stage_winograd_outputs)(const convt_call *call, int64_t task, void *own)
{
    const convt_winograd_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    convt_wave wave = NAME(blocks_of)(p, call->round);
    int64_t g = task / p->passes, group = wave.group + g, channel = group * p->outputs;
    if (g >= wave.groups) return 1;
    return NAME(winograd_outputs)(
        p, task % p->passes, wave.first, wave.count,
        (REAL *)call->shared + g * wave.count * p->channel_blocks * 16 * p->v_size, map.kernel + group * map.k_group,
        map.k_in, map.k_out, map.k_axis, map.bias ? map.bias + channel : map.bias, map.output + channel * map.out->channel,
        map.out, own);
}
