/* The geometry of the Winograd engine. ../winograd/_plan.pyx fills it.
 *
 * Two axes, y and x. Along each the kernel is stride * r long, and the output is a row of *places*: the element of place u in
 * each phase of the output follows from r elements of each phase of the input,
 *
 *     output element of place u:      out_first + out_stride * u + phase
 *     input element e of it:          in_first  + in_stride * (u + d * e) + phase           e < r, d the dilation
 *
 * one of the two strides being 1. Places whose input elements all lie inside the array are the *inside*, a rectangle, the
 * others the *frame* around it:
 *
 *     frame                           inside: tiles of two places in a row, which follow from a window of r + 1 elements by
 *     + - - - - - - - +               as many products (transforms.h). Of d lattices where the kernel is dilated:
 *     |   inside      |                   place i of tile t of lattice l:    low + l + d * (2 * t + i)       i < 2
 *     |               |
 *     + - - - - - - - +               frame: tiles of one place, as the definition has it, by r products. The transforms would
 *                                     let in taps that meet nothing there.
 *
 * Along an axis the places are *bands*, each of places that reach the same elements inside the array, and of which the same
 * phases lie inside the output. The frame is a rectangle for each two bands but those inside; of all its products only those
 * are computed that meet something, and of the output only the phases that are there:
 *
 *     4 taps, stride 2, padding 1     band     1   2 2 2   1      taps that meet something
 *                                     phases   1   2 2 2   1      of the output
 *
 * All tiles of the inside of a group are numbered, image by image, lattice by lattice, row by row, and cut into blocks; then
 * those of the frame, rectangle by rectangle, image by image. A *matrix* is a product of weights with some element of all
 * windows of a block: for the inside those are the frequencies, elements of a transformed window, and for the frame the taps.
 *
 *     V   [block of tiles][block of channels][matrix][input channel][input phase][tile]
 *     U   [block of channels][unit][matrix][output phase][input channel][input phase][output channel of the unit]
 *     M   [unit][output phase][matrix][output channel of the unit][tile]                           of a frame: one for all taps
 *
 * U has those of all frequencies, then those of the taps that are no frequency themselves: the first and the last tap of an
 * axis are its first and last frequency. */
#ifndef CONVT_WINOGRAD_PLAN_H
#define CONVT_WINOGRAD_PLAN_H

#include "kernels/call.h"

enum {
    CONVT_WINOGRAD_TILES = 96, /* tiles of a block, at most */
    CONVT_WINOGRAD_STRIDE = 2, /* stride along an axis, at most */
    CONVT_WINOGRAD_BANDS = 8, /* along an axis, at most */
    CONVT_WINOGRAD_LISTS = 104 * 1024 /* bytes of what a task writes down */
};

typedef struct {
    int64_t low, high;        /* its places */
    int64_t elements, phases; /* bit i: whether element i of the input, or phase i of the output, is inside the array */
} convt_winograd_band;

typedef struct {
    int64_t batch, groups, inputs, outputs; /* channels per group */
    int64_t in_size[2], out_size[2], kernel[2];
    int64_t in_stride[2], out_stride[2];
    int64_t in_first[2], out_first[2];
    int64_t taps[2];             /* r: of one phase, 2 or 3 */
    int64_t window[2];           /* r + 1 */
    int64_t places[2];           /* all */
    int64_t low[2], high[2];     /* those inside */
    int64_t lattices[2];         /* the dilation */
    int64_t tiles[2];            /* inside, of a lattice of an image */
    int64_t bands[2];            /* along each axis */
    convt_winograd_band band[2][CONVT_WINOGRAD_BANDS];
    int64_t frame;               /* places of an image's frame */
    int64_t frequencies;         /* of a window */
    int64_t matrices;            /* of U */
    int64_t tap_matrix[9];       /* which of them is a tap's; of reversed taps where the map flips */
    int64_t flips;               /* 1: output element e of a tap meets the input element before it (scatter), 0: after it */
    int64_t in_phases, out_phases;
    int64_t block_tiles;         /* tiles of a block, a multiple of a kernel's vectors */
    int64_t pitch;               /* from channel to channel of V: block_tiles, padded against aliasing */
    int64_t block_channels;      /* input channels that are summed up before the sums are added to the total */
    int64_t tile;                /* vectors of tiles that a direct kernel takes */
    int64_t unit;                /* output channels of a direct kernel */
    int64_t pass;                /* units that are summed while a block of tiles is in the cache */
    int64_t v_size, u_size;      /* of a matrix of one block of channels; U with room for a vector that runs over */
    int64_t units, channel_blocks; /* of outputs, of inputs */
    int64_t kept;                /* whether the schedule by outputs finds all of U packed, because filters are constant */
    int64_t inside_blocks, blocks; /* of tiles, of one group */
    convt_waves waves;           /* of blocks that are packed in one round */
} convt_winograd_plan;

#endif
