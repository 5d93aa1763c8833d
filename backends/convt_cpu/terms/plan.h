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
    int64_t axis, band, bands; /* of scatter and gather: a task has so many rows or planes of the result, one of its bands */
    int64_t signs; /* planes whose signs are known: all of the array that meets the other one's elements, or none */
} convt_terms_plan;

/* What of a result is written: along one axis from `from` to `to`; all of it with an axis of -1. */
typedef struct {
    int scatters;
    int axis;
    int64_t from, to;
} convt_band;

/* Where a tap meets fine elements: `count` coarse positions from `coarse` on, and the fine ones from `fine` on. `first` and
 * `step` are those of the array that is written. */
typedef struct {
    int64_t tap[3], coarse[3], fine[3], count[3], first[3], step[3];
} convt_region;

static inline int64_t convt_size_of(const convt_region *r) { return r->count[0] * r->count[1] * r->count[2]; }

/* Moves a region to another tap, along one axis. */
static inline void convt_move_region(const convt_geometry *g, const convt_band *band, int axis, int64_t tap, convt_region *r)
{
    int64_t stride = g->stride[axis], at = tap * g->dilation[axis] - g->padding[axis];
    int64_t first = at < 0 ? convt_ceil_div(-at, stride) : 0;
    int64_t end = g->fine[axis] > at ? convt_least(g->coarse[axis], convt_ceil_div(g->fine[axis] - at, stride)) : 0;
    if (axis == band->axis) {
        int64_t from = band->from, to = band->to;
        if (band->scatters) {
            from = from > at ? convt_ceil_div(from - at, stride) : 0;
            to = to > at ? convt_ceil_div(to - at, stride) : 0;
        }
        first = from > first ? from : first;
        end = convt_least(end, to);
    }
    r->tap[axis] = tap;
    r->coarse[axis] = first;
    r->count[axis] = end > first ? end - first : 0;
    r->fine[axis] = first * stride + at;
    r->first[axis] = band->scatters ? r->fine[axis] : first;
    r->step[axis] = band->scatters ? stride : 1;
}

/* The taps in turn, the first one after the last. */
static inline void convt_next_tap(const convt_geometry *g, int64_t tap[3])
{
    for (int axis = 2; axis >= 0 && ++tap[axis] == g->kernel[axis]; axis--) tap[axis] = 0;
}

static inline void convt_find_tap(const convt_geometry *g, int64_t index, int64_t tap[3])
{
    for (int axis = 2; axis >= 0; index /= g->kernel[axis--]) tap[axis] = index % g->kernel[axis];
}

/* Whether all that one region writes another one does. */
static inline int convt_is_within(const convt_region *r, const convt_region *other)
{
    int within = 1;
    for (int axis = 0; axis < 3 && within; axis++) {
        int64_t before = r->first[axis] - other->first[axis], step = r->step[axis];
        int64_t steps = step == 1 || before == 0 ? before : before / step;
        within = before >= 0 && steps * step == before && steps + r->count[axis] <= other->count[axis];
    }
    return within;
}

enum { CONVT_TERMS_FIND, CONVT_TERMS_SIGNS, CONVT_TERMS_FILTER, CONVT_TERMS_OF_TAPS };

/* By what it does and the size of an element. */
convt_stage convt_terms(int work, int64_t size);

#endif
