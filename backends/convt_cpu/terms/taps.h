/* taps: what the coarse elements that are not finite give to the taps of their channel's filters. See terms.h. */

/* Adds what one coarse element gives to the filters' elements of one tap, so many fine channels. Returns whether all are
 * NaN. */
static int NAME(add_tap)(
    int64_t channels, REAL element, const REAL *fine, int64_t of_fine, REAL *kernel, int64_t of_kernel)
{
    int numbers = 0;
    for (int64_t c = 0; c < channels; c++) {
        REAL sum = element == element ? kernel[c * of_kernel] + element * fine[c * of_fine] : element;
        kernel[c * of_kernel] = sum;
        numbers |= sum == sum;
    }
    return !numbers;
}

/* Some of the taps that an element's filters have. */
typedef struct {
    int64_t first, count;
    char *open; /* of each tap: for which elements, by CONVT_TERMS_OPEN and so on */
} NAME(some_taps);

/* What one coarse element of an image gives to the taps that are open for it. Where the image's fine channels have `uniform`
 * signs, its infinity closes a tap for all of its sign. Returns how many become NaN, and closed for all. */
static int64_t NAME(add_element)(
    const convt_call *call, const NAME(some_taps) *taps, const int64_t at[3], REAL element, int uniform, const REAL *fine,
    REAL *kernel)
{
    char bit = element != element ? CONVT_TERMS_OPEN : element < 0 ? CONVT_TERMS_MINUS : CONVT_TERMS_PLUS;
    const convt_terms_plan *p = call->plan;
    const convt_geometry *g = &p->g;
    const convt_strides *k = &call->of_kernel;
    int64_t closed = 0, f[3], tap[3], inside = 1, fresh = 1;
    convt_find_tap(g, taps->first, tap);
    for (int64_t t = 0; t < taps->count; t++, fresh = tap[2] == 0) {
        for (int axis = fresh ? 0 : 2; axis < 3; axis++)
            f[axis] = at[axis] * g->stride[axis] + tap[axis] * g->dilation[axis] - g->padding[axis];
        if (fresh) inside = f[0] >= 0 && f[0] < g->fine[0] && f[1] >= 0 && f[1] < g->fine[1];
        if (inside && (taps->open[t] & bit) && f[2] >= 0 && f[2] < g->fine[2]) {
            const REAL *from = fine;
            REAL *to = kernel;
            for (int axis = 0; axis < 3; axis++) {
                from += f[axis] * call->of_fine.axis[axis];
                to += tap[axis] * k->axis[axis];
            }
            if (NAME(add_tap)(g->fine_channels, element, from, call->of_fine.channel, to, k->channel)) {
                taps->open[t] = 0;
                closed++;
            } else if (uniform)
                taps->open[t] &= (char)~bit;
        }
        convt_next_tap(g, tap);
    }
    return closed;
}

/* Closes the taps that meet no fine element at all. Returns how many. */
static int64_t NAME(close_idle)(const convt_geometry *g, const NAME(some_taps) *taps)
{
    convt_region r = {.tap = {-1, -1, -1}};
    convt_band all = {.axis = -1};
    int64_t closed = 0, tap[3];
    convt_find_tap(g, taps->first, tap);
    for (int64_t t = 0; t < taps->count; t++, convt_next_tap(g, tap)) {
        for (int axis = 0; axis < 3 && taps->open[t]; axis++)
            if (r.tap[axis] != tap[axis]) convt_move_region(g, &all, axis, tap[axis], &r);
        if (taps->open[t] && convt_size_of(&r) == 0) {
            taps->open[t] = 0;
            closed++;
        }
    }
    return closed;
}

/* Some taps of one coarse channel's filters. */
static int NAME(taps)(const convt_call *call, int64_t task, void *own)
{
    const convt_terms_plan *p = call->plan;
    const convt_geometry *g = &p->g;
    const convt_strides *s = &call->of_coarse;
    int64_t chunks = convt_ceil_div(g->taps, CONVT_TERMS_TAPS), channel = task / chunks,
    first = task % chunks * CONVT_TERMS_TAPS;
    int64_t count = convt_least(CONVT_TERMS_TAPS, g->taps - first), left = count, at[3];
    NAME(some_taps) taps = {first, count, own};
    char *open = own;
    int closed_idle = 0;
    memset(open, 1, count);
    for (int64_t image = 0; image < g->batch; image++) {
        const REAL *coarse = (const REAL *)call->coarse + image * s->outer + channel * s->channel;
        const REAL *fine = (const REAL *)call->fine + image * call->of_fine.outer +
                           channel / g->coarse_channels * g->fine_channels * call->of_fine.channel;
        const REAL *signs = (const REAL *)call->shared + (image * g->groups + channel / g->coarse_channels) * g->fine_channels;
        int uniform = p->signs > 0;
        for (int64_t c = 0; c < g->fine_channels && uniform; c++) uniform = signs[c] != 0;
        for (int64_t t = 0; t < count; t++) open[t] = open[t] ? CONVT_TERMS_OPEN | CONVT_TERMS_PLUS | CONVT_TERMS_MINUS : 0;
        for (at[0] = 0; at[0] < g->coarse[0]; at[0]++)
            for (at[1] = 0; at[1] < g->coarse[1]; at[1]++) {
                const REAL *row = coarse + at[0] * s->axis[0] + at[1] * s->axis[1];
                if (NAME(row_is_finite)(g->coarse[2], s->axis[2], row)) continue;
                for (at[2] = 0; at[2] < g->coarse[2]; at[2]++) {
                    REAL element = row[at[2] * s->axis[2]];
                    if (element * 0 == 0) continue;
                    left -= NAME(add_element)(
                        call, &taps, at, element, uniform, fine, (REAL *)call->kernel + channel * call->of_kernel.outer);
                    if (left == 0) return CONVT_DONE;
                }
                if (!closed_idle) left -= NAME(close_idle)(g, &taps); /* now few are open where many are NaN */
                closed_idle = 1;
                if (left == 0) return CONVT_DONE;
            }
    }
    return CONVT_DONE;
}
