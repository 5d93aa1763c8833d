// Max pooling with indices, its inverse, and the gradients of both.
//
// An index is a position in its image's channel (plane) of the fine array. Those that max_pool gives lie in the windows of
// their coarse elements; then only few windows can have an index, and each fine element asks those that it lies in. Indices
// from elsewhere may be any positions; `check_indices` tells which case it is, before anything is written.
//
//     "near"   every index in its window: a thread per element, which gathers; no scratch memory
//     "far"    otherwise: the last coarse element of each index is found by atomicMax over their positions, whose result
//              does not depend on the order; sums of equal indices are made by one block for each plane, in scan order
//
// S is what numbers are stored as, T what they are summed in (see numbers.cuh): what is only moved keeps its bits, and sums are
// rounded once, also where a plane's are made in `work`.
//
// Coarse positions count a plane's elements in scan order, as indices count the fine ones.
#pragma once
#include "geometry.cuh"
#include "numbers.cuh"
#include "resampling.cuh"

struct Window {
    Count fine, coarse, stride;
    Index size, before;
};

struct Pooling {
    View fine, coarse, indices;
    void *work;  // what check_indices finds; for each fine element of some planes, the last coarse position + 1 or 0, or its sum
    Index batch;
    Count channels;
    Index channels_dense;
    Index first_plane, planes;  // of those that `work` is for; a plane is image * channels + channel
    Count coarse_plane, fine_plane;  // elements of one
    Window axis[3];
};

