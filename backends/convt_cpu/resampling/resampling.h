/* Upsampling of rows: the geometry of one map, and the functions of one instruction set and element type. */
#ifndef CONVT_RESAMPLING_H
#define CONVT_RESAMPLING_H

#include <stdint.h>

enum { /* how the elements of a fine row are found in a coarse one */
    CONVT_COPY,    /* both rows are the same */
    CONVT_PERMUTE, /* each vector of a fine row within one vector of the coarse row */
    CONVT_INDEX,   /* by index, one by one */
    CONVT_BLOCKS   /* by index, `inner` of them at once */
};

/* Arrays are (outer, z, y, x, inner), contiguous. Columns are those of one block of each row, in elements. Tables of z and y are
 * for the rows of one block. */
typedef struct {
    int64_t outer, inner;
    int64_t width; /* of `inner` that is done at once */
    int64_t coarse[3], fine[3], scale[3];
    int64_t origin[2], box[2];       /* of interpolate and collect: the first z and y that are written, and how many */
    int64_t add;                     /* whether collect adds to what is there: a block before this one had the first rows or columns */
    const int64_t *low[2], *high[2]; /* for each fine z and y: its two coarse neighbours ... */
    const double *part[2];           /* ... and the part of the second; 0 where they are the same */
    const int64_t *start[2], *end[2]; /* for each coarse z and y: the fine ones that have a part of it ... */
    const double *weight[2];          /* ... and their weights, weight[axis][coarse * reach[axis] + fine - start] */
    int64_t reach[3];
    int64_t coarse_first, coarse_count, fine_first, fine_count; /* the block's columns */
    int64_t how, groups, plain; /* plain: all weights of columns are 1, in runs of scale[2] */
    const int64_t *at, *base;   /* of each vector of the fine row: where it is, and what it is permuted from */
    const void *first, *second; /* for each fine element its two neighbours; within the vector, or for CONVT_INDEX, which are
                                   int64_t, within the block; for CONVT_BLOCKS, int64_t too, each fine column's columns */
    const void *keep, *take;    /* ... and their weights */
    const int64_t *column_start, *column_count; /* for each coarse x: the fine columns that have a part of it ... */
    const void *column_weight;                  /* ... and their weights, reach[2] for each */
} convt_rows;

/* Does the rows first to last: fine ones of the box for interpolate, coarse ones for all others, for collect those of the box. */
typedef void (*convt_rows_function)(
    const convt_rows *, int64_t first, int64_t last, const void *from, void *to, void *scratch);

typedef struct {
    int64_t lanes, permutes;
    convt_rows_function interpolate, repeat, collect, nails, pick;
} convt_resampling;

/* By the index of the instruction set in kernels/isa.c and the size of an element. */
const convt_resampling *convt_resampling_of(int isa, int size);

#endif
