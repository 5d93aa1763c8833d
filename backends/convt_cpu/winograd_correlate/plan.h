/* The geometry of Winograd's filter gradient; ../winograd_correlate/_plan.pyx fills it.
 *
 * Along an axis, the taps p + stride * j of the kernel meet phase p of the fine array: r = 2 or 3 of them, of which the last may
 * lie behind the kernel's end. What m = 5 - r coarse elements give to these r taps follows from a window of 4 fine elements:
 *
 *     coarse element  i of a tile:               begin + dilation * i                                 i < m
 *     fine element    e of phase p of it:        stride * (begin + dilation * e) + p - padding        e < 4
 *
 *     r = 2: kernels/transforms.h has the transforms, with the coarse elements in the place of the filter
 *     r = 3: G:  d0    d0 + d1    d0 - d1    d1             A:  w0 = p0 + (p1 + p2) / 2
 *            B as there                                         w1 =      (p1 - p2) / 2 + p4
 *                                                               w2 =      (p1 + p2) / 2 - p3
 *
 * All elements of a tile and of its window are in its sums, for all taps, so each of them must be met by each of these somewhere
 * near. Coarse elements of which that is not true are the *edge*. They have a tile each, which is not transformed: product 0,
 * 3 or, where r = 3, the additional product 4 are in the sum of one tap alone, and take what that tap meets.
 *
 *     coarse     0 1 2 3 4 5 6 7 8            r = 2; 0 with its first tap, and 8 with its second one, lie in the padding
 *     tiles      0                            edge: x0 d and x1 (-d) are products 0 and 3
 *                  1 2 3   5 6 7              inner; the last one is moved back where it would run into the edge,
 *                      . . 4                  and leaves out what others have summed
 *                                8            edge
 *
 * An axis with one tap has tiles of one element: m = 1, and its windows too. Where the kernel is dilated by d, both arrays are d
 * lattices that do not meet; their tiles take turns:
 *
 *     tile t of lattice l is number  d * t + l,  and begins at coarse element  d * (begin of t) + l
 *
 * Some tiles that are neighbours along the last two axes are a *unit*: they are packed in one go. A *strip* is some units that
 * follow one another. A *frequency* is one of the r + 2 products of an axis, or one of those of two: two axes at most have more
 * than one tap. What an inner tile or one of the edge has no product for is neither packed nor summed. In the packed arrays,
 * channels are neighbours; a *panel* of them is what a kernel takes.
 *
 *     V   [block of fine channels][frequency][phase][panel][tile of the strip][fine channel of the panel]
 *     G   [block of coarse channels][frequency][panel][tile of the strip][coarse channel of the panel]
 *     M   [block of coarse channels][block of fine channels][frequency][phase][coarse channel][fine channel] */
#ifndef CONVT_WINOGRAD_CORRELATE_PLAN_H
#define CONVT_WINOGRAD_CORRELATE_PLAN_H

#include "kernels/call.h"

enum {
    CONVT_UNIT_TILES = 64, /* tiles of a unit, at most */
    CONVT_STRIP_TILES = 8192, /* tiles of a strip, at most */
    CONVT_TRANSFORMED = 8  /* coarse channels that are written in one go */
};

typedef struct {
    int64_t channels;    /* of a group */
    int64_t block;       /* of them */
    int64_t panel;       /* of a block: rows or vectors of a kernel */
    int64_t width;       /* of a panel, in whole vectors: from tile to tile */
    int64_t pitch;       /* of all panels of a block */
    int64_t size[3];     /* of the array */
    int64_t first[3];    /* where tile 0 begins */
    int64_t stride[3];   /* elements of the array for each coarse one */
    int64_t elements[3]; /* of a tile or a window, in one phase */
    int64_t phases[3];
    int64_t span[2]; /* elements of a unit along the last two axes, at most */
} convt_winograd_side;

typedef struct {
    convt_winograd_side fine, coarse;
    int64_t batch, groups;
    int64_t kernel[3], dilation[3];
    int64_t taps[3];      /* r */
    int64_t points[3];    /* m */
    int64_t lines[3];     /* frequencies of an axis, r + 2; 1 where r = 1 */
    int64_t before[3];    /* of a lattice: coarse elements, and tiles, before the inner ones */
    int64_t inner[3];     /* tiles of m elements */
    int64_t behind[3];    /* the first coarse element behind them */
    int64_t units[3];     /* of an image */
    int64_t unit[2];      /* tiles of a unit along the last two axes */
    int64_t unit_tiles;   /* all of them */
    int64_t frequencies, phases;
    int64_t rows, tile;   /* rows and vectors of a kernel */
    int64_t chunk;        /* tiles that a kernel sums in one go */
    int64_t all_units;    /* of one group */
    int64_t strip_units, strips; /* of one group */
    int64_t fine_blocks, coarse_blocks;
    int64_t splits;       /* apart: tasks that share the strips of a group, each with sums of its own */
    int64_t cuts;         /* apart: tasks that share a split's blocks of fine channels */
    int64_t chunks;       /* apart: rounds of a split that takes long */
    int64_t round_groups; /* apart: groups of a round */
    int64_t of_fine, of_coarse, of_sums; /* elements: of a unit in one block of V, of G; of M of two blocks */
} convt_winograd_correlate_plan;

#endif
