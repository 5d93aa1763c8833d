/* taps: those of a filter, where they lie in a kernel array. A template as direct.h is. */

/* The taps of a filter of so many axes if they are neighbours in memory, in C order; else 0. */
static int64_t NAME(dense_taps)(int axes, const int64_t *kernel, const int64_t *stride)
{
    int64_t expected = 1;
    for (int axis = axes - 1; axis >= 0; expected *= kernel[axis--])
        if (kernel[axis] > 1 && stride[axis] != expected) return 0;
    return expected;
}

/* Writes some taps of some fine channels of one coarse channel, [fine channel][tap], to a kernel of that size, or adds them
 * to it. */
static void NAME(put_taps)(
    const int64_t *kernel_size, int64_t channels, int64_t first, int64_t count, const REAL *taps, int add, REAL *kernel,
    const convt_strides *strides)
{
    if (NAME(dense_taps)(3, kernel_size, strides->axis))
        for (int64_t f = 0; f < channels; f++, taps += count) {
            REAL *to = kernel + f * strides->channel + first;
            if (add)
                for (int64_t t = 0; t < count; t++) to[t] += taps[t];
            else
                for (int64_t t = 0; t < count; t++) to[t] = taps[t];
        }
    else
        for (int64_t t = 0; t < count; t++) {
            int64_t tap = first + t, x = tap % kernel_size[2], y = tap / kernel_size[2];
            REAL *to = kernel + x * strides->axis[2] + y % kernel_size[1] * strides->axis[1] +
                       y / kernel_size[1] * strides->axis[0];
            for (int64_t f = 0; f < channels; f++, to += strides->channel) *to = taps[f * count + t] + (add ? *to : 0);
        }
}
