// scatter and gather as a matrix product that nobody writes down (implicit GEMM), phase by phase.
//
//                        columns: images x outputs of one phase
//                     +-------------------------------+
//     channels, for   |  in[c][u * in_step + offset]  |      one tap after the other, BK channels at a time
//     one tap         +-------------------------------+
//     +------------+  +-------------------------------+
//     |  weight    |  |  a block: BM x BN sums,       |      rows: output channels of one group
//     |  [tap][c]  |  |  TM x TN in each thread       |
//     |  [row]     |  |                               |
//     +------------+  +-------------------------------+
//
// A phase (see geometry.cuh) turns a strided map into a plain correlation, so the inner loop sees neither stride nor
// dilation, and an input's address changes once per tap. Weights were packed before, [group][tap][channel][row] with both
// padded by zeros to whole tiles and as wide as the sums (see numbers.cuh), so they are loaded 16 bytes at a time without a
// question. While a tile is multiplied out of one half of the shared memory (products.cuh, tensor.cuh), the next is on its way from
// global memory through registers to the other half.
#pragma once
#include "geometry.cuh"
#include "numbers.cuh"
#include "products.cuh"

constexpr int BK = 8;

// One packed element per step of a thread.
template <class S, int BM>
__device__ void pack(const Map &map) {
    typedef Wide<S> T;
    const Index rows = map.row_tiles * BM, channels = (map.inputs + BK - 1) / BK * BK;
    const Index taps = map.axis[0].taps * map.axis[1].taps * map.axis[2].taps;
    const Index total = map.groups * taps * channels * rows;
    T *packed = (T *)map.packed;
    for (Index i = (Index)blockIdx.x * blockDim.x + threadIdx.x; i < total; i += (Index)gridDim.x * blockDim.x) {
        Index rest = divide(i, rows), m = i - rest * rows;
        Index next = divide(rest, channels), c = rest - next * channels;
        rest = divide(next, taps);
        Index tap = next - rest * taps;
        T value = 0;
        if (m < map.outputs && c < map.inputs) {
            Index t2 = remainder_of(tap, map.axis[2].taps), upper = divide(tap, map.axis[2].taps);
            Index t1 = remainder_of(upper, map.axis[1].taps), t0 = divide(upper, map.axis[1].taps);
            const Index *stride = map.weight.stride;
            value = ((const S *)map.weight.data)[rest * map.weight_group + m * stride[0] + c * stride[1] + t0 * stride[2] +
                                                 t1 * stride[3] + t2 * stride[4]];
        }
        packed[i] = value;
    }
}

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
};

// The taps of a phase, one after the other.
struct Tap {
    Index j[3] = {0, 0, 0};

    __device__ void advance(const Phase *phase) {
        if (++j[2] < phase[2].taps) return;
        j[2] = 0;
        if (++j[1] < phase[1].taps) return;
        j[1] = 0;
        ++j[0];
    }

    __device__ Index weight(const Phase *phase, const Axis *axis) const {
        Index t[3];
        for (int a = 0; a < 3; a++) t[a] = phase[a].tap_first + j[a] * phase[a].tap_step;
        return (t[0] * axis[1].taps + t[1]) * axis[2].taps + t[2];
    }
};

