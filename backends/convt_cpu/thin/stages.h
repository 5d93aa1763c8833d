/* The stages of the thin engine. A template as direct.h is; thin.h and gather.h do the work.
 *
 *     scatter, correlate    rounds, of some groups each: thin_rows, thin_lanes
 *     gather                rounds of: thin_columns, thin_dots        a wave is some positions */

#ifdef STAGE
STAGE(thin, rows) STAGE(thin, lanes) STAGE(thin, columns) STAGE(thin, dots)
#else

#include "plan.h"
#include "thin.h"
#include "gather.h"

/* A call, seen from one group. */
typedef struct {
    REAL *fine, *coarse, *kernel;
    const REAL *bias;
} NAME(thin_group);

static inline NAME(thin_group) NAME(thin_group_of)(const convt_call *call, int64_t group)
{
    const convt_thin_plan *p = call->plan;
    int64_t biases = group * (call->scatters ? p->outputs : p->inputs);
    return (NAME(thin_group)){
        (REAL *)call->fine + group * p->outputs * call->of_fine.channel,
        (REAL *)call->coarse + group * p->inputs * call->of_coarse.channel,
        (REAL *)call->kernel + group * p->inputs * call->of_kernel.outer,
        call->bias ? (const REAL *)call->bias + biases : NULL};
}

/* Packs one tile of rows of a group. Returns 0 if an element of correlate's is not finite, nor made so: it would meet the
 * zeros of taps outside of the fine array, where the definition has no term at all. */
static int NAME(stage_thin_rows)(const convt_call *call, int64_t task, void *own)
{
    const convt_thin_plan *p = call->plan;
    convt_wave wave = convt_wave_of(&p->waves, p->g.groups, p->waves.wave, call->round);
    int64_t g = task / p->waves.wave;
    (void)own;
    if (g >= wave.groups) return 1;
    int finite = NAME(thin_rows)(
        p, call->replaces && !call->scatters, (int)call->scatters, task % p->waves.wave,
        NAME(thin_group_of)(call, wave.group + g).coarse, &call->of_coarse,
        (REAL *)call->shared + task * p->tile_size);
    return call->scatters || finite;
}

/* Scatter or correlate: the lanes of some fine channels, in runs. */
static int NAME(stage_thin_lanes)(const convt_call *call, int64_t task, void *own)
{
    const convt_thin_plan *p = call->plan;
    convt_wave wave = convt_wave_of(&p->waves, p->g.groups, p->waves.wave, call->round);
    int64_t parts = convt_ceil_div(p->outputs, p->part), end = convt_least(task + convt_seat_of(own)->run, wave.groups * parts);
    for (int64_t last; task < end; task = last) {
        int64_t g = task / parts, first = task % parts * p->part;
        last = convt_least(convt_least((g + 1) * parts, end), task + p->parts);
        int64_t channels = convt_least((last - task) * p->part, p->outputs - first);
        NAME(thin_group) group = NAME(thin_group_of)(call, wave.group + g);
        const REAL *rows = (REAL *)call->shared + g * p->waves.wave * p->tile_size;
        if (call->scatters)
            NAME(thin_scatter)(
                p, first, channels, rows, group.kernel, &call->of_kernel, group.bias, group.fine, &call->of_fine, own);
        else
            NAME(thin_correlate)(
                p, first, channels, rows, group.fine, &call->of_fine, group.kernel, &call->of_kernel, own);
    }
    return 1;
}

/* Gather: the column of one position of the wave. */
static int NAME(stage_thin_columns)(const convt_call *call, int64_t task, void *own)
{
    const convt_thin_plan *p = call->plan;
    convt_wave wave = convt_wave_of(&p->waves, p->g.groups, p->positions, call->round);
    (void)own;
    if (task < wave.groups * wave.count)
        NAME(thin_column)(
            p, wave.first + task % wave.count, NAME(thin_group_of)(call, wave.group + task / wave.count).fine,
            &call->of_fine, (REAL *)call->shared + task * p->pitch);
    return 1;
}

/* Gather: some coarse channels at some positions of the wave, in runs. They are doubtful if a result is not finite. */
static int NAME(stage_thin_dots)(const convt_call *call, int64_t task, void *own)
{
    const convt_thin_plan *p = call->plan;
    convt_wave wave = convt_wave_of(&p->waves, p->g.groups, p->positions, call->round);
    int64_t runs = convt_ceil_div(p->waves.wave, p->run), parts = convt_ceil_div(p->inputs, p->channels);
    int64_t pieces = p->channels / NAME(dot_filters), all = wave.groups * parts * runs * pieces;
    int finite = 1;
    for (int64_t end = convt_least(task + convt_seat_of(own)->run, all), last; task < end; task = last) {
        int64_t index = task / pieces, position = index % runs * p->run, part = index / runs % parts, g = index / runs / parts;
        int64_t first = part * p->channels + task % pieces * NAME(dot_filters);
        last = convt_least((index + 1) * pieces, end);
        int64_t channels = convt_least((last - task) * NAME(dot_filters), p->inputs - first);
        if (channels <= 0 || position >= wave.count) continue;
        NAME(thin_group) group = NAME(thin_group_of)(call, wave.group + g);
        finite &= NAME(thin_gather)(
                p, call->replaces, first, channels, wave.first + position, convt_least(p->run, wave.count - position),
                (REAL *)call->shared + (g * wave.count + position) * p->pitch, group.kernel, &call->of_kernel, group.bias,
                group.coarse, &call->of_coarse, own);
    }
    return finite ? CONVT_DONE : CONVT_DOUBTFUL;
}

#endif
