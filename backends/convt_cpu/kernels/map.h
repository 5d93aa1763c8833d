/* map: a call of scatter or gather, seen from the input to the output. A template as direct.h is. */

typedef struct {
    const REAL *input, *kernel, *bias;
    REAL *output;
    const convt_strides *in, *out;
    int64_t k_group, k_in, k_out; /* the kernel's strides: from group to group, along channels of in- and output, */
    const int64_t *k_axis;        /* and along taps */
} NAME(map);

/* Of groups of so many channels. */
static inline NAME(map) NAME(map_of)(const convt_call *call, int64_t inputs, int64_t outputs)
{
    const convt_strides *k = &call->of_kernel;
    return call->scatters ? (NAME(map)){call->coarse, call->kernel, call->bias, call->fine, &call->of_coarse, &call->of_fine,
                                        inputs * k->outer, k->outer, k->channel, k->axis}
                          : (NAME(map)){call->fine, call->kernel, call->bias, call->coarse, &call->of_fine, &call->of_coarse,
                                        outputs * k->outer, k->channel, k->outer, k->axis};
}