// Loops over the elements of all planes, or of those that `work` is for. All that is counted is an I: an int where that suffices.
#define EACH_ELEMENT(side, planes) \
    const Count *const size[3] = {&map.axis[0].side, &map.axis[1].side, &map.axis[2].side}; \
    const I total = (I)((planes) * map.side##_plane), step = (I)((Index)gridDim.x * blockDim.x); \
    for (I i = (I)((Index)blockIdx.x * blockDim.x + threadIdx.x); i < total; i += step)

// A place in a plane from a position.
template <class I>
struct Spot {
    I at[3];

    __device__ __forceinline__ Spot(const Window *axis, I position) {
        const I rest = quotient(position, axis[2].fine);
        at[2] = position - rest * (I)axis[2].fine;
        at[0] = quotient(rest, axis[1].fine), at[1] = rest - at[0] * (I)axis[1].fine;
    }

    __device__ __forceinline__ I place(const View &view) const {
        return at[0] * (I)view.stride[2] + at[1] * (I)view.stride[3] + at[2] * (I)view.stride[4];
    }

    __device__ bool in_window(const Window *axis, const I *q) const {
        for (int a = 0; a < 3; a++)
            if (!within(at[a] - (q[a] * (I)axis[a].stride - (I)axis[a].before), (I)axis[a].size)) return false;
        return true;
    }
};

template <class I>
__device__ __forceinline__ I position_of(const I *at, const Count *const (&size)[3]) {
    return (at[0] * (I)*size[1] + at[1]) * (I)*size[2] + at[2];
}

// The coarse elements whose windows hold fine index f, along one axis.
template <class I>
__device__ __forceinline__ Range<I> windows_of(const Window &axis, I f) {
    const I shifted = f + (I)axis.before, late = shifted - (I)axis.size, coarse = (I)axis.coarse;
    Range<I> range = {late < 0 ? 0 : quotient(late, axis.stride) + 1, quotient(shifted, axis.stride) + 1};
    if (range.end > coarse) range.end = coarse;
    return range;
}

template <class S, class I>
__device__ void max_pool(const Pooling &map) {
    EACH_ELEMENT(coarse, map.batch * map.channels) {
        const Element<I> q(i, size, map.channels, map.channels_dense);
        const S *fine = (const S *)map.fine.data + q.plane(map.fine);
        I begin[3], end[3];
        for (int a = 0; a < 3; a++) {
            const I first = q.at[a] * (I)map.axis[a].stride - (I)map.axis[a].before, last = first + (I)map.axis[a].size;
            begin[a] = first < 0 ? 0 : first, end[a] = last < (I)map.axis[a].fine ? last : (I)map.axis[a].fine;
        }
        S best = S(0);
        I place = -1;
        for (I i0 = begin[0]; i0 < end[0]; i0++)
            for (I i1 = begin[1]; i1 < end[1]; i1++)
                for (I i2 = begin[2]; i2 < end[2]; i2++) {
                    const S here = fine[i0 * (I)map.fine.stride[2] + i1 * (I)map.fine.stride[3] + i2 * (I)map.fine.stride[4]];
                    const Wide<S> value = here, most = best;
                    // A NaN, which equals nothing, is taken, and never left again.
                    if (place < 0 || (!(value <= most) && most == most))
                        best = here, place = (i0 * (I)map.axis[1].fine + i1) * (I)map.axis[2].fine + i2;
                }
        ((S *)map.coarse.data)[q.place(map.coarse)] = best;
        ((Index *)map.indices.data)[q.place(map.indices)] = place;
    }
}

// work[0]: whether an index lies outside of the plane; work[1]: whether one lies outside of its window. Zeros before.
__device__ inline void check_indices(const Pooling &map) {
    typedef Index I;
    const Index positions = map.fine_plane;
    EACH_ELEMENT(coarse, map.batch * map.channels) {
        const Element<I> q(i, size, map.channels, map.channels_dense);
        const Index index = ((const Index *)map.indices.data)[q.place(map.indices)];
        if (!inside(index, positions)) {
            ((Index *)map.work)[0] = 1;
        } else if (!Spot<I>(map.axis, index).in_window(map.axis, q.at)) {
            ((Index *)map.work)[1] = 1;
        }
    }
}

// Near: the coarse elements whose index is this fine element, in scan order.
template <class S, class I, class Take>
__device__ __forceinline__ void each_at(const Pooling &map, const Element<I> &f, I index, Take take) {
    Range<I> range[3];
    for (int a = 0; a < 3; a++) range[a] = windows_of(map.axis[a], f.at[a]);
    const Index *indices = (const Index *)map.indices.data + f.plane(map.indices);
    const S *coarse = (const S *)map.coarse.data + f.plane(map.coarse);
    const I is[3] = {(I)map.indices.stride[2], (I)map.indices.stride[3], (I)map.indices.stride[4]};
    const I cs[3] = {(I)map.coarse.stride[2], (I)map.coarse.stride[3], (I)map.coarse.stride[4]};
    for (I q0 = range[0].begin; q0 < range[0].end; q0++)
        for (I q1 = range[1].begin; q1 < range[1].end; q1++)
            for (I q2 = range[2].begin; q2 < range[2].end; q2++)
                if (indices[q0 * is[0] + q1 * is[1] + q2 * is[2]] == index) take(coarse[q0 * cs[0] + q1 * cs[1] + q2 * cs[2]]);
}

template <class S, class I>
__device__ void max_pool_backward_near(const Pooling &map) {
    EACH_ELEMENT(fine, map.batch * map.channels) {
        const Element<I> f(i, size, map.channels, map.channels_dense);
        Wide<S> sum = 0;
        each_at<S, I>(map, f, position_of(f.at, size), [&](S value) { sum += value; });
        ((S *)map.fine.data)[f.place(map.fine)] = S(sum);
    }
}

template <class S, class I>
__device__ void max_unpool_near(const Pooling &map) {
    EACH_ELEMENT(fine, map.batch * map.channels) {
        const Element<I> f(i, size, map.channels, map.channels_dense);
        S last = S(0);
        each_at<S, I>(map, f, position_of(f.at, size), [&](S value) { last = value; });
        ((S *)map.fine.data)[f.place(map.fine)] = last;
    }
}

// An element stays if no later one that could have its index has it.
template <class S, class I>
__device__ void max_unpool_backward_near(const Pooling &map) {
    EACH_ELEMENT(coarse, map.batch * map.channels) {
        const Element<I> q(i, size, map.channels, map.channels_dense);
        const Index *indices = (const Index *)map.indices.data + q.plane(map.indices);
        const I is[3] = {(I)map.indices.stride[2], (I)map.indices.stride[3], (I)map.indices.stride[4]};
        const I index = (I)indices[q.at[0] * is[0] + q.at[1] * is[1] + q.at[2] * is[2]], here = position_of(q.at, size);
        const Spot<I> spot(map.axis, index);
        Range<I> range[3];
        for (int a = 0; a < 3; a++) range[a] = windows_of(map.axis[a], spot.at[a]);
        bool stays = true;
        for (I q0 = q.at[0]; q0 < range[0].end; q0++)
            for (I q1 = range[1].begin; q1 < range[1].end; q1++)
                for (I q2 = range[2].begin; q2 < range[2].end; q2++) {
                    const I there[3] = {q0, q1, q2};
                    if (position_of(there, size) > here && indices[q0 * is[0] + q1 * is[1] + q2 * is[2]] == index) stays = false;
                }
        const S value = ((const S *)map.fine.data)[q.plane(map.fine) + spot.place(map.fine)];
        ((S *)map.coarse.data)[q.place(map.coarse)] = stays ? value : S(0);
    }
}

// Far: a block for each plane. Thread t has the fine elements whose position is t modulo THREADS; indices and values are read
// together, as many at a time as there are threads, and each thread adds up its own in scan order. Sums of the type that is stored
// are made where they go, others in `work`.
template <class S>
__device__ void max_pool_backward_far(const Pooling &map) {
    typedef Index I;
    typedef Wide<S> T;
    constexpr bool IN_PLACE = sizeof(S) == sizeof(T);
    constexpr int THREADS = 256;
    __shared__ Index places[THREADS];
    __shared__ T values[THREADS];
    const int thread = threadIdx.x;
    const Count *const size[3] = {&map.axis[0].coarse, &map.axis[1].coarse, &map.axis[2].coarse};
    const Index total = map.coarse_plane;
    const Index positions = map.fine_plane;
    for (Index i = blockIdx.x; i < map.planes; i += gridDim.x) {
        const Index plane = map.first_plane + i, image = quotient(plane, map.channels), channel = plane - image * map.channels;
        S *fine = (S *)map.fine.data + image * map.fine.stride[0] + channel * map.fine.stride[1];
        T *work = (T *)map.work + i * positions;
        auto sum_at = [&](Index position) -> T & {
            return IN_PLACE ? ((T *)fine)[Spot<I>(map.axis, position).place(map.fine)] : work[position];
        };
        for (Index position = thread; position < positions; position += THREADS) sum_at(position) = 0;
        for (Index first = 0; first < total; first += THREADS) {
            const int count = total - first < THREADS ? (int)(total - first) : THREADS;
            __syncthreads();  // all have looked at those before
            if (thread < count) {
                const Element<I> q(plane * total + first + thread, size, map.channels, false);
                places[thread] = ((const Index *)map.indices.data)[q.place(map.indices)];
                values[thread] = ((const S *)map.coarse.data)[q.place(map.coarse)];
            }
            __syncthreads();
            for (int k = 0; k < count; k++)
                if (places[k] % THREADS == thread) sum_at(places[k]) += values[k];
        }
        if (!IN_PLACE)
            for (Index position = thread; position < positions; position += THREADS)
                fine[Spot<I>(map.axis, position).place(map.fine)] = S(work[position]);
    }
}

// Far: work is zeros before.
__device__ inline void mark_last(const Pooling &map) {
    typedef Index I;
    const Index positions = map.fine_plane;
    EACH_ELEMENT(coarse, map.planes) {
        const Index plane = quotient(i, map.coarse_plane);
        const Element<I> q(map.first_plane * map.coarse_plane + i, size, map.channels, false);
        const Index index = ((const Index *)map.indices.data)[q.place(map.indices)];
        atomicMax((unsigned long long *)map.work + plane * positions + index, (unsigned long long)(i - plane * map.coarse_plane + 1));
    }
}

template <class S>
__device__ void max_unpool_far(const Pooling &map) {
    typedef Index I;
    EACH_ELEMENT(fine, map.planes) {
        const Element<I> f(map.first_plane * map.fine_plane + i, size, map.channels, false);
        const Index last = ((const Index *)map.work)[i] - 1;
        S value = S(0);
        if (last >= 0) {
            const Index rest = quotient(last, map.axis[2].coarse);
            Index q[3];
            q[2] = last - rest * map.axis[2].coarse, q[0] = quotient(rest, map.axis[1].coarse), q[1] = rest - q[0] * map.axis[1].coarse;
            value = ((const S *)map.coarse.data)[f.plane(map.coarse) + q[0] * map.coarse.stride[2] + q[1] * map.coarse.stride[3] +
                                                 q[2] * map.coarse.stride[4]];
        }
        ((S *)map.fine.data)[f.place(map.fine)] = value;
    }
}

template <class S>
__device__ void max_unpool_backward_far(const Pooling &map) {
    typedef Index I;
    const Index positions = map.fine_plane;
    EACH_ELEMENT(coarse, map.planes) {
        const Index plane = quotient(i, map.coarse_plane);
        const Element<I> q(map.first_plane * map.coarse_plane + i, size, map.channels, false);
        const Index index = ((const Index *)map.indices.data)[q.place(map.indices)];
        const bool stays = ((const Index *)map.work)[plane * positions + index] == i - plane * map.coarse_plane + 1;
        const S value = ((const S *)map.fine.data)[q.plane(map.fine) + Spot<I>(map.axis, index).place(map.fine)];
        ((S *)map.coarse.data)[q.place(map.coarse)] = stays ? value : S(0);
    }
}

// Indices that count the whole tensor, from those that count each plane, or back: `coarse` becomes `indices`, with `planes`
// times the position of each plane's first element added.
__device__ inline void move_indices(const Pooling &map) {
    typedef Index I;
    const Index positions = map.fine_plane;
    EACH_ELEMENT(coarse, map.batch * map.channels) {
        const Element<I> q(i, size, map.channels, map.channels_dense);
        const Index first = (q.image * map.channels + q.channel) * positions;
        const unsigned long long index = ((const unsigned long long *)map.coarse.data)[q.place(map.coarse)];  // may be anything
        ((unsigned long long *)map.indices.data)[q.place(map.indices)] = index + (unsigned long long)(map.planes * first);
    }
}
