/* terms: those of what is not finite. See the module's docstring; a template for both element types, which terms.c includes.
 *
 *     find       whether an array is finite
 *     signs      whether all elements of a plane, of the array that meets that one, are positive, or all negative
 *     filter     scatter, gather: adds to a plane of the result what the kernel's elements that are not finite give
 *     taps       correlate: adds to some taps of a coarse channel's filters what such elements of its own give
 *
 * A sum that is NaN stays NaN. So nothing is added to what is NaN already, and a NaN is not multiplied at all: where an array is
 * full of them, as after a training that has failed, one of many terms is looked at. Nor is an infinity added twice where all that
 * it meets has one sign. */

/* Whether elements so far apart are finite. */
static int NAME(row_is_finite)(int64_t count, int64_t step, const REAL *x)
{
    BITS bad = 0, bits;
    for (int64_t i = 0; step == 1 && i < count; i++) {
        memcpy(&bits, x + i, sizeof bits);
        bad |= (bits & EXPONENT) == EXPONENT;
    }
    for (int64_t i = 0; step != 1 && i < count; i++) bad |= x[i * step] * 0 != 0;
    return !bad;
}

/* One coarse channel of one image, or the filters of one. Returns CONVT_LEFT if it is not finite. */
static int NAME(find)(const convt_call *call, int64_t task, void *own)
{
    const convt_terms_plan *p = call->plan;
    const convt_strides *s = p->correlates ? &call->of_coarse : &call->of_kernel;
    const int64_t *size = p->correlates ? p->g.coarse : p->g.kernel, all = p->g.groups * p->g.coarse_channels;
    const REAL *x = p->correlates ? (const REAL *)call->coarse + task / all * s->outer + task % all * s->channel
                                  : (const REAL *)call->kernel + task * s->outer;
    (void)own;
    for (int64_t c = 0; c < (p->correlates ? 1 : p->g.fine_channels); c++)
        for (int64_t z = 0; z < size[0]; z++)
            for (int64_t y = 0; y < size[1]; y++)
                if (!NAME(row_is_finite)(
                        size[2], s->axis[2], x + c * s->channel + z * s->axis[0] + y * s->axis[1]))
                    return CONVT_LEFT;
    return CONVT_DONE;
}

/* The sign of all elements of one channel of one image; 0 if they have not the same. */
static int NAME(signs)(const convt_call *call, int64_t task, void *own)
{
    const convt_terms_plan *p = call->plan;
    const convt_strides *s = call->scatters ? &call->of_coarse : &call->of_fine;
    const int64_t *size = call->scatters ? p->g.coarse : p->g.fine;
    int64_t all = p->g.groups * (call->scatters ? p->g.coarse_channels : p->g.fine_channels);
    const REAL *x = (const REAL *)(call->scatters ? call->coarse : call->fine) + task / all * s->outer + task % all * s->channel;
    int sign = x[0] > 0 ? 1 : x[0] < 0 ? -1 : 0;
    (void)own;
    for (int64_t z = 0; z < size[0] && sign; z++)
        for (int64_t y = 0; y < size[1] && sign; y++) {
            const REAL *row = x + z * s->axis[0] + y * s->axis[1];
            BITS others = 0;
            for (int64_t i = 0; i < size[2]; i++) others |= !(row[i * s->axis[2]] * (REAL)sign > 0);
            if (others) sign = 0;
        }
    ((REAL *)call->shared)[task] = (REAL)sign;
    return CONVT_DONE;
}

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

/* What the weights of one tap say: the first that is NaN, or else the first that is infinite, from input `c` on; `inputs` if none. */
static int64_t NAME(next_weight)(int64_t c, int64_t inputs, const REAL *weights, int64_t step)
{
    int64_t infinite = inputs;
    for (; c < inputs; c++) {
        REAL weight = weights[c * step];
        if (weight != weight) return c;
        if (infinite == inputs && weight * 0 != 0) infinite = c;
    }
    return infinite;
}

