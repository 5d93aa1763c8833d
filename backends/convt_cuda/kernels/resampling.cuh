// Upsampling by whole numbers and its adjoint: nearest neighbours, bed of nails, linear interpolation along each axis.
//
//     forward   a thread per fine element, which reads the one or 2^axes coarse elements that it is made of
//     adjoint   a thread per coarse element, which adds up, in scan order, the fine elements that have a part of it
//
// So every element is written once, by one thread, and sums have the same bits every time. Along one axis, fine element j
// lies at position(j) = i + t among the coarse elements, and is (1 - t) * coarse[i] + t * coarse[i + 1]. What has the weight
// 0 is not read: a NaN or an infinity reaches no element that has no part of it.
//
// S is what numbers are stored as, T what they are summed in (see numbers.cuh): results are rounded once, and what is only
// moved keeps its bits.
#pragma once
#include "geometry.cuh"
#include "numbers.cuh"

struct Scale {
    Count coarse, fine, scale;
    Count below;  // what the numerators of positions are divided by (see Between)
    Count gaps;   // between coarse elements, at least 1
};

struct Resampling {
    View coarse, fine;
    Index batch;
    Count channels;
    Index channels_dense;  // whether neighbouring threads have neighbouring channels
    Index align_corners;
    Scale axis[3];
};

// Which element of an array of (images, channels, three axes) the i-th thread has. All that is counted is an I: an int where that
// suffices.
template <class I>
struct Element {
    I image, channel, at[3];

    __device__ __forceinline__ Element(I i, const Count *const (&size)[3], const Count &channels, bool channels_dense) {
        I rest = i;
        if (channels_dense) rest = quotient(i, channels), channel = i - rest * (I)channels;
#pragma unroll
        for (int a = 2; a >= 0; a--) {
            const I next = quotient(rest, *size[a]);
            at[a] = rest - next * (I)*size[a], rest = next;
        }
        image = rest;
        if (!channels_dense) image = quotient(rest, channels), channel = rest - image * (I)channels;
    }

    __device__ __forceinline__ I plane(const View &view) const { return image * (I)view.stride[0] + channel * (I)view.stride[1]; }
    __device__ __forceinline__ I place(const View &view) const {
        return plane(view) + at[0] * (I)view.stride[2] + at[1] * (I)view.stride[3] + at[2] * (I)view.stride[4];
    }
};

// a / b < 1, correctly rounded: numbers below 2^24 are exact in either type.
template <class T>
__device__ __noinline__ T long_ratio(Index a, Index b) {
    return T(double(a) / double(b));
}
template <class T>
__device__ __forceinline__ T ratio(Index a, Index b) {
    return (b >> 24) == 0 ? T((int)a) / T((int)b) : long_ratio<T>(a, b);
}

// Fine element j: coarse element `first`, and how much there is of the next one.
template <class T, class I>
struct Between {
    I first;
    T t;

    __device__ __forceinline__ Between(const Scale &axis, bool align_corners, I j) {
        I above = j * (I)axis.gaps;
        if (axis.coarse == 1) above = 0;
        if (!align_corners) {
            const I last = 2 * (I)axis.scale * ((I)axis.coarse - 1);
            above = 2 * j + 1 - (I)axis.scale;
            above = above < 0 ? 0 : above > last ? last : above;
        }
        first = quotient(above, axis.below);
        t = ratio<T>(above - first * (I)axis.below, axis.below);
    }
};

template <class I>
struct Range {
    I begin, end;
};

// All fine elements of which coarse element i is a part, and perhaps a few more.
template <class I>
__device__ __forceinline__ Range<I> parts_of(const Scale &axis, bool align_corners, I i) {
    const I fine = (I)axis.fine, last = (I)axis.coarse - 1, scale = (I)axis.scale;
    Range<I> range = {0, fine};
    if (align_corners) {
        const I step = (I)axis.below;  // j * last is between (i - 1) * step and (i + 1) * step
        if (i > 0) range.begin = quotient((i - 1) * step, axis.gaps);
        if (i < last) range.end = quotient((i + 1) * step, axis.gaps) + 1;
    } else {
        if (i > 0) range.begin = (i - 1) * scale + scale / 2;
        if (i < last) range.end = (i + 1) * scale + (scale + 1) / 2;
    }
    if (range.end > fine) range.end = fine;
    return range;
}

// Calls body(element) for the fine or coarse elements of all images and channels, each in one thread.
template <class I, class Body>
__device__ __forceinline__ void each_element(const Resampling &map, Count Scale::*side, Body body) {
    const Count *const size[3] = {&(map.axis[0].*side), &(map.axis[1].*side), &(map.axis[2].*side)};
    const I total = (I)(map.batch * map.channels * *size[0] * *size[1] * *size[2]), step = (I)((Index)gridDim.x * blockDim.x);
    for (I i = (I)((Index)blockIdx.x * blockDim.x + threadIdx.x); i < total; i += step)
        body(Element<I>(i, size, map.channels, map.channels_dense));
}

template <class S, class I>
__device__ void upsample_nearest(const Resampling &map) {
    each_element<I>(map, &Scale::fine, [&](const Element<I> &fine) {
        I place = fine.plane(map.coarse);
        for (int a = 0; a < 3; a++) place += quotient(fine.at[a], map.axis[a].scale) * (I)map.coarse.stride[2 + a];
        ((S *)map.fine.data)[fine.place(map.fine)] = ((const S *)map.coarse.data)[place];
    });
}

