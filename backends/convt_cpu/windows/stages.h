/* The stage of the windows engine. A template as direct.h is; windows.h does the work. */

#ifdef STAGE
STAGE(windows, boxes)
#else

#include "plan.h"
#include "windows.h"

/* Some coarse channels in boxes, in runs. If a result is not finite, something may have met the zeros around an array or
 * behind a filter, where the definition has no term at all: returns 0 if there are some behind filters, else it
 * is doubtful. */
static int NAME(stage_windows_boxes)(const convt_call *call, int64_t task, void *own)
{
    const convt_windows_plan *p = call->plan;
    int64_t parts = convt_ceil_div(p->outputs, p->part), boxes = p->g.batch * p->boxes[0] * p->boxes[1] * p->boxes[2];
    int64_t pieces = convt_ceil_div(p->part, NAME(dot_filters));
    int finite = 1;
    for (int64_t end = task + convt_seat_of(own)->run, last; task < end; task = last) {
        int64_t index = task / pieces, first = index % parts * p->part + task % pieces * NAME(dot_filters);
        last = convt_least((index + 1) * pieces, end);
        int64_t channels = convt_least((last - task) * NAME(dot_filters), p->outputs - first);
        if (channels > 0)
            finite &= NAME(windows)(
                p, call->replaces, index / parts / boxes, first, channels, index / parts % boxes, call->fine, &call->of_fine,
                call->kernel, &call->of_kernel, call->bias, call->coarse, &call->of_coarse, own);
        if (!finite && p->g.kernel[2] % LANES) return CONVT_LEFT;
    }
    return finite ? CONVT_DONE : CONVT_DOUBTFUL;
}

#endif
