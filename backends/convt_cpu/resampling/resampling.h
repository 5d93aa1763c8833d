/* Upsampling of rows: the geometry of one map, and the functions of one instruction set and element type. */
#ifndef CONVT_RESAMPLING_H
#define CONVT_RESAMPLING_H

#include <stdint.h>

enum { CONVT_INTERPOLATE, CONVT_REPEAT, CONVT_COLLECT, CONVT_NAILS, CONVT_PICK };

enum { /* how the elements of a fine row are found in a coarse one */
    CONVT_COPY,    /* both rows are the same */
    CONVT_PERMUTE, /* each vector of a fine row within one vector of the coarse row */
    CONVT_INDEX,   /* by index, one by one */
    CONVT_BLOCKS,  /* by index, `inner` of them at once */
    CONVT_FILL     /* each coarse element is repeated, more often than a block has columns */
};

/* The columns of one block of all rows, in elements, and their tables. Those are counted from the first elements on, so that
 * blocks of which one is the other moved by whole coarse elements share them. */
typedef struct {
    int64_t block; /* which one the tables were made for */
    int64_t coarse_first, coarse_count, fine_first, fine_count;
    int64_t how, groups;
    const int64_t *at, *base;   /* of each vector of the fine row: where it is, and what it is permuted from */
    const void *first, *second; /* for each fine element its two neighbours; within the vector, or for CONVT_INDEX, which are
                                   int64_t, within the block; for CONVT_BLOCKS, int64_t too, each fine column's columns */
    const void *keep, *take;    /* ... and their weights */
    int64_t add;                /* whether collect adds to what is there: a piece before this one had the first fine columns */
    int64_t reach;
    const int64_t *start, *count; /* for each coarse x: the fine columns that have a part of it ... */
    const void *weight;           /* ... and their weights, `reach` for each */
} convt_columns;

/* Arrays are (outer, z, y, x, inner), contiguous. A fine element j of an axis lies at (j * step + offset) / divisor of the
 * coarse ones, but not outside of them; for `plain` maps, at that rounded down. */
typedef struct {
    int64_t function, plain;
    int64_t outer, inner, width; /* width: of `inner` that is done at once */
    int64_t coarse[3], fine[3], scale[3];
    int64_t step[3], offset[3], divisor[3];
    int64_t rows, chunk;   /* the rows that are written, and those of a task */
    int64_t blocks, block; /* of the columns that are written, and how many columns each has */
    int64_t most;          /* fine columns at once */
    int64_t own;           /* bytes for the tables of a task, in front of its scratch memory, where none are kept */
    int64_t tables;        /* that are kept: of all blocks, or of the first, the second for all between, and the last; or none */
    convt_columns *columns;
} convt_rows;

typedef struct {
    int64_t lanes;
    /* The columns of a block, with tables in `memory` of p->own bytes. Of a block whose fine columns are too many, those of one
     * piece; returns whether there is another. */
    int (*find)(const convt_rows *p, int64_t block, int64_t piece, convt_columns *c, void *memory);
    /* The tables to be kept, vectors permuted where that can be: their bytes, and where there is memory, into that. */
    int64_t (*pack)(const convt_rows *p, convt_columns *c, void *memory);
    void (*run)(const convt_rows *p, int64_t task, const void *from, void *to, void *memory);
} convt_resampling;

/* By the index of the instruction set in kernels/isa.c and the size of an element. */
const convt_resampling *convt_resampling_of(int isa, int size);

#endif
