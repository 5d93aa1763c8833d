/* The geometry of the direct engine as tables, so that no kernel ever sees a stride or a padding. direct/_plan.pyx fills it.
 *
 * The engine reads an array (the input), writes another (the output), and cuts both into planes: all elements whose index
 * leaves the same remainder modulo a stride, the phase. One of the two strides is 1 along every axis:
 *
 *                   input             input planes          output           output planes
 *     scatter       coarse array      1                     fine array       one per phase
 *     gather        fine array        one per phase used    coarse array     1
 *
 * Within planes the map is a correlation of stride 1: an output plane at u meets, for each of its taps, one input plane at
 * u + shift. The output planes are cut into strips: a box of images and of positions along the three axes.
 *
 * A strip packs each input plane with a halo, so that a tap is an offset into it. Where the halo would be large beside the
 * strip (small images), a plane is packed once per shift along an axis instead, with no halo there:
 *
 *     with a halo     |. a b c .|                 taps read at offset 0, 1, 2
 *     per shift       |. a b| |a b c| |b c .|     taps read at offset 0 of three planes; no position is wasted
 */
#ifndef CONVT_DIRECT_PLAN_H
#define CONVT_DIRECT_PLAN_H

#include "kernels/call.h"

typedef struct { /* a tap of an output, where outputs are few: see columns.h */
    int64_t tap, output, in_plane, out_plane, shift;
} convt_column;

typedef struct {
    int64_t batch, groups, inputs, outputs; /* channels per group */
    int64_t in_size[3], out_size[3];
    int64_t in_stride[3], out_stride[3];
    int64_t in_planes, out_planes;
    const int64_t *in_phase;   /* [in_planes][3] */
    const int64_t *in_shift;   /* [in_planes][3]: where a packed plane starts, relative to the strip's positions */
    const int64_t *first_tap;  /* [out_planes + 1]: the taps of a plane are first_tap[plane] to first_tap[plane + 1] */
    const int64_t *taps;       /* [all taps][3]: positions inside the kernel, sorted by output plane */
    const int64_t *offsets;    /* [all taps]: where they read in a packed strip */
    int64_t even;              /* not 0: the taps of each plane lie so far apart, and channels as many times that */
    int64_t ahead;             /* how far ahead of a tap its successors are: what a kernel asks for before it needs it */
    int64_t count[4];          /* a strip's images and positions along the axes */
    int64_t strips[4];         /* how many strips there are, likewise */
    int64_t rows[3];           /* packed positions along the axes, with the halo if any; rows[2] is the pitch of a row */
    int64_t slices;            /* pieces of a strip without the rows of halo that follow them; 1 if those are computed, too */
    int64_t slice;             /* positions of one that are computed, a multiple of the vector length */
    int64_t slab;              /* rows of a strip that are packed at a time, where taps are columns; else 0 */
    int64_t sums_pitch[2];     /* of images, of slices along z: how far apart their sums are */
    int64_t positions;         /* of a plane's strip that are computed: of all slices */
    int64_t plane_size;        /* of a packed plane */
    int64_t channel_size;      /* of a packed channel: all its planes */
    int64_t span;              /* positions of a plane that lie in one piece; more than that lie in several, */
    int64_t span_size;         /* so far apart: without a halo, each tile of all channels can have a piece of its own */
    int64_t strip_size;        /* of all packed channels of a strip */
    int64_t block;             /* channels that are summed up before the sums are added to the total */
    int64_t kept;              /* whether the schedule by outputs finds all weights packed, because filters are constant */
    int64_t chunk;             /* channels whose weights are packed at a time by the schedule by outputs, whole blocks */
    int64_t tile;              /* vectors of positions that a kernel takes */
    int64_t unit;              /* output channels of a kernel */
    int64_t pass;              /* output channels that one reading of a strip serves, a multiple of the unit */
    int64_t units;             /* of all outputs; 1 where taps are columns */
    int64_t all_strips;        /* of a group */
    convt_waves waves;         /* of strips that are packed in one round */
    int64_t pieces;            /* in which a strip is packed by several tasks */
    int64_t column_units;      /* how often a kernel must run for all taps of all outputs as columns; 0 if they are not used */
    const int64_t *first_column; /* [column_units + 1] */
    const convt_column *column; /* those of a unit read the same input plane */
} convt_direct_plan;

#endif
