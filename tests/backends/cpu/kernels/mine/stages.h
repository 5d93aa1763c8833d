/* The stage of the engine of CONTRIBUTING.md. A template as direct.h is. */

#ifdef STAGE
STAGE(mine, rows)
#else

#include "plan.h"

/* One image of a group: every output, row by row. */
static int NAME(stage_mine_rows)(const convt_call *call, int64_t task, void *own)
{
    const convt_mine_plan *p = call->plan; /* no other task of the stage touches what this one writes */
    const convt_strides *in = &call->of_fine, *out = &call->of_coarse, *k = &call->of_kernel;
    int64_t image = task / p->groups, group = task % p->groups;
    const REAL *from = (const REAL *)call->fine + image * in->outer + group * p->inputs * in->channel;
    REAL *sums = own;
    for (int64_t m = 0; m < p->outputs; m++) {
        int64_t output = group * p->outputs + m;
        const REAL *filter = (const REAL *)call->kernel + output * k->outer;
        REAL *to = (REAL *)call->coarse + image * out->outer + output * out->channel;
        for (int64_t z = 0; z < p->size[0]; z++)
            for (int64_t y = 0; y < p->size[1]; y++) {
                for (int64_t x = 0; x < p->size[2]; x++) sums[x] = call->bias ? ((const REAL *)call->bias)[output] : 0;
                for (int64_t c = 0; c < p->inputs; c++)
                    for (int64_t x = 0; x < p->size[2]; x++)
                        sums[x] += filter[c * k->channel] *
                                   from[c * in->channel + z * in->axis[0] + y * in->axis[1] + x * in->axis[2]];
                for (int64_t x = 0; x < p->size[2]; x++)
                    to[z * out->axis[0] + y * out->axis[1] + x * out->axis[2]] = sums[x];
            }
    }
    return 1;
}

#endif
