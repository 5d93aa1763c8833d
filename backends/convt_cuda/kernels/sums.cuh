// Sums in a fixed order: each channel of an array (the gradient of a bias), and the parts that correlate leaves.
#pragma once
#include "correlate.cuh"
#include "geometry.cuh"
#include "numbers.cuh"

// A block sums one part of one channel.
template <class S, int THREADS>
__device__ void channel_sums(const Sum &map) {
    typedef Wide<S> T;
    const Index elements = map.batch * map.size[0] * map.size[1] * map.size[2];
    for (Index item = blockIdx.x; item < map.channels * map.splits; item += gridDim.x) {
        const Index split = divide(item, map.channels), channel = item - split * map.channels;
        const Index begin = split * map.per_split, end = begin + map.per_split < elements ? begin + map.per_split : elements;
        const S *in = (const S *)map.in.data + channel * map.in.stride[1];
        T sum = 0;
        if (begin + threadIdx.x < end) {
            const Index strides[1][4] = {{map.in.stride[0], map.in.stride[2], map.in.stride[3], map.in.stride[4]}};
            Walk<1, Index> walk(begin + threadIdx.x, THREADS, map.size, strides);
            for (Index element = begin + threadIdx.x; element < end; element += THREADS, walk.advance()) sum += in[walk.place[0]];
        }
        sum = block_sum<T, THREADS>(sum);
        if (threadIdx.x == 0) ((T *)map.out)[item] = sum;
    }
}

// A thread adds the parts of one item.
template <class S>
__device__ void add_parts(const Reduction &map) {
    typedef Wide<S> T;
    const Index items = map.size[0] * map.size[1] * map.size[2] * map.size[3] * map.size[4];
    for (Index item = (Index)blockIdx.x * blockDim.x + threadIdx.x; item < items; item += (Index)gridDim.x * blockDim.x) {
        T sum = 0;
        for (Index split = 0; split < map.splits; split++) sum += ((const T *)map.parts)[split * items + item];
        Index rest = item, place = 0;
        for (int a = 4; a >= 0; a--) {
            const Index next = divide(rest, map.size[a]);
            place += (rest - next * map.size[a]) * map.out.stride[a];
            rest = next;
        }
        ((S *)map.out.data)[place] = S(sum);
    }
}
