/* depthwise, one channel per group, channels densest in memory (NHWC): lanes are channels. A template as direct.h is.
 *
 * Nothing is packed but the filters, [tap][group]. There is no halo: taps that meet no input are left out, so that values
 * that are not finite reach what they should. */

/* y[g] = bias[g] + the sum over taps t of w[t][g] * x[t][g], for NV vectors from g on. */
static inline __attribute__((always_inline)) void NAME(channel_vectors)(
    const int NV, int64_t g, int64_t taps, const REAL *const *w, const REAL *const *x, const REAL *bias, REAL *y)
{
    typedef NAME(vector) vector;
    vector sum[4];
CONVT_UNROLL(4)
    for (int v = 0; v < NV; v++) sum[v] = bias ? *(const vector *)(bias + g + v * LANES) : (vector){0};
    for (int64_t t = 0; t < taps; t++)
CONVT_UNROLL(4)
        for (int v = 0; v < NV; v++)
            sum[v] += *(const vector *)(w[t] + g + v * LANES) * *(const vector *)(x[t] + g + v * LANES);
CONVT_UNROLL(4)
    for (int v = 0; v < NV; v++) *(vector *)(y + g + v * LANES) = sum[v];
}

/* One position of the output, all channels, at least LANES. The last vector overlaps the one before it. */
static void NAME(channel_sums)(
    int64_t groups, int64_t taps, const REAL *const *w, const REAL *const *x, const REAL *bias, REAL *y)
{
    int64_t g = 0;
    for (; g + 4 * LANES <= groups; g += 4 * LANES) NAME(channel_vectors)(4, g, taps, w, x, bias, y);
    for (; g < groups; g += LANES)
        NAME(channel_vectors)(1, g + LANES <= groups ? g : groups - LANES, taps, w, x, bias, y);
}

/* The rows `first` to `last` of the output, counted over images, z and y. */
static void NAME(depthwise_channels)(
    const convt_depthwise_plan *p, int64_t first, int64_t last, const REAL *input, const convt_strides *in,
    const REAL *weights, const REAL *bias, REAL *output, const convt_strides *out)
{
    const int64_t *ways = p->out_stride, *stride = p->in_stride;
    const REAL *w[CONVT_CHANNEL_TAPS], *x[CONVT_CHANNEL_TAPS];
    for (int64_t row = first; row < last; row++) {
        int64_t at_y = row % p->out_size[1], at_z = row / p->out_size[1] % p->out_size[0];
        int64_t image = row / p->out_size[1] / p->out_size[0];
        int64_t plane_of_row = (at_z % ways[0] * ways[1] + at_y % ways[1]) * ways[2];
        int64_t from_z = at_z / ways[0] * stride[0], from_y = at_y / ways[1] * stride[1];
        const REAL *from = input + image * in->outer;
        REAL *to = output + image * out->outer + at_z * out->axis[0] + at_y * out->axis[1];
        for (int64_t at_x = 0; at_x < p->out_size[2]; at_x++) {
            const int64_t *plane = p->first_tap + plane_of_row + at_x % ways[2];
            int64_t from_x = at_x / ways[2] * stride[2], taps = 0;
            for (int64_t t = plane[0]; t < plane[1]; t++) {
                const int64_t *reach = p->reach + 3 * t;
                int64_t z = from_z + reach[0], y = from_y + reach[1], along = from_x + reach[2];
                if (z < 0 || z >= p->in_size[0] || y < 0 || y >= p->in_size[1]) continue;
                if (along < 0 || along >= p->in_size[2]) continue;
                x[taps] = from + z * in->axis[0] + y * in->axis[1] + along * in->axis[2];
                w[taps++] = weights + t * p->groups;
            }
            NAME(channel_sums)(p->groups, taps, w, x, bias, to + at_x * out->axis[2]);
        }
    }
}
