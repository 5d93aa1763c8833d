// Sums of what lies inside of the input alone.
//
// A tile (tile.cuh) takes what lies outside as zeros, and zero times an infinite weight is no number where the definition has no
// product at all. So a sum that is no number is made again, tap by tap, if one of its taps lies outside.
#pragma once
#include "geometry.cuh"
#include "numbers.cuh"

// Where a column's output is, counted in outputs of the phase.
struct Column {
    Index image, u[3];

    __device__ Column(Index column, const Phase *phase) {
        Index rest = divide(column, phase[2].outputs);
        u[2] = column - rest * phase[2].outputs;
        Index next = divide(rest, phase[1].outputs);
        u[1] = rest - next * phase[1].outputs;
        image = divide(next, phase[0].outputs);
        u[0] = next - image * phase[0].outputs;
    }

    // Of its output, or of that of a cell's first tap.
    __device__ Index index(int a, const Phase *phase) const { return phase[a].out_first + u[a] * phase[a].out_step; }

    __device__ Index place(const View &out, const Phase *phase) const {
        Index place = image * out.stride[0];
        for (int a = 0; a < 3; a++) place += index(a, phase) * out.stride[2 + a];
        return place;
    }
};

// Write the result of a column of a phase and a row of a group again, from what lies inside, if one of its taps does not. A call of
// short loops, so that the tile keeps its registers. Taps that a tile takes together (`beside`) are counted one by one here.
template <class S>
__device__ __noinline__ void write_inside(const Map &map, const Phase *phases, Index group, Index row, Index column) {
    typedef Wide<S> T;
    const Column at(column, phases);
    Index taps[3], first[3], step[3];  // from one tap to the next in the input
    bool whole = true;
#pragma unroll 1
    for (int a = 0; a < 3; a++) {
        const bool together = a == 2 && map.beside > 1;
        taps[a] = phases[a].taps * (together ? map.beside : 1), step[a] = together ? map.axis[a].dilation : phases[a].in_tap;
        first[a] = phases[a].in_first + at.u[a] * phases[a].in_step;
        whole = whole && inside(first[a], phases[a].in_size) && inside(first[a] + (taps[a] - 1) * step[a], phases[a].in_size);
    }
    if (whole) return;
    const Index channel = group * map.outputs + row, all = taps[0] * taps[1] * taps[2];
    T sum = 0;
#pragma unroll 1
    for (Index tap = 0; tap < all; tap++) {
        const S *in = (const S *)map.in.data + at.image * map.in.stride[0] + group * map.inputs * map.in.stride[1];
        const S *weight = (const S *)map.weight.data + group * map.weight_group + row * map.weight.stride[0];
        bool readable = true;
        Index rest = tap;
#pragma unroll 1
        for (int a = 2; a >= 0; a--) {
            const Index next = divide(rest, taps[a]), j = rest - next * taps[a], index = first[a] + j * step[a];
            readable = readable && inside(index, phases[a].in_size);
            in += index * map.in.stride[2 + a];
            weight += (phases[a].tap_first + j * phases[a].tap_step) * map.weight.stride[2 + a];
            rest = next;
        }
        if (!readable) continue;
#pragma unroll 1
        for (Index c = 0; c < map.inputs; c++) sum += T(in[c * map.in.stride[1]]) * T(weight[c * map.weight.stride[1]]);
    }
    const T start = map.bias ? T(((const S *)map.bias)[channel * map.bias_stride]) : T(0);
    ((S *)map.out.data)[at.place(map.out, phases) + channel * map.out.stride[1]] = S(sum + start);
}
