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
    Index fine, coarse, size, stride, before;
};

struct Pooling {
    View fine, coarse, indices;
    void *work;  // what check_indices finds; for each fine element of some planes, the last coarse position + 1 or 0, or its sum
    Index batch, channels, channels_dense;
    Index first_plane, planes;  // of those that `work` is for; a plane is image * channels + channel
    Window axis[3];
};

// Loops over the elements of all planes, or of those that `work` is for.
#define EACH_ELEMENT(side, planes) \
    const Index size[3] = {map.axis[0].side, map.axis[1].side, map.axis[2].side}, plane_size = size[0] * size[1] * size[2]; \
    for (Index i = (Index)blockIdx.x * blockDim.x + threadIdx.x, step = (Index)gridDim.x * blockDim.x; i < (planes) * plane_size; i += step)

// A place in a plane from a position.
struct Spot {
    Index at[3];

    __device__ Spot(const Window *axis, Index position) {
        Index rest = divide(position, axis[2].fine);
        at[2] = position - rest * axis[2].fine;
        at[0] = divide(rest, axis[1].fine), at[1] = rest - at[0] * axis[1].fine;
    }

    __device__ Index place(const View &view) const { return at[0] * view.stride[2] + at[1] * view.stride[3] + at[2] * view.stride[4]; }

    __device__ bool within(const Window *axis, const Index *q) const {
        for (int a = 0; a < 3; a++)
            if (!inside(at[a] - (q[a] * axis[a].stride - axis[a].before), axis[a].size)) return false;
        return true;
    }
};

__device__ __forceinline__ Index position_of(const Index *at, Index size1, Index size2) { return (at[0] * size1 + at[1]) * size2 + at[2]; }

// The coarse elements whose windows hold fine index f, along one axis.
__device__ inline Range windows_of(const Window &axis, Index f) {
    const Index shifted = f + axis.before, late = shifted - axis.size;
    Range range = {late < 0 ? 0 : divide(late, axis.stride) + 1, divide(shifted, axis.stride) + 1};
    if (range.end > axis.coarse) range.end = axis.coarse;
    return range;
}

template <class S>
__device__ void max_pool(const Pooling &map) {
    EACH_ELEMENT(coarse, map.batch * map.channels) {
        const Element q(i, size, map.channels, map.channels_dense);
        const S *fine = (const S *)map.fine.data + q.plane(map.fine);
        Index begin[3], end[3];
        for (int a = 0; a < 3; a++) {
            const Index first = q.at[a] * map.axis[a].stride - map.axis[a].before, last = first + map.axis[a].size;
            begin[a] = first < 0 ? 0 : first, end[a] = last < map.axis[a].fine ? last : map.axis[a].fine;
        }
        S best = S(0);
        Index place = -1;
        for (Index i0 = begin[0]; i0 < end[0]; i0++)
            for (Index i1 = begin[1]; i1 < end[1]; i1++)
                for (Index i2 = begin[2]; i2 < end[2]; i2++) {
                    const S here = fine[i0 * map.fine.stride[2] + i1 * map.fine.stride[3] + i2 * map.fine.stride[4]];
                    const Wide<S> value = here, most = best;
                    // A NaN, which equals nothing, is taken, and never left again.
                    if (place < 0 || (!(value <= most) && most == most))
                        best = here, place = (i0 * map.axis[1].fine + i1) * map.axis[2].fine + i2;
                }
        ((S *)map.coarse.data)[q.place(map.coarse)] = best;
        ((Index *)map.indices.data)[q.place(map.indices)] = place;
    }
}

// work[0]: whether an index lies outside of the plane; work[1]: whether one lies outside of its window. Zeros before.
__device__ inline void check_indices(const Pooling &map) {
    const Index positions = map.axis[0].fine * map.axis[1].fine * map.axis[2].fine;
    EACH_ELEMENT(coarse, map.batch * map.channels) {
        const Element q(i, size, map.channels, map.channels_dense);
        const Index index = ((const Index *)map.indices.data)[q.place(map.indices)];
        if (!inside(index, positions)) {
            ((Index *)map.work)[0] = 1;
        } else if (!Spot(map.axis, index).within(map.axis, q.at)) {
            ((Index *)map.work)[1] = 1;
        }
    }
}

