/* Where fine elements lie among coarse ones, in whole numbers, so that what meets an element meets it exactly. */
#ifndef CONVT_PLACES_H
#define CONVT_PLACES_H

#include "resampling/resampling.h"

__extension__ typedef __int128 convt_wide; /* of a product of two sizes */

/* Below this divisor, quotients of fewer than 2^15 are rounded down as doubles to the right whole number. */
#define CONVT_EXACT ((int64_t)1 << 38)

/* low + rest / divisor. Before it is clipped, it may lie outside of the coarse elements. */
typedef struct {
    int64_t low, rest;
} convt_place;

static inline convt_place convt_place_of(const convt_rows *p, int axis, int64_t j)
{
    const convt_wide at = (convt_wide)j * p->step[axis] + p->offset[axis];
    const int64_t divisor = p->divisor[axis];
    if (at < 0) return (convt_place){-1, (int64_t)at + divisor}; /* offsets are smaller than divisors */
    const int64_t low = at >> 62 ? (int64_t)(at / divisor) : (int64_t)at / divisor;
    return (convt_place){low, (int64_t)(at - (convt_wide)low * divisor)};
}

static inline convt_place convt_next_place(const convt_rows *p, int axis, convt_place a)
{
    a.rest += p->step[axis]; /* at most a divisor */
    if (a.rest >= p->divisor[axis]) a.rest -= p->divisor[axis], a.low++;
    return a;
}

static inline convt_place convt_clipped(const convt_rows *p, int axis, convt_place a)
{
    if (p->plain) a.rest = 0;
    if (a.low < 0) return (convt_place){0, 0};
    if (a.low >= p->coarse[axis] - 1) return (convt_place){p->coarse[axis] - 1, 0};
    return a;
}

/* The first of the fine elements that have a part of coarse element i. */
static inline int64_t convt_support(const convt_rows *p, int axis, int64_t i)
{
    if (p->plain) return i * p->scale[axis];
    if (i <= 0) return 0;
    return (int64_t)(((convt_wide)(i - 1) * p->divisor[axis] - p->offset[axis]) / p->step[axis]) + 1;
}

/* And the first behind them. */
static inline int64_t convt_support_end(const convt_rows *p, int axis, int64_t i)
{
    if (p->plain) return (i + 1) * p->scale[axis];
    if (i >= p->coarse[axis] - 1) return p->fine[axis];
    return (int64_t)(((convt_wide)(i + 1) * p->divisor[axis] - p->offset[axis] + p->step[axis] - 1) / p->step[axis]);
}

/* The part of coarse element i, one of the two neighbours, in the fine one at a place. */
static inline double convt_part(const convt_rows *p, int axis, convt_place at, int64_t i)
{
    const convt_place a = convt_clipped(p, axis, at);
    const double part = (double)a.rest / (double)p->divisor[axis];
    return a.low == i ? 1 - part : part;
}

#endif
