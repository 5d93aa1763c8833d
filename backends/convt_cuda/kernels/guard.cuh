// A kernel that computes a map again only where weights are not finite; see ../cudnn/guarded.py.
#pragma once
#include "geometry.cuh"
#include "numbers.cuh"

// Sets map.guard if a weight is infinite or not a number.
template <class S>
__device__ void find_not_finite(const Map &map) {
    const S *weight = (const S *)map.weight.data;
    const Index taps[3] = {map.axis[0].taps, map.axis[1].taps, map.axis[2].taps};
    const Index total = map.groups * map.outputs * map.inputs * taps[0] * taps[1] * taps[2];
    for (Index i = (Index)blockIdx.x * blockDim.x + threadIdx.x; i < total; i += (Index)gridDim.x * blockDim.x) {
        Index rest = i, place = 0, next;
        if (map.line) {  // one after the other
            place = i;
        } else {
            for (int a = 2; a >= 0; a--) {
                next = divide(rest, taps[a]), place += (rest - next * taps[a]) * map.weight.stride[2 + a], rest = next;
            }
            next = divide(rest, map.outputs), place += (rest - next * map.outputs) * map.weight.stride[0], rest = next;
            next = divide(rest, map.inputs), place += (rest - next * map.inputs) * map.weight.stride[1];
            place += next * map.weight_group;
        }
        const Wide<S> value = weight[place];
        if (!(value - value == 0)) *map.guard = 1;
    }
}

__device__ __forceinline__ bool needed(const Map &map) { return !map.guard || *map.guard; }
