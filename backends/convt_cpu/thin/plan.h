/* The geometry of the thin engine; ../thin/_plan.pyx fills it. Axes as the engine walks them, missing ones in front. */
#ifndef CONVT_THIN_PLAN_H
#define CONVT_THIN_PLAN_H

#include "kernels/call.h"
#include "kernels/geometry.h"

typedef struct {
    convt_geometry g;
    int64_t inputs, outputs; /* coarse and fine channels per group */
    int64_t positions; /* coarse ones of all images */
    int64_t part;      /* fine channels of a task of scatter and correlate, ... */
    int64_t parts;     /* ... which does so many of them at once, at most */
    int64_t pitch;     /* elements between the columns of two positions, whole vectors, at least all lanes of a task */
    int64_t unit;      /* rows of a direct kernel: positions, or channels for correlate */
    int64_t width;     /* lanes of a direct kernel */
    int64_t block;     /* scatter: channels that are read before the next lanes; gather: lanes before the next channels */
    int64_t channels;  /* coarse ones that one core does at once in gather, whole kernels of them */
    int64_t run;       /* positions of a task of gather */
    convt_waves waves; /* of positions whose columns are packed together, for gather; else of all packed tiles */
    int64_t tile_size; /* of a packed tile of rows, in elements */
} convt_thin_plan;

#endif