template <class S, class I>
__device__ void upsample_bed_of_nails(const Resampling &map) {
    each_element<I>(map, &Scale::fine, [&](const Element<I> &fine) {
        I place = fine.plane(map.coarse);
        bool nail = true;
        for (int a = 0; a < 3; a++) {
            const I q = quotient(fine.at[a], map.axis[a].scale);
            nail = nail && q * (I)map.axis[a].scale == fine.at[a];
            place += q * (I)map.coarse.stride[2 + a];
        }
        ((S *)map.fine.data)[fine.place(map.fine)] = nail ? ((const S *)map.coarse.data)[place] : S(0);
    });
}

template <class T>
__device__ __forceinline__ T mixed(T first, T second, T t) {
    return t == T(0) ? first : (T(1) - t) * first + t * second;
}

// The first axis is interpolated along first, then the second and the third.
template <class S, class I>
__device__ void upsample_bilinear(const Resampling &map) {
    typedef Wide<S> T;
    each_element<I>(map, &Scale::fine, [&](const Element<I> &fine) {
        const Between<T, I> p0(map.axis[0], map.align_corners, fine.at[0]);
        const Between<T, I> p1(map.axis[1], map.align_corners, fine.at[1]);
        const Between<T, I> p2(map.axis[2], map.align_corners, fine.at[2]);
        const I s0 = (I)map.coarse.stride[2], s1 = (I)map.coarse.stride[3], s2 = (I)map.coarse.stride[4];
        const S *x = (const S *)map.coarse.data + fine.plane(map.coarse) + p0.first * s0 + p1.first * s1 + p2.first * s2;
        T line[2] = {}, plane[2] = {};
        for (int k = 0; k < (p2.t == T(0) ? 1 : 2); k++) {
            for (int j = 0; j < (p1.t == T(0) ? 1 : 2); j++) {
                const S *here = x + j * s1 + k * s2;
                line[j] = mixed(T(here[0]), p0.t == T(0) ? T(0) : T(here[s0]), p0.t);
            }
            plane[k] = mixed(line[0], line[1], p1.t);
        }
        ((S *)map.fine.data)[fine.place(map.fine)] = S(mixed(plane[0], plane[1], p2.t));
    });
}

template <class S, class I>
__device__ void collect_nearest(const Resampling &map) {
    typedef Wide<S> T;
    each_element<I>(map, &Scale::coarse, [&](const Element<I> &coarse) {
        const S *x = (const S *)map.fine.data + coarse.plane(map.fine);
        for (int a = 0; a < 3; a++) x += coarse.at[a] * (I)map.axis[a].scale * (I)map.fine.stride[2 + a];
        T sum = 0;
        for (I j0 = 0; j0 < (I)map.axis[0].scale; j0++)
            for (I j1 = 0; j1 < (I)map.axis[1].scale; j1++)
                for (I j2 = 0; j2 < (I)map.axis[2].scale; j2++)
                    sum += x[j0 * (I)map.fine.stride[2] + j1 * (I)map.fine.stride[3] + j2 * (I)map.fine.stride[4]];
        ((S *)map.coarse.data)[coarse.place(map.coarse)] = S(sum);
    });
}

template <class S, class I>
__device__ void collect_bed_of_nails(const Resampling &map) {
    each_element<I>(map, &Scale::coarse, [&](const Element<I> &coarse) {
        I place = coarse.plane(map.fine);
        for (int a = 0; a < 3; a++) place += coarse.at[a] * (I)map.axis[a].scale * (I)map.fine.stride[2 + a];
        ((S *)map.coarse.data)[coarse.place(map.coarse)] = ((const S *)map.fine.data)[place];
    });
}

template <class T, class I>
__device__ __forceinline__ T weight_of(const Scale &axis, bool align_corners, I i, I j) {
    const Between<T, I> between(axis, align_corners, j);
    return between.first == i ? T(1) - between.t : between.first == i - 1 ? between.t : T(0);
}

template <class S, class I>
__device__ void collect_bilinear(const Resampling &map) {
    typedef Wide<S> T;
    each_element<I>(map, &Scale::coarse, [&](const Element<I> &coarse) {
        Range<I> range[3];
        for (int a = 0; a < 3; a++) range[a] = parts_of(map.axis[a], map.align_corners, coarse.at[a]);
        const S *x = (const S *)map.fine.data + coarse.plane(map.fine);
        T sum = 0;
        for (I j0 = range[0].begin; j0 < range[0].end; j0++) {
            const T w0 = weight_of<T>(map.axis[0], map.align_corners, coarse.at[0], j0);
            if (w0 == T(0)) continue;
            for (I j1 = range[1].begin; j1 < range[1].end; j1++) {
                const T w1 = w0 * weight_of<T>(map.axis[1], map.align_corners, coarse.at[1], j1);
                if (w1 == T(0)) continue;
                for (I j2 = range[2].begin; j2 < range[2].end; j2++) {
                    const T w2 = w1 * weight_of<T>(map.axis[2], map.align_corners, coarse.at[2], j2);
                    if (w2 == T(0)) continue;
                    sum += w2 * T(x[j0 * (I)map.fine.stride[2] + j1 * (I)map.fine.stride[3] + j2 * (I)map.fine.stride[4]]);
                }
            }
        }
        ((S *)map.coarse.data)[coarse.place(map.coarse)] = S(sum);
    });
}
