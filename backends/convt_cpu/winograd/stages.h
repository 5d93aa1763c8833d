/* The stages of the Winograd engine. A template as direct.h is; winograd.h does the work.
 *
 *     by tiles       winograd_weights, winograd_tiles                            a block of tiles in all passes
 *     together       winograd_weights, rounds of: winograd_input, winograd_sums  few blocks: the outputs are cut, too
 *     by outputs     rounds of: winograd_input, winograd_outputs                 many weights: each task transforms its own
 *                    after winograd_weights                                      if filters are constant */

#ifdef STAGE
STAGE(winograd, weights) STAGE(winograd, tiles) STAGE(winograd, input) STAGE(winograd, sums) STAGE(winograd, outputs)
#else

#include "plan.h"
#include "tile_transforms.h"
#include "tiles.h"
#include "weights.h"
#include "windows.h"
#include "results.h"
#include "winograd.h"

static inline convt_wave NAME(blocks_of)(const convt_winograd_plan *p, int64_t round)
{
    return convt_wave_of(&p->waves, p->groups, p->blocks, round);
}

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

/* Units of outputs of blocks of tiles, in runs; the seat keeps V of its block from one run to the next. */
static int NAME(stage_winograd_tiles)(const convt_call *call, int64_t task, void *own)
{
    const convt_winograd_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    convt_seat *seat = convt_seat_of(own);
    REAL *v = (REAL *)own + CONVT_WINOGRAD_LISTS / sizeof(REAL) +
              p->pass * p->out_phases * p->frequencies * p->unit * p->block_tiles;
    for (int64_t end = task + seat->run, last; task < end; task = last) {
        int64_t index = task / p->units, first = task % p->units, group = index / p->blocks, block = index % p->blocks;
        last = convt_least((index + 1) * p->units, end);
        if (seat->kept != index && !NAME(winograd_block)(p, group, block, map.input, map.in, v, own)) return 0;
        seat->kept = index;
        NAME(winograd_passes)(
            p, group, block, first * p->unit, convt_least((first + last - task) * p->unit, p->outputs), v,
            (REAL *)call->packed + group * p->channel_blocks * p->units * NAME(u_of_unit)(p), map.bias, map.output, map.out,
            own);
    }
    return 1;
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
        (REAL *)call->shared + task * p->frequencies * p->v_size, own);
}

/* Units of outputs of the wave's blocks, in runs; U has been packed before. */
static int NAME(stage_winograd_sums)(const convt_call *call, int64_t task, void *own)
{
    const convt_winograd_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    convt_wave wave = NAME(blocks_of)(p, call->round);
    int64_t all = wave.groups * wave.count * p->units, end = convt_least(task + convt_seat_of(own)->run, all);
    for (int64_t last; task < end; task = last) {
        int64_t index = task / p->units, first = task % p->units, group = wave.group + index / wave.count;
        last = convt_least((index + 1) * p->units, end);
        NAME(winograd_passes)(
            p, group, wave.first + index % wave.count, first * p->unit,
            convt_least((first + last - task) * p->unit, p->outputs),
            (REAL *)call->shared + index * p->channel_blocks * p->frequencies * p->v_size,
            (REAL *)call->packed + group * p->channel_blocks * p->units * NAME(u_of_unit)(p), map.bias, map.output, map.out,
            own);
    }
    return 1;
}

/* Units of outputs of a group over blocks of the wave, in runs, transforming their weights unless these are kept: blocks of a
 * unit, or all of units. */
static int NAME(stage_winograd_outputs)(const convt_call *call, int64_t task, void *own)
{
    const convt_winograd_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    convt_wave wave = NAME(blocks_of)(p, call->round);
    int64_t end = convt_least(task + convt_seat_of(own)->run, wave.groups * p->units * p->waves.wave);
    for (convt_panel panel; task < end; task = panel.end) {
        panel = convt_panel_of(p->units, p->waves.wave, wave.count, p->pass, task, end);
        int64_t group = wave.group + panel.group, first = panel.unit * p->unit, channel = group * p->outputs;
        int64_t block = panel.group * wave.count + panel.first;
        const REAL *kept = (REAL *)call->packed + group * p->channel_blocks * p->units * NAME(u_of_unit)(p);
        if (panel.count > 0 &&
            !NAME(winograd_outputs)(
                p, first, convt_least(panel.units * p->unit, p->outputs - first), wave.first + panel.first, panel.count,
                (REAL *)call->shared + block * p->channel_blocks * p->frequencies * p->v_size,
                p->kept ? kept : NULL, map.kernel + group * map.k_group, map.k_in, map.k_out, map.k_axis,
                map.bias ? map.bias + channel : map.bias, map.output + channel * map.out->channel, map.out, own))
            return 0;
    }
    return 1;
}

#endif
