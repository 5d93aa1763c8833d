/* The geometry of the cells engine; ../cells/_plan.pyx fills it. Axes as the engine walks them, missing ones in front.
 *
 * The fine array, with what padding crops off, is cut into cells of stride[0] x stride[1] x stride[2] elements. Each of a
 * coarse element's taps lies in one of taps[0] x taps[1] x taps[2] cells, the first of which is its own:
 *
 *     coarse      a               b               c                         stride 4, 8 taps in 2 cells
 *     cells       |0 1 2 3        |4 5 6 7        |
 *                                 |0 1 2 3        |4 5 6 7        |
 *     fine                        | all of a's second cell, b's first |     a position of a cell is a lane */
#ifndef CONVT_CELLS_PLAN_H
#define CONVT_CELLS_PLAN_H

#include "kernels/call.h"
#include "kernels/geometry.h"

enum {
    CONVT_MAX_PANELS = 32,    /* of a task */
    CONVT_CELLS_CHANNELS = 16 /* whose weights stay in the L1 cache while all cells' are packed */
};

typedef struct {
    convt_geometry g;
    int64_t inputs, outputs; /* channels per group */
    int64_t taps[3];   /* cells that a filter reaches into, */
    int64_t full;      /* and whether it fills them: else lanes without a tap have zeros for weights */
    int64_t first[3];  /* the first cell that has an element in the fine array; the cell at -padding is number 0 */
    int64_t cells[3];  /* and how many there are from there on */
    int64_t positions; /* cells of all images */
    int64_t lanes;     /* elements of a cell in all outputs of a group */
    int64_t unit;      /* positions of a kernel */
    int64_t width;     /* lanes of a kernel, a multiple of the vector length */
    int64_t block;     /* inputs that are summed up before the sums are added to the total */
    int64_t panels;    /* of `width` lanes that are done at once, at most */
    int64_t tiles;     /* of `unit` positions, in a part */
    convt_waves waves; /* of tiles that are packed in one round; */
    int64_t parts;     /* in which the tiles of a wave are cut: one core does all tiles of a part at some panels */
    int64_t pieces;    /* in which a part's tiles are cut again, for many cores */
    int64_t tile_size; /* of a packed tile, in elements */
} convt_cells_plan;

#endif
