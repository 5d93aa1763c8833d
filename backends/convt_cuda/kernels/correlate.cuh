// correlate as a matrix product, and as sums of single weights.
//
//     rows: coarse channels of a group      columns: (fine channel, tap)      summed over: images x coarse positions
//
// The positions are cut into `splits` parts, each summed by a block of its own into a part of the workspace; sums.cuh adds
// the parts up in their order. So results have the same bits every time, which atomic additions would not give. Parts are as
// wide as sums (see numbers.cuh), and only what goes to the result itself is rounded.
//
// What lies outside of the fine array is multiplied as zero, which coarse elements that are not finite must not meet. So these are
// taken as zeros too, and what they give with what lies inside is added to the results at the end.
#pragma once
#include "geometry.cuh"
#include "numbers.cuh"
#include "products.cuh"

// A coarse position, walked in steps.
struct Position {
    Index image, q[3];

    __device__ Position(Index position, const Axis *axis) {
        Index rest = divide(position, axis[2].coarse);
        q[2] = position - rest * axis[2].coarse;
        Index next = divide(rest, axis[1].coarse);
        q[1] = rest - next * axis[1].coarse;
        image = divide(next, axis[0].coarse);
        q[0] = next - image * axis[0].coarse;
    }

    __device__ void advance(int step, const Axis *axis) {
        q[2] += step;
        while (q[2] >= axis[2].coarse) {
            q[2] -= axis[2].coarse;
            if (++q[1] < axis[1].coarse) continue;
            q[1] = 0;
            if (++q[0] < axis[0].coarse) continue;
            q[0] = 0, ++image;
        }
    }
};

// A sum to its place in the result, or as a part of it in the workspace.
template <class S>
__device__ __forceinline__ void put(const Correlation &map, Index place, Wide<S> sum) {
    if (map.splits > 1)
        ((Wide<S> *)map.out.data)[place] = sum;
    else
        ((S *)map.out.data)[place] = S(sum);
}

// Of a column, (fine channel, tap), in the result.
__device__ __forceinline__ Index place_of(const Correlation &map, Index column) {
    const Index taps = map.axis[0].taps * map.axis[1].taps * map.axis[2].taps;
    const Index c = divide(column, taps), tap = column - c * taps, upper = divide(tap, map.axis[2].taps);
    const Index t1 = remainder_of(upper, map.axis[1].taps), t0 = divide(upper, map.axis[1].taps);
    return c * map.out.stride[1] + t0 * map.out.stride[2] + t1 * map.out.stride[3] + (tap - upper * map.axis[2].taps) * map.out.stride[4];
}

constexpr int MARKS = 1024;

// Coarse elements that are not finite, of the positions that are marked, times what lies inside: into the results that this thread
// has written. A call of short loops, so that the tile keeps its registers.
template <class S, class Multiplier>
__device__ __noinline__ void add_left_out(
    const Correlation &map, const bool *left_out, Index per_mark, Index begin, Index end, Index group, Index row_first, Index column_first,
    Index out
) {
    typedef Wide<S> T;
    const Multiplier block;
    const Index taps = map.axis[0].taps * map.axis[1].taps * map.axis[2].taps;
#pragma unroll 1
    for (int m = 0; m < Multiplier::TM; m++) {
        const Index row = row_first + block.row(m);
        if (row >= map.outputs) continue;
        const S *coarse = (const S *)map.coarse.data + (group * map.outputs + row) * map.coarse.stride[1];
#pragma unroll 1
        for (int n = 0; n < Multiplier::TN; n++) {
            const Index column = column_first + block.column(n);
            if (column >= map.inputs * taps) continue;
            const Index place = out + row * map.out.stride[0] + place_of(map, column), c = divide(column, taps);
            const S *fine = (const S *)map.fine.data + (group * map.inputs + c) * map.fine.stride[1];
            T sum = 0;
#pragma unroll 1
            for (Index position = begin; position < end && sum == sum; position++) {
                if (!left_out[(position - begin) / per_mark]) {
                    position += per_mark - 1;
                    continue;
                }
                const Position at(position, map.axis);
                Index a = at.image * map.coarse.stride[0], b = at.image * map.fine.stride[0], rest = column - c * taps;
                bool readable = true;
#pragma unroll 1
                for (int axis = 2; axis >= 0; axis--) {
                    const Axis &g = map.axis[axis];
                    const Index next = divide(rest, g.taps), tap = rest - next * g.taps;
                    const Index index = at.q[axis] * g.stride - g.padding + tap * g.dilation;
                    readable = readable && inside(index, g.fine);
                    a += at.q[axis] * map.coarse.stride[2 + axis], b += index * map.fine.stride[2 + axis], rest = next;
                }
                const T value = coarse[a];
                if (readable && value * T(0) != 0) sum += value * T(fine[b]);
            }
            put<S>(map, place, (map.splits > 1 ? ((T *)map.out.data)[place] : T(((S *)map.out.data)[place])) + sum);
        }
    }
}

