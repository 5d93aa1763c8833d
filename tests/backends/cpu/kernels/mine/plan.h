/* The geometry of the engine of CONTRIBUTING.md; _plan.pyx fills it. */
#ifndef CONVT_MINE_PLAN_H
#define CONVT_MINE_PLAN_H

#include "kernels/call.h"

typedef struct {
    int64_t groups, inputs, outputs; /* channels per group */
    int64_t size[3];                 /* of both arrays */
} convt_mine_plan;

#endif
