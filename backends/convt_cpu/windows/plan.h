/* The geometry of the windows engine; ../windows/_plan.pyx fills it. Axes as the engine walks them, missing ones in front. */
#ifndef CONVT_WINDOWS_PLAN_H
#define CONVT_WINDOWS_PLAN_H

#include "kernels/call.h"
#include "kernels/geometry.h"

enum { CONVT_FILTERS = 32 }; /* of a task, at most */

typedef struct {
    convt_geometry g;
    int64_t inputs, outputs; /* fine and coarse channels per group */
    int64_t count[3];       /* coarse positions of a box, along each axis */
    int64_t boxes[3];       /* of an image */
    int64_t rows[3];        /* packed fine elements along each axis; rows[2], the pitch of a row, is in whole vectors */
    int64_t part;           /* coarse channels that one core does at once */
    int64_t chunk;          /* fine channels that are packed at a time */
    int64_t vectors;        /* of a row of the kernel, the last one filled up with zeros */
    int64_t steps;          /* vectors of a filter of one fine channel */
    int64_t block;          /* steps whose weights and windows stay in the L1 cache */
    const int64_t *offsets; /* [chunk * steps]: where a vector of a window lies */
} convt_windows_plan;

#endif