// Near: the coarse elements whose index is this fine element, in scan order.
template <class S, class Take>
__device__ __forceinline__ void each_at(const Pooling &map, const Element &f, Index index, Take take) {
    Range range[3];
    for (int a = 0; a < 3; a++) range[a] = windows_of(map.axis[a], f.at[a]);
    const Index *indices = (const Index *)map.indices.data + f.plane(map.indices);
    const S *coarse = (const S *)map.coarse.data + f.plane(map.coarse);
    const Index *is = map.indices.stride + 2, *cs = map.coarse.stride + 2;
    for (Index q0 = range[0].begin; q0 < range[0].end; q0++)
        for (Index q1 = range[1].begin; q1 < range[1].end; q1++)
            for (Index q2 = range[2].begin; q2 < range[2].end; q2++)
                if (indices[q0 * is[0] + q1 * is[1] + q2 * is[2]] == index) take(coarse[q0 * cs[0] + q1 * cs[1] + q2 * cs[2]]);
}

template <class S>
__device__ void max_pool_backward_near(const Pooling &map) {
    EACH_ELEMENT(fine, map.batch * map.channels) {
        const Element f(i, size, map.channels, map.channels_dense);
        Wide<S> sum = 0;
        each_at<S>(map, f, position_of(f.at, size[1], size[2]), [&](S value) { sum += value; });
        ((S *)map.fine.data)[f.place(map.fine)] = S(sum);
    }
}

template <class S>
__device__ void max_unpool_near(const Pooling &map) {
    EACH_ELEMENT(fine, map.batch * map.channels) {
        const Element f(i, size, map.channels, map.channels_dense);
        S last = S(0);
        each_at<S>(map, f, position_of(f.at, size[1], size[2]), [&](S value) { last = value; });
        ((S *)map.fine.data)[f.place(map.fine)] = last;
    }
}

// An element stays if no later one that could have its index has it.
template <class S>
__device__ void max_unpool_backward_near(const Pooling &map) {
    EACH_ELEMENT(coarse, map.batch * map.channels) {
        const Element q(i, size, map.channels, map.channels_dense);
        const Index *indices = (const Index *)map.indices.data + q.plane(map.indices), *is = map.indices.stride + 2;
        const Index index = indices[q.at[0] * is[0] + q.at[1] * is[1] + q.at[2] * is[2]], here = position_of(q.at, size[1], size[2]);
        const Spot spot(map.axis, index);
        Range range[3];
        for (int a = 0; a < 3; a++) range[a] = windows_of(map.axis[a], spot.at[a]);
        bool stays = true;
        for (Index q0 = q.at[0]; q0 < range[0].end; q0++)
            for (Index q1 = range[1].begin; q1 < range[1].end; q1++)
                for (Index q2 = range[2].begin; q2 < range[2].end; q2++)
                    if ((q0 * size[1] + q1) * size[2] + q2 > here && indices[q0 * is[0] + q1 * is[1] + q2 * is[2]] == index) stays = false;
        const S value = ((const S *)map.fine.data)[q.plane(map.fine) + spot.place(map.fine)];
        ((S *)map.coarse.data)[q.place(map.coarse)] = stays ? value : S(0);
    }
}

