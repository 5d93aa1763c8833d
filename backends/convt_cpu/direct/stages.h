/* The stages of the direct engine. A template as direct.h is; strip.h does the work.
 *
 *     by strips     direct_weights, direct_strips                             each seat packs its own strip
 *     together      direct_weights, rounds of: direct_pack, direct_sums       few strips: the outputs are cut, too
 *     by outputs    rounds of: direct_pack, direct_outputs                    many weights: each task packs its own,
 *                   or direct_weights before them                             unless filters are constant
 *
 * A round packs a wave: some strips of one group, or all strips of some groups. */

#ifdef STAGE
STAGE(direct, weights) STAGE(direct, strips) STAGE(direct, pack) STAGE(direct, sums) STAGE(direct, outputs)
#else

#include "plan.h"
#include "weights.h"
#include "pack.h"
#include "columns.h"
#include "strip.h"

static inline convt_wave NAME(strips_of)(const convt_direct_plan *p, int64_t round)
{
    return convt_wave_of(&p->waves, p->groups, p->all_strips, round);
}

/* The weights of one block of channels in units of one pass, in runs. */
static int NAME(stage_direct_weights)(const convt_call *call, int64_t task, void *own)
{
    const convt_direct_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    int64_t blocks = p->column_units ? 1 : convt_ceil_div(p->inputs, p->block), all_taps = p->first_tap[p->out_planes];
    int64_t passes = convt_ceil_div(p->outputs, p->pass), of_pass = p->pass / p->unit, index = task / of_pass;
    int64_t c = index % blocks * p->block, group = index / blocks / passes;
    int64_t first = (index / blocks % passes * of_pass + task % of_pass) * p->unit;
    int64_t last = convt_least(first + convt_seat_of(own)->run * p->unit, p->outputs);
    if (first >= last) return 1;
    const REAL *kernel = map.kernel + group * map.k_group;
    REAL *packed = (REAL *)call->packed + (group * p->outputs + first) * p->inputs * all_taps;
    if (p->column_units) return NAME(pack_columns)(p, call->replaces, kernel, map.k_in, map.k_out, map.k_axis, packed);
    return NAME(pack_weights)(
        p, call->replaces, first, last, c, convt_least(c + p->block, p->inputs), c, p->inputs, kernel, map.k_in, map.k_out,
        map.k_axis, packed);
}

/* Units of outputs of strips, in runs; the seat keeps its strip from one run to the next. */
static int NAME(stage_direct_strips)(const convt_call *call, int64_t task, void *own)
{
    const convt_direct_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    convt_seat *seat = convt_seat_of(own);
    int64_t group_size = p->outputs * p->inputs * p->first_tap[p->out_planes];
    for (int64_t end = task + seat->run, last; task < end; task = last) {
        int64_t strip = task / p->units, first = task % p->units;
        last = convt_least((strip + 1) * p->units, end);
        NAME(box) box = NAME(strip_box)(p, strip);
        const REAL *weights = (REAL *)call->packed + box.group * group_size;
        if (p->column_units) {
            NAME(column_strip)(p, &box, map.input, map.in, weights, map.bias, map.output, map.out, own);
            continue;
        }
        if (seat->kept != strip) NAME(pack_strip)(p, &box, 0, p->inputs, map.input, map.in, own);
        seat->kept = strip;
        NAME(sum_strip_of)(
            p, &box, first * p->unit, convt_least((first + last - task) * p->unit, p->outputs), own, weights, map.bias,
            map.output, map.out, (REAL *)own + p->strip_size);
    }
    return 1;
}

/* Some channels of one strip of the wave. */
static int NAME(stage_direct_pack)(const convt_call *call, int64_t task, void *own)
{
    const convt_direct_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    convt_wave wave = NAME(strips_of)(p, call->round);
    int64_t index = task / p->pieces, piece = task % p->pieces;
    (void)own;
    if (index >= wave.groups * wave.count) return 1;
    NAME(box) box = NAME(strip_box)(p, (wave.group + index / wave.count) * p->all_strips + wave.first + index % wave.count);
    NAME(pack_strip)(
        p, &box, p->inputs * piece / p->pieces, p->inputs * (piece + 1) / p->pieces, map.input, map.in,
        (REAL *)call->shared + index * p->strip_size);
    return 1;
}

/* Units of outputs of the wave's strips, in runs. */
static int NAME(stage_direct_sums)(const convt_call *call, int64_t task, void *own)
{
    const convt_direct_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    convt_wave wave = NAME(strips_of)(p, call->round);
    int64_t group_size = p->outputs * p->inputs * p->first_tap[p->out_planes];
    int64_t all = wave.groups * wave.count * p->units, end = convt_least(task + convt_seat_of(own)->run, all);
    for (int64_t last; task < end; task = last) {
        int64_t index = task / p->units, first = task % p->units, group = wave.group + index / wave.count;
        last = convt_least((index + 1) * p->units, end);
        NAME(box) box = NAME(strip_box)(p, group * p->all_strips + wave.first + index % wave.count);
        NAME(sum_strip_of)(
            p, &box, first * p->unit, convt_least((first + last - task) * p->unit, p->outputs),
            (REAL *)call->shared + index * p->strip_size, (REAL *)call->packed + group * group_size, map.bias, map.output,
            map.out, own);
    }
    return 1;
}

/* Units of outputs of a group over strips of the wave, in runs, packing their weights: strips of one unit, or all of units. */
static int NAME(stage_direct_outputs)(const convt_call *call, int64_t task, void *own)
{
    const convt_direct_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    convt_wave wave = NAME(strips_of)(p, call->round);
    int64_t end = convt_least(task + convt_seat_of(own)->run, wave.groups * p->units * p->waves.wave);
    int64_t filter = p->inputs * p->first_tap[p->out_planes];
    for (convt_panel panel; task < end; task = panel.end) {
        panel = convt_panel_of(p->units, p->waves.wave, wave.count, p->pass / p->unit, task, end);
        int64_t group = wave.group + panel.group, strip = panel.group * wave.count + panel.first;
        const REAL *kept = (REAL *)call->packed + (group * p->outputs + panel.unit * p->unit) * filter;
        if (panel.count > 0 &&
            !NAME(outputs)(
                p, call->replaces, panel.unit * p->unit, convt_least((panel.unit + panel.units) * p->unit, p->outputs),
                group * p->all_strips + wave.first + panel.first, panel.count, (REAL *)call->shared + strip * p->strip_size,
                p->kept ? kept : NULL, map.kernel + group * map.k_group, map.k_in, map.k_out, map.k_axis, map.bias, map.output, map.out, own))
            return 0;
    }
    return 1;
}

#endif