template <class S, int BM, int BN, class Multiplier>
__device__ void correlate_tile(const Correlation &map) {
    typedef Wide<S> T;
    constexpr int DEPTH = Multiplier::DEPTH, THREADS = Multiplier::THREADS, V = Vector<T>::LENGTH;
    constexpr int LANES = THREADS / DEPTH, A_LOADS = BM / LANES, B_LOADS = BN / LANES;
    static_assert(THREADS % DEPTH == 0 && BM % LANES == 0 && BN % LANES == 0, "whole loads");
    __shared__ typename Multiplier::Rows a_tile;
    __shared__ typename Multiplier::Columns b_tile;
    __shared__ Index column_index[BN][3], column_address[BN];  // what a column adds to a position's fine index and address
    __shared__ bool found, left_out[MARKS];                    // whether coarse elements are left out, and in which `per_mark` positions

    const Index taps = map.axis[0].taps * map.axis[1].taps * map.axis[2].taps, columns = map.inputs * taps;
    const Index row_tiles = (map.outputs + BM - 1) / BM, column_tiles = (columns + BN - 1) / BN;
    Index rest = blockIdx.x;
    Index next = divide(rest, row_tiles);
    const Index row_first = (rest - next * row_tiles) * BM;
    rest = next, next = divide(rest, column_tiles);
    const Index column_first = (rest - next * column_tiles) * BN;
    const Index split = divide(next, map.groups), group = next - split * map.groups;
    const Index positions = map.batch * map.axis[0].coarse * map.axis[1].coarse * map.axis[2].coarse;
    const Index begin = split * map.per_split, end = begin + map.per_split < positions ? begin + map.per_split : positions;

    const int thread = threadIdx.x;
    const Index per_mark = ((map.per_split + MARKS - 1) / MARKS + DEPTH - 1) / DEPTH * DEPTH;
    if (thread == 0) found = false;
    for (int i = thread; i < MARKS; i += THREADS) left_out[i] = false;
    for (int n = thread; n < BN; n += THREADS) {
        const Index column = column_first + n < columns ? column_first + n : 0;
        const Index c = divide(column, taps), tap = column - c * taps;
        const Index upper = divide(tap, map.axis[2].taps), t[3] = {divide(upper, map.axis[1].taps), remainder_of(upper, map.axis[1].taps),
                                                                  tap - upper * map.axis[2].taps};
        column_address[n] = (group * map.inputs + c) * map.fine.stride[1];
        for (int a = 0; a < 3; a++) {
            column_index[n][a] = t[a] * map.axis[a].dilation - map.axis[a].padding;
            column_address[n] += column_index[n][a] * map.fine.stride[2 + a];
        }
    }
    __syncthreads();

    const int lane = thread % DEPTH, first = thread / DEPTH;
    const S *coarse = (const S *)map.coarse.data + (group * map.outputs + row_first) * map.coarse.stride[1];
    const S *fine = (const S *)map.fine.data;
    T a_next[A_LOADS], b_next[B_LOADS];
    Index position = begin + lane;
    Position at(position < end ? position : 0, map.axis);
    auto load = [&]() {
        const bool live = position < end;
        const S *a = coarse + at.image * map.coarse.stride[0], *b = fine + at.image * map.fine.stride[0];
        Index corner[3];
        for (int axis = 0; axis < 3; axis++) {
            a += at.q[axis] * map.coarse.stride[2 + axis];
            corner[axis] = at.q[axis] * map.axis[axis].stride;
            b += corner[axis] * map.fine.stride[2 + axis];
        }
#pragma unroll
        for (int i = 0; i < A_LOADS; i++) {
            const int m = first + i * LANES;
            a_next[i] = live && row_first + m < map.outputs ? a[m * map.coarse.stride[1]] : T(0);
        }
#pragma unroll
        for (int i = 0; i < B_LOADS; i++) {
            const int n = first + i * LANES;
            bool readable = live && column_first + n < columns;
            for (int axis = 0; axis < 3; axis++)
                readable = readable && inside(corner[axis] + column_index[n][axis], map.axis[axis].fine);
            b_next[i] = readable ? b[column_address[n]] : T(0);
        }
        position += DEPTH;
        if (position < end) at.advance(DEPTH, map.axis);
    };

    auto store = [&](Vector<T> *row, int at, T value) { row[at / V].lane[at % V] = Multiplier::factor(value); };

    Multiplier block;
    load();
    for (Index start = begin; start < end; start += DEPTH) {
        T odd = 0;  // stays so while all are finite
#pragma unroll
        for (int i = 0; i < A_LOADS; i++) odd += a_next[i] * T(0);
        if (odd != 0) {
            found = true, left_out[(start - begin) / per_mark] = true;
#pragma unroll
            for (int i = 0; i < A_LOADS; i++)
                if (a_next[i] * T(0) != 0) a_next[i] = 0;
        }
#pragma unroll
        for (int i = 0; i < A_LOADS; i++) store(a_tile[lane], first + i * LANES, a_next[i]);
#pragma unroll
        for (int i = 0; i < B_LOADS; i++) store(b_tile[lane], first + i * LANES, b_next[i]);
        __syncthreads();
        if (start + DEPTH < end) load();  // arrives while the tile is multiplied
        block.multiply(a_tile, b_tile);
        __syncthreads();
    }

    const Index out = split * map.out_split + group * map.out_group;
#pragma unroll
    for (int n = 0; n < Multiplier::TN; n++) {
        const Index column = column_first + block.column(n);
        if (column >= columns) continue;
        const Index place = place_of(map, column);
#pragma unroll
        for (int m = 0; m < Multiplier::TM; m++) {
            const Index row = row_first + block.row(m);
            if (row < map.outputs) put<S>(map, out + row * map.out.stride[0] + place, block.sum[m][n]);
        }
    }
    if (found) add_left_out<S, Multiplier>(map, left_out, per_mark, begin, end, group, row_first, column_first, out);
}

