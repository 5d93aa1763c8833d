/* The stages of the cells engine. A template as direct.h is; cells.h does the work.
 *
 *     rounds of: cells_rows, cells_panels        a round packs a wave: some tiles of one group, or all tiles of some groups */

#ifdef STAGE
STAGE(cells, rows) STAGE(cells, panels)
#else

#include "plan.h"
#include "cells.h"

static inline convt_wave NAME(tiles_of_round)(const convt_cells_plan *p, int64_t round)
{
    return convt_wave_of(&p->waves, p->g.groups, convt_ceil_div(p->positions, p->unit), round);
}

/* One tile of the wave. Returns 0 if an element is not finite. */
static int NAME(stage_cells_rows)(const convt_call *call, int64_t task, void *own)
{
    const convt_cells_plan *p = call->plan;
    convt_wave wave = NAME(tiles_of_round)(p, call->round);
    (void)own;
    if (task >= wave.groups * wave.count) return 1;
    return NAME(cells_rows)(
        p, wave.group + task / wave.count, wave.first + task % wave.count, call->coarse, &call->of_coarse,
        (REAL *)call->shared + task * p->tile_size);
}

/* Panels at some tiles of the wave, in runs. Returns 0 if a weight is not finite. */
static int NAME(stage_cells_panels)(const convt_call *call, int64_t task, void *own)
{
    const convt_cells_plan *p = call->plan;
    const convt_strides *k = &call->of_kernel;
    convt_wave wave = NAME(tiles_of_round)(p, call->round);
    int64_t all = convt_ceil_div(p->lanes, p->width);
    int64_t end = convt_least(task + convt_seat_of(own)->run, wave.groups * p->parts * all);
    for (int64_t last; task < end; task = last) {
        int64_t index = task / all, panel = task % all, tile = index % p->parts * p->tiles, g = index / p->parts;
        int64_t group = wave.group + g, tiles = convt_least(p->tiles, wave.count - tile);
        last = convt_least(convt_least((index + 1) * all, end), task + p->panels);
        if (tiles > 0 && !NAME(cells)(
                p, group, panel * p->width, last - task, wave.first + tile, tiles,
                (REAL *)call->shared + (g * wave.count + tile) * p->tile_size,
                (REAL *)call->kernel + group * p->inputs * k->outer, k->outer, k->channel, k, call->bias, call->fine,
                &call->of_fine, own))
            return 0;
    }
    return 1;
}

#endif