/* A band of one channel of the result of one image. */
static int NAME(filter)(const convt_call *call, int64_t task, void *own)
{
    const convt_terms_plan *p = call->plan;
    const convt_geometry *g = &p->g;
    int scatters = call->scatters != 0;
    int64_t first = task % p->bands * p->band;
    task /= p->bands;
    int64_t inputs = scatters ? g->coarse_channels : g->fine_channels, outputs = scatters ? g->fine_channels : g->coarse_channels;
    int64_t image = task / (g->groups * outputs), channel = task % (g->groups * outputs), group = channel / outputs;
    const convt_strides *in = scatters ? &call->of_coarse : &call->of_fine, *out = scatters ? &call->of_fine : &call->of_coarse;
    const convt_strides *k = &call->of_kernel;
    const REAL *x = (const REAL *)(scatters ? call->coarse : call->fine) + image * in->outer + group * inputs * in->channel;
    REAL *y = (REAL *)(scatters ? call->fine : call->coarse) + image * out->outer + channel * out->channel;
    int64_t of_input = scatters ? k->outer : k->channel;
    const REAL *filters = (const REAL *)call->kernel +
                          (scatters ? group * inputs * k->outer + channel % outputs * k->channel : channel * k->outer);
    const REAL *signs = (const REAL *)call->shared + (image * g->groups + group) * inputs;
    convt_region spoilt = {{0}};
    (void)own;
    for (int64_t t = 0; t < g->taps; t++) { /* from the middle on: its region has most of the others' within */
        convt_region r = convt_region_of(g, (g->taps / 2 + t) % g->taps, scatters, p->axis, first, first + p->band);
        const REAL *weights = filters + r.tap[0] * k->axis[0] + r.tap[1] * k->axis[1] + r.tap[2] * k->axis[2];
        int64_t c = NAME(next_weight)(0, inputs, weights, of_input), steps_in[3], steps_out[3];
        if (c == inputs || r.size == 0 || convt_is_within(&r, &spoilt)) continue;
        const REAL *from = x;
        REAL *to = y;
        for (int axis = 0; axis < 3; axis++) {
            steps_in[axis] = (scatters ? 1 : g->stride[axis]) * in->axis[axis];
            steps_out[axis] = r.step[axis] * out->axis[axis];
            from += (scatters ? r.coarse[axis] : r.fine[axis]) * in->axis[axis];
            to += (scatters ? r.fine[axis] : r.coarse[axis]) * out->axis[axis];
        }
        int spoils = 0, added[3] = {0}; /* whether -inf and inf have been, everywhere */
        for (; c < inputs && !spoils; c = NAME(next_weight)(c + 1, inputs, weights, of_input)) {
            REAL weight = weights[c * of_input];
            int sign = weight == weight && p->signs ? (int)signs[c] * (weight < 0 ? -1 : 1) : 0;
            if (sign && added[1 + sign]) continue;
            added[1 + sign] = 1;
            spoils = weight != weight || NAME(add_region)(&r, weight, steps_in, from + c * in->channel, steps_out, to);
            if (weight != weight) NAME(spoil_region)(&r, steps_out, to);
        }
        if (spoils && r.size > spoilt.size) spoilt = r;
    }
    return CONVT_DONE;
}

/* Adds what one coarse element gives to the filters' elements of one tap, so many fine channels. Returns whether all are NaN. */
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

/* What one coarse element of an image gives to the taps that are open, whose bit in `open` is set. Its infinity closes a tap for
 * all of its sign where the image's fine channels have `uniform` signs. Returns how many become NaN, and closed for all. */
static int64_t NAME(add_element)(
    const convt_call *call, int64_t first, int64_t count, const int64_t at[3], REAL element, int uniform, const REAL *fine,
    REAL *kernel, char *open)
{
    char bit = element != element ? CONVT_TERMS_OPEN : element < 0 ? CONVT_TERMS_MINUS : CONVT_TERMS_PLUS;
    const convt_terms_plan *p = call->plan;
    const convt_geometry *g = &p->g;
    const int64_t *of_fine = call->of_fine.axis, *of_kernel = call->of_kernel.axis;
    int64_t closed = 0, tap[3] = {first / g->kernel[2] / g->kernel[1], first / g->kernel[2] % g->kernel[1], first % g->kernel[2]};
    for (int64_t t = 0; t < count; t++) {
        int64_t f[3], inside = open[t] & bit;
        for (int axis = 0; axis < 3; axis++) {
            f[axis] = at[axis] * g->stride[axis] + tap[axis] * g->dilation[axis] - g->padding[axis];
            inside = inside && f[axis] >= 0 && f[axis] < g->fine[axis];
        }
        if (inside && NAME(add_tap)(
                g->fine_channels, element, fine + f[0] * of_fine[0] + f[1] * of_fine[1] + f[2] * of_fine[2],
                call->of_fine.channel, kernel + tap[0] * of_kernel[0] + tap[1] * of_kernel[1] + tap[2] * of_kernel[2],
                call->of_kernel.channel)) {
            open[t] = 0;
            closed++;
        } else if (inside && uniform)
            open[t] &= (char)~bit;
        for (int axis = 2; axis >= 0 && ++tap[axis] == g->kernel[axis] && axis > 0; axis--) tap[axis] = 0;
    }
    return closed;
}

/* Closes the taps that meet no fine element at all. Returns how many. */
static int64_t NAME(close_idle)(const convt_geometry *g, int64_t first, int64_t count, char *open)
{
    int64_t closed = 0;
    for (int64_t t = 0; t < count; t++)
        if (open[t] && convt_region_of(g, first + t, 0, -1, 0, 0).size == 0) {
            open[t] = 0;
            closed++;
        }
    return closed;
}

/* Some taps of one coarse channel's filters. */
static int NAME(taps)(const convt_call *call, int64_t task, void *own)
{
    const convt_terms_plan *p = call->plan;
    const convt_geometry *g = &p->g;
    const convt_strides *s = &call->of_coarse;
    int64_t chunks = convt_ceil_div(g->taps, CONVT_TERMS_TAPS), channel = task / chunks, first = task % chunks * CONVT_TERMS_TAPS;
    int64_t count = convt_least(CONVT_TERMS_TAPS, g->taps - first), left = count, at[3];
    int closed_idle = 0;
    char *open = own;
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
                        call, first, count, at, element, uniform, fine, (REAL *)call->kernel + channel * call->of_kernel.outer, open);
                    if (left == 0) return CONVT_DONE;
                }
                if (!closed_idle) left -= NAME(close_idle)(g, first, count, open); /* now few are open where many are NaN */
                closed_idle = 1;
                if (left == 0) return CONVT_DONE;
            }
    }
    return CONVT_DONE;
}

#undef REAL
#undef BITS
#undef EXPONENT
#undef NAME
