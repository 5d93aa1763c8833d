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

/* One tile of the wave. Returns 0 if an element is not finite and would meet zeros of the kernel's. */
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

/* Panels at tiles of a part of the wave, in runs: some of a panel's, or all of panels'. Returns 0 if a weight is not finite,
 * nor made so. */
static int NAME(stage_cells_panels)(const convt_call *call, int64_t task, void *own)
{
    const convt_cells_plan *p = call->plan;
    const convt_strides *k = &call->of_kernel;
    convt_wave wave = NAME(tiles_of_round)(p, call->round);
    int64_t all = convt_ceil_div(p->lanes, p->width);
    int64_t end = convt_least(task + convt_seat_of(own)->run, wave.groups * p->parts * all * p->pieces);
    for (convt_panel panel; task < end; task = panel.end) {
        panel = convt_panel_of(all, p->pieces, p->pieces, p->panels, task, end);
        int64_t part = panel.group % p->parts, g = panel.group / p->parts, group = wave.group + g;
        int64_t tile = part * p->tiles + p->tiles * panel.first / p->pieces;
        int64_t tiles = part * p->tiles + p->tiles * (panel.first + panel.count) / p->pieces;
        tiles = convt_least(tiles, wave.count) - tile;
        if (tiles > 0 && !NAME(cells)(
                p, call->replaces, group, panel.unit * p->width, panel.units, wave.first + tile, tiles,
                (REAL *)call->shared + (g * wave.count + tile) * p->tile_size,
                (REAL *)call->kernel + group * p->inputs * k->outer, k->outer, k->channel, k, call->bias, call->fine,
                &call->of_fine, own))
            return 0;
    }
    return 1;
}

#endif