// The sum over a block's threads, in a fixed order; the first thread has it.
template <class T, int THREADS>
__device__ T block_sum(T value) {
    __shared__ T sums[THREADS];
    const int thread = threadIdx.x;
    sums[thread] = value;
    __syncthreads();
    for (int width = THREADS / 2; width > 0; width /= 2) {
        if (thread < width) sums[thread] += sums[thread + width];
        __syncthreads();
    }
    const T total = sums[0];
    __syncthreads();
    return total;
}

// The first q from 0 to `size` of which q * stride is not below `bound`, else `size`.
__device__ __forceinline__ Index first_from(Index bound, Index stride, Index size) {
    const Index q = bound <= 0 ? 0 : divide(bound + stride - 1, stride);
    return q < size ? q : size;
}

// A block sums one weight over one part of the positions: for groups of few channels, where a tile would stay empty. I counts along an
// axis.
template <class S, int THREADS, class I>
__device__ void correlate_direct(const Correlation &map) {
    typedef Wide<S> T;
    const Index taps = map.axis[0].taps * map.axis[1].taps * map.axis[2].taps;
    const Index weights = map.groups * map.outputs * map.inputs * taps;
    const Index positions = map.batch * map.axis[0].coarse * map.axis[1].coarse * map.axis[2].coarse;
    for (Index item = blockIdx.x; item < weights * map.splits; item += gridDim.x) {
        const Index split = divide(item, weights);
        Index next = item - split * weights, rest;
        Index t[3];
        for (int a = 2; a >= 0; a--) rest = divide(next, map.axis[a].taps), t[a] = next - rest * map.axis[a].taps, next = rest;
        rest = divide(next, map.inputs);
        const Index c = next - rest * map.inputs, group = divide(rest, map.outputs), m = rest - group * map.outputs;
        const Index begin = split * map.per_split, end = begin + map.per_split < positions ? begin + map.per_split : positions;
        const S *coarse = (const S *)map.coarse.data + (group * map.outputs + m) * map.coarse.stride[1];
        const S *fine = (const S *)map.fine.data + (group * map.inputs + c) * map.fine.stride[1];
        // The coarse positions from which this tap meets the fine array.
        const Index sizes[3] = {map.axis[0].coarse, map.axis[1].coarse, map.axis[2].coarse};
        I low[3], count[3];
        Index strides[2][4] = {{map.coarse.stride[0]}, {map.fine.stride[0]}};
        for (int axis = 0; axis < 3; axis++) {
            const Axis &g = map.axis[axis];
            const Index before = g.padding - t[axis] * g.dilation;
            low[axis] = (I)first_from(before, g.stride, g.coarse), count[axis] = (I)first_from(before + g.fine, g.stride, g.coarse) - low[axis];
            strides[0][1 + axis] = map.coarse.stride[2 + axis], strides[1][1 + axis] = g.stride * map.fine.stride[2 + axis];
            fine -= before * map.fine.stride[2 + axis];
        }
        T sum = 0;
        if (begin + threadIdx.x < end) {
            Walk<2, I> walk(begin + threadIdx.x, THREADS, sizes, strides);
#pragma unroll 1
            for (Index position = begin + threadIdx.x; position < end; position += THREADS, walk.advance()) {
                bool readable = true;
#pragma unroll
                for (int axis = 0; axis < 3; axis++) readable = readable && within(walk.at[axis] - low[axis], count[axis]);
                if (readable) sum += T(coarse[walk.place[0]]) * T(fine[walk.place[1]]);
            }
        }
        sum = block_sum<T, THREADS>(sum);
        if (threadIdx.x == 0)
            put<S>(map, split * map.out_split + group * map.out_group + m * map.out.stride[0] + c * map.out.stride[1] +
                            t[0] * map.out.stride[2] + t[1] * map.out.stride[3] + t[2] * map.out.stride[4], sum);
    }
}
