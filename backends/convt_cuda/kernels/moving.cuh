// One array into another one of the same shape, and numbers added to those of an array: what cuDNN cannot read where it lies is copied,
// and the bias is added to what it has computed.
//
//     copy   to[i] = from[i]         add   to[i] += from[i]
//
// Copies keep their bits; sums are rounded once (see numbers.cuh).
#pragma once
#include "geometry.cuh"
#include "numbers.cuh"

// Axes are in the order in which `to` lies, the densest last. Where `from` has one number for a whole axis, its stride is 0.
struct Move {
    View from, to;
    Count size[5];
};

// Calls body(from, to) for all elements, each in one thread. I counts elements and places.
template <class S, class I, class Body>
__device__ __forceinline__ void each_pair(const Move &map, Body body) {
    const I total = (I)(map.size[0] * map.size[1] * map.size[2] * map.size[3] * map.size[4]);
    const I step = (I)((Index)gridDim.x * blockDim.x);
    for (I i = (I)((Index)blockIdx.x * blockDim.x + threadIdx.x); i < total; i += step) {
        I rest = i, from = 0, to = 0;
#pragma unroll
        for (int a = 4; a >= 0; a--) {
            const I next = a ? quotient(rest, map.size[a]) : 0, at = rest - next * (I)map.size[a];
            from += at * (I)map.from.stride[a], to += at * (I)map.to.stride[a], rest = next;
        }
        body(((const S *)map.from.data)[from], ((S *)map.to.data)[to]);
    }
}

template <class S, class I>
__device__ void copy(const Move &map) {
    each_pair<S, I>(map, [](S from, S &to) { to = from; });
}

template <class S, class I>
__device__ void add(const Move &map) {
    typedef Wide<S> T;
    each_pair<S, I>(map, [](S from, S &to) { to = S(T(to) + T(from)); });
}
