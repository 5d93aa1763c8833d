/* filter: what the kernel's elements that are not finite give to a result. See terms.h. */

/* to += weight * from in a region. Returns whether all of it is NaN. */
static int NAME(add_region)(
    const convt_region *r, REAL weight, const int64_t *in, const REAL *from, const int64_t *out, REAL *to)
{
    BITS numbers = 0;
    for (int64_t z = 0; z < r->count[0]; z++)
        for (int64_t y = 0; y < r->count[1]; y++) {
            const REAL *x = from + z * in[0] + y * in[1];
            REAL *row = to + z * out[0] + y * out[1];
            for (int64_t i = 0; in[2] == 1 && out[2] == 1 && i < r->count[2]; i++) {
                row[i] += weight * x[i];
                numbers |= row[i] == row[i];
            }
            for (int64_t i = 0; (in[2] != 1 || out[2] != 1) && i < r->count[2]; i++) {
                row[i * out[2]] += weight * x[i * in[2]];
                numbers |= row[i * out[2]] == row[i * out[2]];
            }
        }
    return !numbers;
}

/* The same for a weight that is NaN. */
static void NAME(spoil_region)(const convt_region *r, const int64_t *out, REAL *to)
{
    for (int64_t z = 0; z < r->count[0]; z++)
        for (int64_t y = 0; y < r->count[1]; y++) {
            REAL *row = to + z * out[0] + y * out[1];
            for (int64_t x = 0; out[2] == 1 && x < r->count[2]; x++) row[x] = (REAL)NAN;
            for (int64_t x = 0; out[2] != 1 && x < r->count[2]; x++) row[x * out[2]] = (REAL)NAN;
        }
}

/* What a weight meets: steps and first elements of both arrays. */
typedef struct {
    int64_t in[3], out[3], from, to;
} NAME(steps);

static NAME(steps) NAME(steps_of)(
    const convt_geometry *g, const convt_region *r, int scatters, const convt_strides *in, const convt_strides *out)
{
    NAME(steps) s = {.from = 0, .to = 0};
    for (int axis = 0; axis < 3; axis++) {
        s.in[axis] = (scatters ? 1 : g->stride[axis]) * in->axis[axis];
        s.out[axis] = r->step[axis] * out->axis[axis];
        s.from += (scatters ? r->coarse[axis] : r->fine[axis]) * in->axis[axis];
        s.to += r->first[axis] * out->axis[axis];
    }
    return s;
}

/* The weights of one tap, one of each input, that are not finite: from the first that is NaN on, or else the first of all.
 * `signs` are those of the inputs, or NULL. Returns whether all results of the region are NaN in the end. */
static int NAME(add_weights)(
    const convt_region *r, const NAME(steps) *s, int64_t c, int64_t inputs, const REAL *weights, int64_t of_input,
    const REAL *signs, const REAL *x, int64_t of_channel, REAL *y)
{
    int added[3] = {0}; /* whether -inf and inf have been, everywhere */
    for (; c < inputs; c++) {
        REAL weight = weights[c * of_input];
        if (weight != weight) {
            NAME(spoil_region)(r, s->out, y + s->to);
            return 1;
        }
        int sign = signs ? (int)signs[c] * (weight < 0 ? -1 : 1) : 0;
        if (weight * 0 == 0 || (sign && added[1 + sign])) continue;
        added[1 + sign] = 1;
        if (NAME(add_region)(r, weight, s->in, x + c * of_channel + s->from, s->out, y + s->to)) return 1;
    }
    return 0;
}

/* The first weight of a tap that is NaN, or else that is infinite; `inputs` if all are finite. */
static int64_t NAME(first_weight)(int64_t inputs, const REAL *weights, int64_t step)
{
    int64_t infinite = inputs;
    for (int64_t c = 0; c < inputs; c++) {
        REAL weight = weights[c * step];
        if (weight != weight) return c;
        if (infinite == inputs && weight * 0 != 0) infinite = c;
    }
    return infinite;
}

/* Whether one input's filter is finite. */
static int NAME(filter_is_finite)(const convt_geometry *g, const REAL *filter, const int64_t *axis)
{
    for (int64_t z = 0; z < g->kernel[0]; z++)
        for (int64_t y = 0; y < g->kernel[1]; y++)
            if (!NAME(row_is_finite)(g->kernel[2], axis[2], filter + z * axis[0] + y * axis[1])) return 0;
    return 1;
}

/* A band of one channel of the result of one image. */
static int NAME(filter)(const convt_call *call, int64_t task, void *own)
{
    const convt_terms_plan *p = call->plan;
    const convt_geometry *g = &p->g;
    int scatters = call->scatters != 0;
    int64_t inputs = scatters ? g->coarse_channels : g->fine_channels, first = task % p->bands * p->band;
    int64_t outputs = scatters ? g->fine_channels : g->coarse_channels, all = g->groups * outputs;
    int64_t image = task / p->bands / all, channel = task / p->bands % all, group = channel / outputs, tap[3];
    convt_band band = {scatters, (int)p->axis, first, first + p->band};
    const convt_strides *in = scatters ? &call->of_coarse : &call->of_fine,
    *out = scatters ? &call->of_fine : &call->of_coarse;
    const convt_strides *k = &call->of_kernel;
    const REAL *x = (const REAL *)(scatters ? call->coarse : call->fine) + image * in->outer + group * inputs * in->channel;
    REAL *y = (REAL *)(scatters ? call->fine : call->coarse) + image * out->outer + channel * out->channel;
    const REAL *filters = (const REAL *)call->kernel;
    filters += scatters ? group * inputs * k->outer + channel % outputs * k->channel : channel * k->outer;
    int64_t of_input = scatters ? k->outer : k->channel, low = 0, high = inputs, results = 1;
    const REAL *signs = p->signs ? (const REAL *)call->shared + (image * g->groups + group) * inputs : NULL;
    convt_region r = {.tap = {-1, -1, -1}}, spoilt = {{0}};
    (void)own;
    while (low < high && NAME(filter_is_finite)(g, filters + low * of_input, k->axis)) low++;
    while (high > low && NAME(filter_is_finite)(g, filters + (high - 1) * of_input, k->axis)) high--;
    for (int axis = 0; axis < 3; axis++) {
        int64_t size = scatters ? g->fine[axis] : g->coarse[axis];
        results *= axis == p->axis ? convt_least(p->band, size - first) : size;
    }
    convt_find_tap(g, g->taps / 2, tap); /* from the middle on: its region has most of the others' within */
    for (int64_t t = 0; low < high && t < g->taps && convt_size_of(&spoilt) < results; t++, convt_next_tap(g, tap)) {
        const REAL *weights = filters + low * of_input + tap[0] * k->axis[0] + tap[1] * k->axis[1] + tap[2] * k->axis[2];
        int64_t c = NAME(first_weight)(high - low, weights, of_input);
        if (c == high - low) continue;
        for (int axis = 0; axis < 3; axis++)
            if (r.tap[axis] != tap[axis]) convt_move_region(g, &band, axis, tap[axis], &r);
        if (convt_size_of(&r) == 0 || convt_is_within(&r, &spoilt)) continue;
        NAME(steps) s = NAME(steps_of)(g, &r, scatters, in, out);
        if (NAME(add_weights)(
                &r, &s, c, high - low, weights, of_input, signs ? signs + low : NULL, x + low * in->channel, in->channel,
                y) &&
            convt_size_of(&r) > convt_size_of(&spoilt))
            spoilt = r;
    }
    return CONVT_DONE;
}
