/* terms: those of what is not finite. See the module's docstring; a template for both element types, which terms.c includes.
 *
 *     find       whether an array is finite
 *     signs      whether all elements of a plane, of the array that meets that one, are positive, or all negative
 *     filter     filter.h, scatter, gather: adds to a band of the result what the kernel's elements that are not finite give
 *     taps       taps.h, correlate: adds to some taps of a coarse channel's filters what such elements of its own give
 *
 * A sum that is NaN stays NaN. So nothing is added to what is NaN already, and a NaN is not multiplied at all: where an
 * array is full of them, as after a training that has failed, one of many terms is looked at. Nor is an infinity added twice
 * where all that it meets has one sign. */

/* Whether elements so far apart are finite. */
static int NAME(row_is_finite)(int64_t count, int64_t step, const REAL *x)
{
    BITS bad = 0, bits;
    for (int64_t i = 0; step == 1 && i < count; i++) {
        memcpy(&bits, x + i, sizeof bits);
        bad |= (bits & EXPONENT) == EXPONENT;
    }
    for (int64_t i = 0; step != 1 && i < count; i++) bad |= x[i * step] * 0 != 0;
    return !bad;
}

/* One coarse channel of one image, or the filters of one. Returns CONVT_LEFT if it is not finite. */
static int NAME(find)(const convt_call *call, int64_t task, void *own)
{
    const convt_terms_plan *p = call->plan;
    const convt_strides *s = p->correlates ? &call->of_coarse : &call->of_kernel;
    const int64_t *size = p->correlates ? p->g.coarse : p->g.kernel, all = p->g.groups * p->g.coarse_channels;
    const REAL *x = p->correlates ? (const REAL *)call->coarse + task / all * s->outer + task % all * s->channel
                                  : (const REAL *)call->kernel + task * s->outer;
    (void)own;
    for (int64_t c = 0; c < (p->correlates ? 1 : p->g.fine_channels); c++)
        for (int64_t z = 0; z < size[0]; z++)
            for (int64_t y = 0; y < size[1]; y++)
                if (!NAME(row_is_finite)(
                        size[2], s->axis[2], x + c * s->channel + z * s->axis[0] + y * s->axis[1]))
                    return CONVT_LEFT;
    return CONVT_DONE;
}

/* The sign of all elements of one channel of one image; 0 if they have not the same. */
static int NAME(signs)(const convt_call *call, int64_t task, void *own)
{
    const convt_terms_plan *p = call->plan;
    const convt_strides *s = call->scatters ? &call->of_coarse : &call->of_fine;
    const int64_t *size = call->scatters ? p->g.coarse : p->g.fine;
    int64_t all = p->g.groups * (call->scatters ? p->g.coarse_channels : p->g.fine_channels);
    const REAL *x = (const REAL *)(call->scatters ? call->coarse : call->fine);
    int sign = 0;
    x += task / all * s->outer + task % all * s->channel;
    if (size[0] && size[1] && size[2]) sign = x[0] > 0 ? 1 : x[0] < 0 ? -1 : 0;
    (void)own;
    for (int64_t z = 0; z < size[0] && sign; z++)
        for (int64_t y = 0; y < size[1] && sign; y++) {
            const REAL *row = x + z * s->axis[0] + y * s->axis[1];
            BITS others = 0;
            for (int64_t i = 0; i < size[2]; i++) others |= !(row[i * s->axis[2]] * (REAL)sign > 0);
            if (others) sign = 0;
        }
    ((REAL *)call->shared)[task] = (REAL)sign;
    return CONVT_DONE;
}

#include "terms/filter.h"
#include "terms/taps.h"

#undef REAL
#undef BITS
#undef EXPONENT
#undef NAME
