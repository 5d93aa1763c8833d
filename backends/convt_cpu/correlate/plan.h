/* The geometry of the correlate engine, of one group. correlate/_plan.pyx fills it.
 *
 * Along an axis, coarse position q and tap t meet at u = q * stride + t * dilation, the fine index u * step - padding; step
 * holds what stride and dilation had in common. The fine array is packed along u, padding included, its channels in
 * blocks of fine_block; taps that are neighbours in u are then neighbours in memory, and make one run of `run` taps:
 *
 *     u             0        1        2        3
 *     packed        f0 f1 f2 f0 f1 f2 f0 f1 f2 f0 f1 f2 ...        fine_block = 3
 *     q = 0         |------ run = 2 ---|
 *     q = 1, s = 2                     |------ run = 2 ---|
 *
 * A run's elements times all coarse channels of a position are one outer product; the sum of them over all positions, for
 * each of the runs of a kernel, is the result. */
#ifndef CONVT_CORRELATE_PLAN_H
#define CONVT_CORRELATE_PLAN_H

#include "kernels/call.h"

enum { CONVT_WRITTEN = 16 }; /* coarse channels that are written in one go */

typedef struct {
    int64_t batch, groups, coarse, fine; /* channels per group */
    int64_t coarse_size[3], fine_size[3], kernel[3];
    int64_t stride[3], dilation[3]; /* in packed positions */
    int64_t step[3], padding[3];    /* in fine elements */
    int64_t count[4];               /* images and coarse positions along the axes of a strip */
    int64_t strips[4];              /* how many strips there are, likewise */
    int64_t run;                    /* taps along the last axis that lie in one piece: all of them, or one */
    int64_t runs;                   /* so many in the kernel */
    int64_t fine_block;             /* fine channels that are packed together */
    int64_t coarse_pitch;           /* from one packed coarse position to the next, of one block of channels */
    int64_t fine_lanes;             /* whether a vector holds elements of a run, else coarse channels */
    int64_t unit, tile;             /* rows and vectors of a kernel */
    int64_t chunk;                  /* positions that are summed in one go */
    int64_t block_coarse;           /* coarse channels of a block of sums, which are packed together */
    int64_t block_runs;             /* runs of it */
    int64_t blocks;                 /* of fine channels */
    int64_t coarse_blocks, run_blocks;
    int64_t all_strips;             /* of a group */
    int64_t splits;                 /* apart: tasks that share the strips of a group, each with sums of its own */
    int64_t cuts;                   /* apart: tasks that share a split's blocks of fine channels */
    int64_t wave;                   /* together: blocks of fine channels that are packed in one round */
    int64_t pieces;                 /* together: tasks that pack a block */
    int64_t chunks;       /* apart: rounds of a split that takes long */
    int64_t round_groups;           /* groups of a round */
    int64_t of_coarse, of_fine, of_sums; /* elements: of packed blocks, of the sums of a block */
} convt_correlate_plan;

/* A block of the kernel. */
typedef struct {
    int64_t group;
    int64_t coarse, coarse_end; /* channels of the group */
    int64_t fine, fine_end;     /* one block of them */
    int64_t run, run_end;
} convt_correlate_block;

#endif
