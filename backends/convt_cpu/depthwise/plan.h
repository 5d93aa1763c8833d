/* The geometry of the depthwise engine as tables; ../depthwise/_plan.pyx fills them.
 *
 * As in the direct engine (direct/plan.h), both arrays are cut into planes, one for each phase of the fine array and one for
 * the coarse array, and an output plane at u meets, for each of its taps, one input plane at u + shift. The output planes are
 * cut into boxes. A box's input is packed with a halo, so that a tap is an offset into it:
 *
 *     packed   [input channel][input plane][z][y][x, halo included]   one plane's rows lie one behind the other
 *
 * A unit is the box of one image and one group; a task is some units. Strides and sizes are in walking order: z, y, x. */
#ifndef CONVT_DEPTHWISE_PLAN_H
#define CONVT_DEPTHWISE_PLAN_H

#include "kernels/call.h"

enum { CONVT_CHANNEL_TAPS = 512 }; /* of a filter, where lanes are channels */

typedef struct {
    int64_t batch, groups, inputs, outputs; /* channels of a group */
    int64_t in_size[3], out_size[3];
    int64_t in_stride[3], out_stride[3]; /* of planes: the problem's stride on the fine side, 1 on the coarse side */
    int64_t in_planes, out_planes;
    const int64_t *in_phase;  /* [in_planes][3] */
    const int64_t *first_tap; /* [out_planes + 1]: the taps of a plane are first_tap[plane] to first_tap[plane + 1] */
    const int64_t *taps;      /* [all taps][3]: positions inside the kernel, sorted by output plane */
    const int64_t *reach;     /* [all taps][3]: the input that a tap meets from an output plane's position 0 */
    const int64_t *offsets;   /* [all taps]: where they read in a packed channel */
    int64_t low[3];           /* the least shift: where the packed planes start, beside the box */
    int64_t count[3];         /* positions of a box */
    int64_t boxes[3];         /* how many there are */
    int64_t rows[3];          /* packed positions, with the halo; rows[2] is the pitch of a row */
    int64_t slide;            /* rows between two boxes of an image, where they share whole rows; else 0 */
    int64_t plane_size;       /* of a packed plane, with LANES elements of slack */
    int64_t channel_size;     /* of a packed channel: all its planes */
    int64_t chunk;            /* rows whose sums are computed before they are written, so that they stay in the L1 cache */
    int64_t chunk_size;       /* elements of one plane's sums of a chunk */
    int64_t units;            /* of a task */
    int64_t splits;           /* correlate: tasks that share one group, */
    int64_t chunks;           /* each in so many rounds; */
    int64_t round_groups;     /* and groups that are done in a round */
    int64_t channel_rows;     /* output rows of a task where lanes are channels; 0 where they cannot be */
} convt_depthwise_plan;

#endif
