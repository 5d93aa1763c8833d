/* The geometry of the Winograd engine. ../winograd/_plan.pyx fills it.
 *
 * Two axes, y and x. Along each the kernel counts as stride * taps long, zeros at its end, and the output is cut into tiles.
 * A tile is what one window of the input gives, in every phase of the strided side:
 *
 *     window   4 = taps + m - 1 elements of each input phase
 *     tile     m elements of each output phase
 *
 *     input element  e of phase p of tile t:    in_first  + in_stride  * (m * t + e) + p      e < 4
 *     output element e of phase p of tile t:    out_first + out_stride * (m * t + e) + p      e < m
 *
 * One of the two strides is 1. Where the kernel is dilated by d, both are, and each d-th element of the output meets each d-th
 * one of the input: that are d lattices, independent of each other, each with tiles of its own:
 *
 *     element e of tile t of lattice l:         first + d * (m * t + e) + l
 *
 * All tiles of a group are numbered, image by image, lattice by lattice, row by row, and cut into blocks. A frequency is one of
 * the 16 elements of a transformed window.
 *
 *     V   [block of tiles][block of channels][frequency][input channel][input phase][tile]
 *     U   [block of channels][unit][frequency][output phase][input channel][input phase][output channel of the unit]
 *     M   [unit][output phase][frequency][output channel of the unit][tile] */
#ifndef CONVT_WINOGRAD_PLAN_H
#define CONVT_WINOGRAD_PLAN_H

#include "kernels/call.h"

enum {
    CONVT_WINOGRAD_TILES = 96, /* tiles of a block, at most */
    CONVT_WINOGRAD_STRIDE = 2, /* stride along an axis, at most */
    CONVT_WINOGRAD_LISTS = 104 * 1024 /* bytes of what a task writes down */
};

typedef struct {
    int64_t batch, groups, inputs, outputs; /* channels per group */
    int64_t in_size[2], out_size[2], kernel[2];
    int64_t in_stride[2], out_stride[2];
    int64_t in_first[2], out_first[2];
    int64_t taps[2];             /* of one phase, 2 or 3 */
    int64_t results[2];          /* m: outputs of a tile in one phase, 5 - taps */
    int64_t lattices[2];         /* the dilation */
    int64_t tiles[2];            /* of a lattice of an image */
    int64_t flips;               /* 1: output element e of a tap meets the input element before it (scatter), 0: after it */
    int64_t in_phases, out_phases;
    int64_t block_tiles;         /* tiles of a block, a multiple of a kernel's vectors */
    int64_t pitch;               /* from channel to channel of V: block_tiles, padded against aliasing */
    int64_t block_channels;      /* input channels that are summed up before the sums are added to the total */
    int64_t tile;                /* vectors of tiles that a direct kernel takes */
    int64_t unit;                /* output channels of a direct kernel */
    int64_t pass;                /* units that are summed while a block of tiles is in the cache */
    int64_t v_size, u_size;      /* of one frequency of one block of channels; U with room for a vector that runs over */
    int64_t units, channel_blocks, blocks; /* of outputs, of inputs, of tiles, of one group */
    convt_waves waves;           /* of blocks that are packed in one round */
} convt_winograd_plan;

#endif
