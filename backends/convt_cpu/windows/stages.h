/* The stage of the windows engine. A template as direct.h is; windows.h does the work. */

#ifdef STAGE
STAGE(windows, boxes)
#else

#include "plan.h"
#include "windows.h"

/* Some coarse channels in one box. Returns 0 if a result is not finite: something may have met the zeros around an array or
 * behind a filter, where the definition has no term at all. */
static int NAME(stage_windows_boxes)(const convt_call *call, int64_t task, void *own)
{
    const convt_windows_plan *p = call->plan;
    int64_t parts = convt_ceil_div(p->outputs, p->part), boxes = p->g.batch * p->boxes[0] * p->boxes[1] * p->boxes[2];
    return NAME(windows)(
        p, task / parts / boxes, task % parts, task / parts % boxes, call->fine, &call->of_fine, call->kernel,
        &call->of_kernel, call->bias, call->coarse, &call->of_coarse, own);
}

#endif
