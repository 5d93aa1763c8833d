// scatter and gather without tiles: a thread computes MR channels of one output, all its taps and channels.
//
// For groups of few channels (depthwise), few outputs, and phases too small to fill a tile (large strides): there weights
// and inputs are read few times, and the caches hold them. Threads run along the output's densest axis, and write it in
// whole lines also where phases alternate.
//
// Counting takes most of the time where there are few channels. So I, in which places inside of an image and of the kernel
// are counted, is an int where that suffices, and what must be divided is shared by several outputs.
#pragma once
#include "geometry.cuh"
#include "guard.cuh"
#include "numbers.cuh"

// Where the taps of a phase start: neighbouring threads are in different ones, so a block keeps those of small strides.
template <class I>
struct Start {
    I tap, taps, in;
};

constexpr int KNOWN = 32;  // phases of each axis
constexpr int REPEAT = 4;  // outputs of a thread

// For large strides. A call, because it would take most registers of those who need none of it.
template <bool SCATTER, class I>
__device__ __noinline__ Start<I> start_of(const Axis &axis, Index first) {
    const Phase phase = phase_of<SCATTER>(axis, first);
    return {(I)phase.tap_first, (I)phase.taps, (I)phase.in_first};
}

// From one tap to the next along an axis: in the input's index, and in elements of the input and of the weights.
template <class I>
struct Step {
    I in, size, in_elements, weight_elements;
};

// Adds what the taps give that meet an output; `in` and `weight` are those of the first tap, inside of the array or not.
template <class S, int MR, class I>
__device__ __forceinline__ void add_taps(
    const Map &map, const S *in, const S *weight, const Start<I> (&start)[3], const Step<I> (&step)[3], int rows, Wide<S> (&sum)[MR]
) {
    const I inputs = (I)map.inputs, in_channel = (I)map.in.stride[1], weight_channel = (I)map.weight.stride[1];
    const I weight_row = (I)map.weight.stride[0];
    I x0 = 0, w0 = 0, i0 = start[0].in;
    for (I j0 = start[0].taps; j0 > 0; j0--, i0 += step[0].in, x0 += step[0].in_elements, w0 += step[0].weight_elements) {
        if (!within(i0, step[0].size)) continue;
        I x1 = x0, w1 = w0, i1 = start[1].in;
        for (I j1 = start[1].taps; j1 > 0; j1--, i1 += step[1].in, x1 += step[1].in_elements, w1 += step[1].weight_elements) {
            if (!within(i1, step[1].size)) continue;
            I x2 = x1, w2 = w1, i2 = start[2].in;
            for (I j2 = start[2].taps; j2 > 0; j2--, i2 += step[2].in, x2 += step[2].in_elements, w2 += step[2].weight_elements) {
                if (!within(i2, step[2].size)) continue;
                I x = x2, w = w2;
                for (I c = inputs; c > 0; c--, x += in_channel, w += weight_channel) {
                    const Wide<S> value = in[x];
#pragma unroll
                    for (int m = 0; m < MR; m++)
                        if (m < rows) sum[m] += value * Wide<S>(weight[w + m * weight_row]);
                }
            }
        }
    }
}

