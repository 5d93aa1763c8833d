/* The stages of the direct engine. A template as direct.h is; strip.h does the work.
 *
 *     by strips     direct_weights, direct_strips                             each task packs its own strip
 *     together      direct_weights, rounds of: direct_pack, direct_sums       few strips: the outputs are cut, too
 *     by outputs    rounds of: direct_pack, direct_outputs                    many weights: each task packs its own
 *
 * A round packs a wave: some strips of one group, or all strips of some groups. */

#include "pack.h"
#include "columns.h"
#include "strip.h"

static inline convt_wave NAME(strips_of)(const convt_direct_plan *p, int64_t round)
{
    return convt_wave_of(&p->waves, p->groups, p->all_strips, round);
}

/* The weights of one block of channels in one pass. */
static int NAME(stage_direct_weights)(const convt_call *call, int64_t task, void *own)
{
    const convt_direct_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    int64_t blocks = p->column_units ? 1 : convt_ceil_div(p->inputs, p->block), all_taps = p->first_tap[p->out_planes];
    int64_t c = task % blocks * p->block, first = task / blocks % p->passes * p->pass, group = task / blocks / p->passes;
    int64_t last = NAME(end_of_pass)(p, first);
    const REAL *kernel = map.kernel + group * map.k_group;
    REAL *packed = (REAL *)call->packed + (group * p->outputs + first) * p->inputs * all_taps;
    (void)own;
    if (p->column_units) return NAME(pack_columns)(p, kernel, map.k_in, map.k_out, map.k_axis, packed);
    return NAME(pack_weights)(
        p, first, last, c, convt_least(c + p->block, p->inputs), kernel, map.k_in, map.k_out, map.k_axis,
        packed + c * all_taps * (last - first));
}

/* One strip in some passes. */
static int NAME(stage_direct_strips)(const convt_call *call, int64_t task, void *own)
{
    const convt_direct_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    int64_t part = task % p->parts, first = p->passes * part / p->parts * p->pass;
    int64_t end = convt_least(p->passes * (part + 1) / p->parts * p->pass, p->outputs);
    NAME(strip)(p, task / p->parts, first, end, map.input, map.in, call->packed, map.bias, map.output, map.out, own);
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

/* One pass over some strips of the wave. */
static int NAME(stage_direct_sums)(const convt_call *call, int64_t task, void *own)
{
    const convt_direct_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    convt_wave wave = NAME(strips_of)(p, call->round);
    int64_t pass = task % p->passes, part = task / p->passes % p->parts, g = task / p->passes / p->parts;
    int64_t first = pass * p->pass, last = NAME(end_of_pass)(p, first), filter = p->inputs * p->first_tap[p->out_planes];
    if (g >= wave.groups) return 1;
    const REAL *weights = (REAL *)call->packed + ((wave.group + g) * p->outputs + first) * filter;
    for (int64_t s = wave.count * part / p->parts; s < wave.count * (part + 1) / p->parts; s++) {
        const REAL *strip = (REAL *)call->shared + (g * wave.count + s) * p->strip_size;
        NAME(box) box = NAME(strip_box)(p, (wave.group + g) * p->all_strips + wave.first + s);
        NAME(sum_channels)(p, first, last, 0, p->inputs, strip, weights, own);
        NAME(write_pass)(p, &box, first, last, own, map.bias, map.output, map.out);
    }
    return 1;
}

/* One pass over all strips of the wave, packing its weights. */
static int NAME(stage_direct_outputs)(const convt_call *call, int64_t task, void *own)
{
    const convt_direct_plan *p = call->plan;
    NAME(map) map = NAME(map_of)(call, p->inputs, p->outputs);
    convt_wave wave = NAME(strips_of)(p, call->round);
    int64_t g = task / p->passes, group = wave.group + g;
    if (g >= wave.groups) return 1;
    return NAME(outputs)(
        p, task % p->passes, group * p->all_strips + wave.first, wave.count,
        (REAL *)call->shared + g * wave.count * p->strip_size, map.kernel + group * map.k_group, map.k_in, map.k_out,
        map.k_axis, map.bias, map.output, map.out, own);
}