// CHANNELS_DENSE: neighbouring threads load neighbouring channels (N...C), not neighbouring positions.
template <class S, bool SCATTER, bool CHANNELS_DENSE, int BM, int BN, class Multiplier>
__device__ void tile(const Map &map) {
    typedef Wide<S> T;
    constexpr int TM = Multiplier::TM, TN = Multiplier::TN, THREADS = Multiplier::THREADS, V = Vector<T>::LENGTH;
    constexpr int A_LOADS = (BK * BM / V + THREADS - 1) / THREADS, B_LOADS = BK * BN / THREADS;
    constexpr int COLUMNS = CHANNELS_DENSE ? B_LOADS : 1;  // different ones that a thread loads
    static_assert(Multiplier::DEPTH == BK && BK * BN % THREADS == 0 && THREADS % BK == 0 && THREADS % BN == 0, "whole loads");
    __shared__ typename Multiplier::Rows a_tile[2];
    __shared__ typename Multiplier::Columns b_tile[2];

    // Which block this is: row tiles are neighbours, because they read the same input.
    Index rest = blockIdx.x;
    Index next = divide(rest, map.row_tiles);
    const Index row_first = (rest - next * map.row_tiles) * BM;
    rest = next, next = divide(rest, map.column_tiles);
    const Index column_first = (rest - next * map.column_tiles) * BN;
    rest = next, next = divide(rest, map.groups);
    const Index group = rest - next * map.groups;
    __shared__ Phase phase[3];  // one for the whole block
    if (threadIdx.x == 0)
#pragma unroll 1
        for (int a = 2; a >= 0; a--) {
            rest = next, next = divide(rest, phases<SCATTER>(map.axis[a]));
            phase[a] = phase_of<SCATTER>(map.axis[a], rest - next * phases<SCATTER>(map.axis[a]));
        }
    __syncthreads();
    const Index columns = map.batch * phase[0].outputs * phase[1].outputs * phase[2].outputs;
    if (column_first >= columns) return;  // phases differ in size by one output along each axis

    // What this thread loads.
    const int thread = threadIdx.x;
    const Index rows = map.row_tiles * BM, channels = (map.inputs + BK - 1) / BK * BK;
    const Index all_taps = map.axis[0].taps * map.axis[1].taps * map.axis[2].taps;
    const S *in = (const S *)map.in.data + group * map.inputs * map.in.stride[1];
    const T *packed = (const T *)map.packed + group * all_taps * channels * rows + row_first;
    Index first[COLUMNS][3], address[COLUMNS];
    const S *image[COLUMNS];
    bool exists[COLUMNS], readable[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) {
        const Index column = column_first + (CHANNELS_DENSE ? thread / BK + i * (THREADS / BK) : thread % BN);
        exists[i] = column < columns;
        const Column at(exists[i] ? column : 0, phase);
        image[i] = in + at.image * map.in.stride[0];
        for (int a = 0; a < 3; a++) first[i][a] = phase[a].in_first + at.u[a] * phase[a].in_step;
    }

    Tap tap;
    Index channel = 0;          // of the next tile
    const T *weight = packed;   // of its tap
    Vector<T> a_next[A_LOADS];
    T b_next[B_LOADS];

    auto turn_to_tap = [&]() {
        weight = packed + tap.weight(phase, map.axis) * channels * rows;
        for (int i = 0; i < COLUMNS; i++) {
            address[i] = 0, readable[i] = exists[i];
            for (int a = 0; a < 3; a++) {
                const Index index = first[i][a] + tap.j[a] * phase[a].in_tap;
                readable[i] = readable[i] && inside(index, phase[a].in_size);
                address[i] += index * map.in.stride[2 + a];
            }
        }
    };
    auto load = [&]() {
#pragma unroll
        for (int i = 0; i < A_LOADS; i++) {
            const int item = thread + i * THREADS, k = item / (BM / V), m = item % (BM / V) * V;
            if (item < BK * BM / V) a_next[i] = *(const Vector<T> *)(weight + (channel + k) * rows + m);
        }
#pragma unroll
        for (int i = 0; i < B_LOADS; i++) {
            const Index c = channel + (CHANNELS_DENSE ? thread % BK : thread / BN + i * (THREADS / BN));
            const int x = CHANNELS_DENSE ? i : 0;
            b_next[i] = readable[x] && c < map.inputs ? image[x][address[x] + c * map.in.stride[1]] : T(0);
        }
    };
    auto store = [&](int half) {
#pragma unroll
        for (int i = 0; i < A_LOADS; i++) {
            const int item = thread + i * THREADS, k = item / (BM / V), m = item % (BM / V) * V;
            if (item >= BK * BM / V) continue;
#pragma unroll
            for (int v = 0; v < V; v++) a_next[i].lane[v] = Multiplier::factor(a_next[i].lane[v]);
            a_tile[half][k][m / V] = a_next[i];
        }
#pragma unroll
        for (int i = 0; i < B_LOADS; i++) {
            const int k = CHANNELS_DENSE ? thread % BK : thread / BN + i * (THREADS / BN);
            const int n = CHANNELS_DENSE ? thread / BK + i * (THREADS / BK) : thread % BN;
            b_tile[half][k][n / V].lane[n % V] = Multiplier::factor(b_next[i]);
        }
    };

    Multiplier block;
    const Index steps = phase[0].taps * phase[1].taps * phase[2].taps * (channels / BK);
    if (steps) turn_to_tap(), load(), store(0);
    __syncthreads();
    for (Index step = 0; step < steps; step++) {
        const int half = step & 1;
        if (step + 1 < steps) {
            channel += BK;
            if (channel == channels) channel = 0, tap.advance(phase), turn_to_tap();
            load();
        }
        block.multiply(a_tile[half], b_tile[half]);
        if (step + 1 < steps) store(half ^ 1);
        __syncthreads();
    }

    // The bias, and out.
    const S *bias = (const S *)map.bias;
    S *out = (S *)map.out.data + group * map.outputs * map.out.stride[1];
#pragma unroll
    for (int n = 0; n < TN; n++) {
        const Index column = column_first + block.column(n);
        if (column >= columns) continue;
        const Column at(column, phase);
        Index place = at.image * map.out.stride[0];
        for (int a = 0; a < 3; a++) place += (phase[a].out_first + at.u[a] * phase[a].out_step) * map.out.stride[2 + a];
#pragma unroll
        for (int m = 0; m < TM; m++) {
            const Index row = row_first + block.row(m);
            if (row >= map.outputs) continue;
            const T start = bias ? bias[(group * map.outputs + row) * map.bias_stride] : T(0);
            out[place + row * map.out.stride[1]] = S(block.sum[m][n] + start);
        }
    }
}
