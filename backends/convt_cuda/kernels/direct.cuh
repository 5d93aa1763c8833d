// scatter and gather without tiles: a thread computes MR channels of one output, all its taps and channels.
//
// For groups of few channels (depthwise), few outputs, and phases too small to fill a tile (large strides): there weights
// and inputs are read few times, and the caches hold them. Threads run along the output's densest axis, and write it in
// whole lines also where phases alternate.
#pragma once
#include "geometry.cuh"
#include "numbers.cuh"

// Where the taps of a phase start: neighbouring threads are in different ones, so a block keeps those of small strides.
struct Start {
    Index tap, taps, in;
};

constexpr int KNOWN = 32;  // phases of each axis

// For large strides. A call, because it would take most registers of those who need none of it.
template <bool SCATTER>
__device__ __noinline__ Start start_of(const Axis &axis, Index first) {
    const Phase phase = phase_of<SCATTER>(axis, first);
    return {phase.tap_first, phase.taps, phase.in_first};
}

// CHANNELS_DENSE: neighbouring threads have neighbouring channels.
template <class S, bool SCATTER, bool CHANNELS_DENSE, int MR>
__device__ void direct(const Map &map) {
    typedef Wide<S> T;
    const S *in = (const S *)map.in.data, *weight = (const S *)map.weight.data, *bias = (const S *)map.bias;
    S *out = (S *)map.out.data;
    __shared__ Start known[3][KNOWN];
    Index size[3], tap_step[3], in_step[3], in_tap[3], in_size[3];
    for (int a = 0; a < 3; a++) {
        const Axis &axis = map.axis[a];
        size[a] = SCATTER ? axis.fine : axis.coarse, in_size[a] = SCATTER ? axis.coarse : axis.fine;
        tap_step[a] = SCATTER ? divide(axis.stride, axis.common) : 1, in_step[a] = SCATTER ? 1 : axis.stride;
        in_tap[a] = SCATTER ? -divide(axis.dilation, axis.common) : axis.dilation;
    }
    for (int i = threadIdx.x; i < 3 * KNOWN; i += blockDim.x) {
        const Axis &axis = map.axis[i / KNOWN];
        if (i % KNOWN >= phases<SCATTER>(axis)) continue;
        known[i / KNOWN][i % KNOWN] = start_of<SCATTER>(axis, i % KNOWN);
    }
    __syncthreads();

    const Index blocks = (map.outputs + MR - 1) / MR, stacks = map.groups * blocks, pixels = size[0] * size[1] * size[2];
    const Index total = map.batch * stacks * pixels;
    for (Index i = (Index)blockIdx.x * blockDim.x + threadIdx.x; i < total; i += (Index)gridDim.x * blockDim.x) {
        Index stack, pixel, image, rest;
        if (CHANNELS_DENSE) {
            rest = divide(i, stacks), stack = i - rest * stacks;
            image = divide(rest, pixels), pixel = rest - image * pixels;
        } else {
            rest = divide(i, pixels), pixel = i - rest * pixels;
            image = divide(rest, stacks), stack = rest - image * stacks;
        }
        const Index group = divide(stack, blocks), row = (stack - group * blocks) * MR;
        Index o[3];
        rest = divide(pixel, size[2]), o[2] = pixel - rest * size[2];
        o[0] = divide(rest, size[1]), o[1] = rest - o[0] * size[1];

        // The taps that meet this output, and the first one's input index, per axis.
        Start start[3];
#pragma unroll
        for (int a = 0; a < 3; a++) {
            const Index u = SCATTER ? divide(o[a], map.axis[a].stride) : o[a];
            const Index first = SCATTER ? o[a] - u * map.axis[a].stride : 0;
            start[a] = first < KNOWN ? known[a][first] : start_of<SCATTER>(map.axis[a], first);
            start[a].in += u * in_step[a];
        }

        T sum[MR];
#pragma unroll
        for (int m = 0; m < MR; m++) sum[m] = 0;
        const S *here = in + image * map.in.stride[0] + group * map.inputs * map.in.stride[1];
        const S *weights = weight + group * map.weight_group + row * map.weight.stride[0];
        for (Index j0 = 0; j0 < start[0].taps; j0++) {
            const Index i0 = start[0].in + j0 * in_tap[0];
            if (!inside(i0, in_size[0])) continue;
            for (Index j1 = 0; j1 < start[1].taps; j1++) {
                const Index i1 = start[1].in + j1 * in_tap[1];
                if (!inside(i1, in_size[1])) continue;
                for (Index j2 = 0; j2 < start[2].taps; j2++) {
                    const Index i2 = start[2].in + j2 * in_tap[2];
                    if (!inside(i2, in_size[2])) continue;
                    const S *x = here + i0 * map.in.stride[2] + i1 * map.in.stride[3] + i2 * map.in.stride[4];
                    const S *w = weights + (start[0].tap + j0 * tap_step[0]) * map.weight.stride[2] +
                                 (start[1].tap + j1 * tap_step[1]) * map.weight.stride[3] +
                                 (start[2].tap + j2 * tap_step[2]) * map.weight.stride[4];
                    for (Index c = 0; c < map.inputs; c++) {
                        const T value = x[c * map.in.stride[1]];
#pragma unroll
                        for (int m = 0; m < MR; m++)
                            if (MR == 1 || row + m < map.outputs)
                                sum[m] += value * T(w[m * map.weight.stride[0] + c * map.weight.stride[1]]);
                    }
                }
            }
        }

        S *y = out + image * map.out.stride[0] + (group * map.outputs + row) * map.out.stride[1] + o[0] * map.out.stride[2] +
               o[1] * map.out.stride[3] + o[2] * map.out.stride[4];
#pragma unroll
        for (int m = 0; m < MR; m++)
            if (row + m < map.outputs)
                y[m * map.out.stride[1]] = S(sum[m] + (bias ? bias[(group * map.outputs + row + m) * map.bias_stride] : T(0)));
    }
}