// Outputs lie along a dense axis, the last one or (CHANNELS_DENSE) the channels, MR at a time; all else makes lines. A block takes
// `row_tiles` lanes along the dense axis, REPEAT times, and as many lines as that leaves threads for: a piece. It does several
// pieces, for which it knows the phases once.
template <class S, bool SCATTER, bool CHANNELS_DENSE, int MR, class I>
__device__ void direct(const Map &map) {
    if (!needed(map)) return;
    typedef Wide<S> T;
    const S *in = (const S *)map.in.data, *weight = (const S *)map.weight.data, *bias = (const S *)map.bias;
    S *out = (S *)map.out.data;
    __shared__ Start<I> known[3][KNOWN];
    I size[3], stride[3];
    Step<I> step[3];
    for (int a = 0; a < 3; a++) {
        const Axis &axis = map.axis[a];
        size[a] = (I)(SCATTER ? axis.fine : axis.coarse), stride[a] = (I)axis.stride;
        step[a].size = (I)(SCATTER ? axis.coarse : axis.fine);
        step[a].in = (I)(SCATTER ? -divide(axis.dilation, axis.common) : axis.dilation);
        step[a].in_elements = step[a].in * (I)map.in.stride[2 + a];
        step[a].weight_elements = (I)(SCATTER ? divide(axis.stride, axis.common) : 1) * (I)map.weight.stride[2 + a];
    }
    for (int i = threadIdx.x; i < 3 * KNOWN; i += blockDim.x) {
        const Axis &axis = map.axis[i / KNOWN];
        if (i % KNOWN < phases<SCATTER>(axis)) known[i / KNOWN][i % KNOWN] = start_of<SCATTER, I>(axis, i % KNOWN);
    }
    __syncthreads();

    // The taps that meet the output `first + u * stride`, and the first one's input index.
    auto start_at = [&](int a, I u, I first) {
        Start<I> start = first < KNOWN ? known[a][first] : start_of<SCATTER, I>(map.axis[a], first);
        start.in += SCATTER ? u : u * stride[a];
        return start;
    };
    auto start_here = [&](int a, I o) {
        const I u = SCATTER ? quotient(o, stride[a]) : o;
        return start_at(a, u, SCATTER ? o - u * stride[a] : 0);
    };

    const Index blocks = (map.outputs + MR - 1) / MR, stacks = map.groups * blocks;
    const Index dense = CHANNELS_DENSE ? stacks : size[2];
    const Index lines = map.batch * size[0] * size[1] * (CHANNELS_DENSE ? size[2] : stacks);
    const int lanes = (int)map.row_tiles, width = lanes * REPEAT, height = blockDim.x / lanes;
    const int lane = threadIdx.x % lanes, beside = threadIdx.x / lanes;
    const I further = SCATTER ? quotient((I)lanes, stride[2]) : lanes, phase_further = SCATTER ? lanes - further * stride[2] : 0;
    const Index along = (dense + width - 1) / width, total = along * ((lines + height - 1) / height);
    for (Index piece = blockIdx.x; piece < total; piece += gridDim.x) {
        const Index high = divide(piece, along), line = high * height + beside;
        if (line >= lines) continue;
        Index stack = 0, rest = line, next;
        I o[3] = {0, 0, 0};
        if (CHANNELS_DENSE) next = divide(rest, size[2]), o[2] = (I)(rest - next * size[2]), rest = next;
        next = divide(rest, size[1]), o[1] = (I)(rest - next * size[1]), rest = next;
        next = divide(rest, size[0]), o[0] = (I)(rest - next * size[0]), rest = next;
        if (!CHANNELS_DENSE) next = divide(rest, stacks), stack = rest - next * stacks, rest = next;

        const Index from = (piece - high * along) * width + lane;
        I u = 0, first = 0;
        if (!CHANNELS_DENSE) {
            u = SCATTER ? quotient((I)from, stride[2]) : (I)from, first = SCATTER ? (I)from - u * stride[2] : 0;
        }
        Start<I> start[3] = {start_here(0, o[0]), start_here(1, o[1]), start_here(2, CHANNELS_DENSE ? o[2] : 0)};
        const S *in_line = in + rest * map.in.stride[0] + start[0].in * map.in.stride[2] + start[1].in * map.in.stride[3];
        const S *weight_line = weight + start[0].tap * map.weight.stride[2] + start[1].tap * map.weight.stride[3];
        S *out_line = out + rest * map.out.stride[0] + o[0] * map.out.stride[2] + o[1] * map.out.stride[3];
        const S *in_stack = in_line, *weight_stack = weight_line;
        S *out_stack = out_line;
        Index channel = 0;
        int rows = 1;
        auto turn_to = [&](Index stack) {
            const Index group = blocks == 1 ? stack : divide(stack, blocks), row = (stack - group * blocks) * MR;
            channel = group * map.outputs + row;
            rows = MR == 1 ? 1 : (int)(map.outputs - row < MR ? map.outputs - row : MR);
            in_stack = in_line + group * map.inputs * map.in.stride[1];
            weight_stack = weight_line + group * map.weight_group + row * map.weight.stride[0];
            out_stack = out_line + channel * map.out.stride[1];
        };
        if (!CHANNELS_DENSE) turn_to(stack);
        for (Index at = from; at < from + width && at < dense; at += lanes) {
            if (CHANNELS_DENSE) {
                turn_to(at);
            } else {
                o[2] = (I)at, start[2] = start_at(2, u, first);
                u += further, first += phase_further;
                if (SCATTER && first >= stride[2]) first -= stride[2], u++;
            }
            T sum[MR];
#pragma unroll
            for (int m = 0; m < MR; m++) sum[m] = 0;
            add_taps<S, MR, I>(
                map, in_stack + start[2].in * (I)map.in.stride[4], weight_stack + start[2].tap * (I)map.weight.stride[4], start, step, rows, sum
            );
            S *y = out_stack + o[2] * (I)map.out.stride[4];
#pragma unroll
            for (int m = 0; m < MR; m++)
                if (m < rows) y[m * map.out.stride[1]] = S(sum[m] + (bias ? bias[(channel + m) * map.bias_stride] : T(0)));
        }
    }
}
