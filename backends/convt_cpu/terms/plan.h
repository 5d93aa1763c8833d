/* The plans of terms, and the regions of taps. */
#ifndef CONVT_TERMS_PLAN_H
#define CONVT_TERMS_PLAN_H

#include <math.h>
#include <string.h>

#include "kernels/call.h"
#include "kernels/geometry.h"

enum { CONVT_TERMS_TAPS = 4096 }; /* of a task */

enum { CONVT_TERMS_OPEN = 1, CONVT_TERMS_PLUS = 2, CONVT_TERMS_MINUS = 4 }; /* a tap for NaN, for inf and for -inf */

typedef struct {
    convt_geometry g;
    int64_t correlates;
    int64_t axis, band, bands; /* of a task of scatter or gather: so many rows or planes of the result, of so many parts of it */
    int64_t signs; /* planes whose signs are known: all of the array that meets the other one's elements, or none */
} convt_terms_plan;

/* Where a tap meets fine elements: `count` coarse positions from `coarse` on, and the fine ones from `fine` on. `first` and `step` are
 * those of the array that is written. */
typedef struct {
    int64_t tap[3], coarse[3], fine[3], count[3], first[3], step[3];
    int64_t size; /* positions */
} convt_region;

/* The same for a band of the array that is written, from `from` to `end` along an axis; all of it with an axis of -1. */
static inline convt_region convt_region_of(
    const convt_geometry *g, int64_t tap, int scatters, int64_t cut, int64_t from, int64_t to)
{
    convt_region r = {.size = 1};
    for (int axis = 2; axis >= 0; axis--) {
        int64_t stride = g->stride[axis], at, end;
        r.tap[axis] = tap % g->kernel[axis];
        tap /= g->kernel[axis];
        at = r.tap[axis] * g->dilation[axis] - g->padding[axis];
        r.coarse[axis] = at < 0 ? convt_ceil_div(-at, stride) : 0;
        end = g->fine[axis] > at ? convt_least(g->coarse[axis], convt_ceil_div(g->fine[axis] - at, stride)) : 0;
        if (axis == cut) {
            int64_t low = !scatters ? from : from > at ? convt_ceil_div(from - at, stride) : 0;
            r.coarse[axis] = low > r.coarse[axis] ? low : r.coarse[axis];
            end = convt_least(end, !scatters ? to : to > at ? convt_ceil_div(to - at, stride) : 0);
        }
        r.count[axis] = end > r.coarse[axis] ? end - r.coarse[axis] : 0;
        r.fine[axis] = r.coarse[axis] * stride + at;
        r.first[axis] = scatters ? r.fine[axis] : r.coarse[axis];
        r.step[axis] = scatters ? stride : 1;
        r.size *= r.count[axis];
    }
    return r;
}

/* Whether all that one region writes another one does. */
static inline int convt_is_within(const convt_region *r, const convt_region *other)
{
    int within = other->size > 0;
    for (int axis = 0; axis < 3 && within; axis++) {
        int64_t before = r->first[axis] - other->first[axis];
        within = before >= 0 && before % r->step[axis] == 0 && before / r->step[axis] + r->count[axis] <= other->count[axis];
    }
    return within;
}

enum { CONVT_TERMS_FIND, CONVT_TERMS_SIGNS, CONVT_TERMS_FILTER, CONVT_TERMS_OF_TAPS };

/* By what it does and the size of an element. */
convt_stage convt_terms(int work, int64_t size);

#endif
