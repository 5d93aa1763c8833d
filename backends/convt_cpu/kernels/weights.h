/* weights: the kernel in the order in which the direct kernels read it. A template as direct.h is.
 *
 *     packed[group][unit][output plane][input channel][tap][output channel of the unit] */

/* Packs one unit of one group. `in` and `out` are the kernel's strides along input and output channels, `group` from one
 * group's first filter to the next one's. Returns 1 if all weights are finite, else 0. */
static int NAME(pack_weights)(
    const convt_direct_plan *p, int64_t group_index, int64_t unit, const REAL *kernel, int64_t group, int64_t in, int64_t out,
    const int64_t *axis, REAL *packed)
{
    int64_t all_taps = p->first_tap[p->out_planes], first = unit * p->unit;
    int64_t rows = p->unit < p->outputs - first ? p->unit : p->outputs - first;
    REAL zero = 0;
    kernel += group_index * group + first * out;
    packed += p->inputs * all_taps * (group_index * p->outputs + first);
    for (int64_t plane = 0; plane < p->out_planes; plane++)
        for (int64_t c = 0; c < p->inputs; c++)
            for (int64_t t = p->first_tap[plane]; t < p->first_tap[plane + 1]; t++, packed += rows) {
                const int64_t *tap = p->taps + 3 * t;
                const REAL *from = kernel + c * in + tap[0] * axis[0] + tap[1] * axis[1] + tap[2] * axis[2];
                for (int64_t m = 0; m < rows; m++) {
                    packed[m] = from[m * out];
                    zero += packed[m] * 0; /* becomes NaN with the first that is not finite */
                }
            }
    return zero == 0;
}