// Far: a block for each plane. Thread t has the fine elements whose position is t modulo THREADS; indices and values are read
// together, as many at a time as there are threads, and each thread adds up its own in scan order. Sums of the type that is stored
// are made where they go, others in `work`.
template <class S>
__device__ void max_pool_backward_far(const Pooling &map) {
    typedef Wide<S> T;
    constexpr bool IN_PLACE = sizeof(S) == sizeof(T);
    constexpr int THREADS = 256;
    __shared__ Index places[THREADS];
    __shared__ T values[THREADS];
    const int thread = threadIdx.x;
    const Index coarse_size[3] = {map.axis[0].coarse, map.axis[1].coarse, map.axis[2].coarse};
    const Index total = coarse_size[0] * coarse_size[1] * coarse_size[2];
    const Index positions = map.axis[0].fine * map.axis[1].fine * map.axis[2].fine;
    for (Index i = blockIdx.x; i < map.planes; i += gridDim.x) {
        const Index plane = map.first_plane + i, image = divide(plane, map.channels), channel = plane - image * map.channels;
        S *fine = (S *)map.fine.data + image * map.fine.stride[0] + channel * map.fine.stride[1];
        T *work = (T *)map.work + i * positions;
        auto sum_at = [&](Index position) -> T & {
            return IN_PLACE ? ((T *)fine)[Spot(map.axis, position).place(map.fine)] : work[position];
        };
        for (Index position = thread; position < positions; position += THREADS) sum_at(position) = 0;
        for (Index first = 0; first < total; first += THREADS) {
            const int count = total - first < THREADS ? (int)(total - first) : THREADS;
            __syncthreads();  // all have looked at those before
            if (thread < count) {
                const Element q(plane * total + first + thread, coarse_size, map.channels, false);
                places[thread] = ((const Index *)map.indices.data)[q.place(map.indices)];
                values[thread] = ((const S *)map.coarse.data)[q.place(map.coarse)];
            }
            __syncthreads();
            for (int k = 0; k < count; k++)
                if (places[k] % THREADS == thread) sum_at(places[k]) += values[k];
        }
        if (!IN_PLACE)
            for (Index position = thread; position < positions; position += THREADS)
                fine[Spot(map.axis, position).place(map.fine)] = S(work[position]);
    }
}

// Far: work is zeros before.
__device__ inline void mark_last(const Pooling &map) {
    const Index positions = map.axis[0].fine * map.axis[1].fine * map.axis[2].fine;
    EACH_ELEMENT(coarse, map.planes) {
        const Index plane = divide(i, plane_size);
        const Element q(map.first_plane * plane_size + i, size, map.channels, false);
        const Index index = ((const Index *)map.indices.data)[q.place(map.indices)];
        atomicMax((unsigned long long *)map.work + plane * positions + index, (unsigned long long)(i - plane * plane_size + 1));
    }
}

template <class S>
__device__ void max_unpool_far(const Pooling &map) {
    EACH_ELEMENT(fine, map.planes) {
        const Element f(map.first_plane * plane_size + i, size, map.channels, false);
        const Index last = ((const Index *)map.work)[i] - 1;
        S value = S(0);
        if (last >= 0) {
            Index rest = divide(last, map.axis[2].coarse), q[3];
            q[2] = last - rest * map.axis[2].coarse, q[0] = divide(rest, map.axis[1].coarse), q[1] = rest - q[0] * map.axis[1].coarse;
            value = ((const S *)map.coarse.data)[f.plane(map.coarse) + q[0] * map.coarse.stride[2] + q[1] * map.coarse.stride[3] +
                                                 q[2] * map.coarse.stride[4]];
        }
        ((S *)map.fine.data)[f.place(map.fine)] = value;
    }
}

template <class S>
__device__ void max_unpool_backward_far(const Pooling &map) {
    const Index positions = map.axis[0].fine * map.axis[1].fine * map.axis[2].fine;
    EACH_ELEMENT(coarse, map.planes) {
        const Index plane = divide(i, plane_size);
        const Element q(map.first_plane * plane_size + i, size, map.channels, false);
        const Index index = ((const Index *)map.indices.data)[q.place(map.indices)];
        const bool stays = ((const Index *)map.work)[plane * positions + index] == i - plane * plane_size + 1;
        const S value = ((const S *)map.fine.data)[q.plane(map.fine) + Spot(map.axis, index).place(map.fine)];
        ((S *)map.coarse.data)[q.place(map.coarse)] = stays ? value : S(0);
    }
}

// Indices that count the whole tensor, from those that count each plane, or back: `coarse` becomes `indices`, with `planes`
// times the position of each plane's first element added.
__device__ inline void move_indices(const Pooling &map) {
    const Index positions = map.axis[0].fine * map.axis[1].fine * map.axis[2].fine;
    EACH_ELEMENT(coarse, map.batch * map.channels) {
        const Element q(i, size, map.channels, map.channels_dense);
        const Index first = (q.image * map.channels + q.channel) * positions;
        const unsigned long long index = ((const unsigned long long *)map.coarse.data)[q.place(map.coarse)];  // may be anything
        ((unsigned long long *)map.indices.data)[q.place(map.indices)] = index + (unsigned long long)(map.planes * first);
    }
}
