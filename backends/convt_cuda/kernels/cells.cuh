// scatter where the kernel is as large as the stride: the fine array falls into cells of stride elements, and no two coarse
// positions reach the same one. One product for all taps (tile.cuh has the loop):
//
//                             columns: images x cells
//                             +---------------------+
//     channels                |  coarse[c][cell]    |      as it lies in memory
//                             +---------------------+
//     +--------------------+  +---------------------+
//     |  weight            |  |  a block:           |      rows: (fine channel, tap), as the weights lie in memory;
//     |  [c][(m, tap)]     |  |  BM x BN sums       |      those of all taps meet the same columns
//     +--------------------+  +---------------------+
//
// Sums of neighbouring taps are neighbours in the output, but lie in rows of the block, in registers of several threads. So
// they go through shared memory, SLAB columns at a time, and out from there in the order of the output: in whole rows, 16 bytes
// at a time where they lie so. For two taps a, b of the last axis:
//
//     row a    a0 a1 a2 a3 ..
//     row b    b0 b1 b2 b3 ..      ->      a line    a0 b0 a1 b1 a2 b2 a3 b3 ..
//
// Where channels are what lies side by side (N...C), rows are (tap, channel), and a line is a cell's row of channels.
//
// Cells that the ends of the fine array cut are computed whole and written in part. Those beyond the coarse array (negative
// crop, output padding) have zeros as inputs, so that they get the bias.
#pragma once
#include "tile.cuh"

__device__ __forceinline__ Index floor_divide(Index a, Index b) { return a >= 0 ? divide(a, b) : -divide(b - 1 - a, b); }

// Cell u has the coarse index in_first + u, and its first tap is of the fine index out_first + u * out_step.
__device__ inline Phase cell_phase(const Axis &axis) {
    Phase p;
    const Index first = floor_divide(axis.padding, axis.stride), last = floor_divide(axis.fine - 1 + axis.padding, axis.stride);
    p.out_first = first * axis.stride - axis.padding, p.out_step = axis.stride, p.outputs = last - first + 1;
    p.tap_first = 0, p.tap_step = 1, p.taps = p.all_taps = 1;
    p.in_first = first, p.in_step = 1, p.in_tap = 0, p.in_size = axis.coarse;
    return p;
}

// What a row is.
struct CellRow {
    Index channel, tap[3];

    __device__ CellRow(const Map &map, Index row) {
        const Index taps = map.axis[0].taps * map.axis[1].taps * map.axis[2].taps;
        Index rest;
        if (map.line)
            channel = divide(row, taps), rest = row - channel * taps;
        else
            rest = divide(row, map.outputs), channel = row - rest * map.outputs;
        Index next = divide(rest, map.axis[2].taps);
        tap[2] = rest - next * map.axis[2].taps;
        tap[0] = divide(next, map.axis[1].taps), tap[1] = next - tap[0] * map.axis[1].taps;
    }

    // Its address, where `stride` is that of channels, then of axes.
    __device__ Index place(const Index *stride) const {
        return channel * stride[0] + tap[0] * stride[1] + tap[1] * stride[2] + tap[2] * stride[3];
    }
};

// A tile has whole lines only.
__device__ __forceinline__ int rows_of_cells(const Map &map, int most) { return map.line ? most - most % (int)map.line : most; }

// The weights as they lie in memory: neighbouring threads load neighbouring rows.
template <class S, int BM, class Multiplier>
struct CellWeights {
    typedef Wide<S> T;
    static constexpr int THREADS = Multiplier::THREADS, V = Vector<T>::LENGTH, LOADS = BK * BM / THREADS, STEP = THREADS / BM;
    static_assert(THREADS % BM == 0 && BK % STEP == 0, "whole loads");

    const int m = threadIdx.x % BM, k_first = threadIdx.x / BM;
    const Map &map;
    const S *here;  // the row's weight for this thread's first channel of the next tile
    bool exists;
    T next[LOADS];

    __device__ CellWeights(const Map &map, const Phase *, const Part &part) : map(map) {
        exists = m < rows_of_cells(map, BM) && part.row_first + m < part.rows;
        const CellRow row(map, exists ? part.row_first + m : 0);
        const Index strides[4] = {map.weight.stride[0], map.weight.stride[2], map.weight.stride[3], map.weight.stride[4]};
        here = (const S *)map.weight.data + part.group * map.weight_group + row.place(strides) + k_first * map.weight.stride[1];
    }

    __device__ void turn_to(const Tap &, const Phase *) {}  // there is one only

    __device__ void load(Index first) {
        const Index step = map.weight.stride[1];
#pragma unroll
        for (int i = 0; i < LOADS; i++)
            next[i] = exists && first + k_first + i * STEP < map.inputs ? T(here[i * STEP * step]) : T(0);
        here += BK * step;
    }

    __device__ void store(typename Multiplier::Rows &rows) const {
#pragma unroll
        for (int i = 0; i < LOADS; i++) rows[k_first + i * STEP][m / V].lane[m % V] = Multiplier::factor(next[i]);
    }
};

// The way out.
template <class S, int BM, int BN, class Multiplier>
struct CellOutputs {
    typedef Wide<S> T;
    static constexpr int SLAB = 32, THREADS = Multiplier::THREADS, V = Vector<S>::LENGTH;
    static_assert(BN % SLAB == 0 && BM >= SLAB && BM % V == 0, "whole slabs");

    struct Shared {
        Vector<S> staged[BM * (SLAB + V) / V];  // line by line, each a vector longer than it needs to be
        Index row_place[BM], row_tap[BM][3];
        int row_staged[BM];
        T start[BM];
        Index column_place[SLAB], column_first[SLAB][3];
        bool column_whole[SLAB], column_read[SLAB];  // all of its taps are in the output; it is in the input
    };

    // How a slab is staged: row m of column n is at m / line * line_pitch + n * pitch + m % line.
    struct Form {
        int line, pitch, line_pitch, rows, columns;  // rows and columns: those that exist

        __device__ Form(const Map &map, const Part &part) {
            line = map.line ? (int)map.line : BM;
            pitch = map.line ? line : line + V, line_pitch = map.line ? SLAB * line + V : 0;
            const int most = rows_of_cells(map, BM);
            rows = part.rows - part.row_first < most ? (int)(part.rows - part.row_first) : most;
        }
    };

    // Whether each 16 bytes of a line are together in the output, within one row of it, all inside or all outside of it.
    __device__ static bool vectors_fit(const Map &map, const Phase *phase, const S *out) {
        const Index *stride = map.out.stride;
        if (stride[map.line ? 4 : 1] != 1 || (unsigned long long)out % 16) return false;
        const Index all = stride[0] | stride[2] | stride[3] |
                          (map.line ? stride[1] | map.line * phase[2].outputs | phase[2].out_first | map.axis[2].fine
                                    : stride[4] | map.outputs);
        return all % V == 0;
    }

    // U elements at a time, in the order of the output.
    template <int U>
    __device__ static void send(const Map &map, const Form &form, S *out, const Shared &shared) {
        const S *staged = shared.staged[0].lane;
        const int lines = (form.rows + form.line - 1) / form.line;
        for (int e = threadIdx.x * U; e < lines * SLAB * form.line; e += THREADS * U) {
            const int cell = (unsigned)e / (unsigned)form.line, within = e - cell * form.line;
            const int line = cell / SLAB, n = cell % SLAB, m = line * form.line + within;
            if (n >= form.columns || m >= form.rows) continue;
            bool is_inside = true;
            if (!shared.column_whole[n])
                for (int a = 0; a < 3; a++)
                    is_inside = is_inside && inside(shared.column_first[n][a] + shared.row_tap[m][a], map.axis[a].fine);
            if (!is_inside) continue;
            S *to = out + shared.column_place[n] + shared.row_place[m];
            const S *from = staged + line * form.line_pitch + n * form.pitch + within;
            if (U == 1)
                *to = *from;
            else
                *(Vector<S> *)to = *(const Vector<S> *)from;
        }
    }

    __device__ static void write(const Map &map, const Phase *phase, const Part &part, const Multiplier &block, Shared &shared) {
        const int thread = threadIdx.x;
        Form form(map, part);
        S *staged = shared.staged[0].lane, *out = (S *)map.out.data + part.group * map.outputs * map.out.stride[1];
        const bool in_vectors = vectors_fit(map, phase, out);
        if (thread < form.rows) {
            const S *bias = (const S *)map.bias;
            const CellRow row(map, part.row_first + thread);
            shared.row_place[thread] = row.place(map.out.stride + 1);
            for (int a = 0; a < 3; a++) shared.row_tap[thread][a] = row.tap[a];
            shared.row_staged[thread] = thread / form.line * form.line_pitch + thread % form.line;
            shared.start[thread] = bias ? T(bias[(part.group * map.outputs + row.channel) * map.bias_stride]) : T(0);
        }
#pragma unroll 1
        for (int slab = 0; slab < BN / SLAB; slab++) {
            const Index first = part.column_first + slab * SLAB;
            if (first >= part.columns) return;
            form.columns = part.columns - first < SLAB ? (int)(part.columns - first) : SLAB;
            if (thread < form.columns) {
                const Column at(first + thread, phase);
                shared.column_place[thread] = at.place(map.out, phase);
                bool whole = true, read = true;
                for (int a = 0; a < 3; a++) {
                    const Index index = at.index(a, phase);
                    shared.column_first[thread][a] = index;
                    whole = whole && index >= 0 && index + map.axis[a].taps <= map.axis[a].fine;
                    read = read && inside(phase[a].in_first + at.u[a], phase[a].in_size);
                }
                shared.column_whole[thread] = whole, shared.column_read[thread] = read;
            }
            __syncthreads();
#pragma unroll
            for (int m = 0; m < Multiplier::TM; m++) {
                const int row = block.row(m);
                if (row >= form.rows) continue;
                const int place = shared.row_staged[row];
                const T start = shared.start[row];
#pragma unroll
                for (int n = 0; n < Multiplier::TN; n++) {
                    const int column = block.column(n) - slab * SLAB;
                    if (column < 0 || column >= SLAB) continue;
                    T sum = block.sum[m][n];
                    if (sum != sum && !shared.column_read[column]) sum = 0;  // of zeros and infinite weights
                    staged[place + column * form.pitch] = S(sum + start);
                }
            }
            __syncthreads();
            if (in_vectors)
                send<V>(map, form, out, shared);
            else
                send<1>(map, form, out, shared);
            __syncthreads();
        }
    }
};

struct Cells {
    template <class S, int BM, class Multiplier>
    using Weights = CellWeights<S, BM, Multiplier>;
    template <class S, int BM, int BN, class Multiplier>
    using Results = CellOutputs<S, BM, BN, Multiplier>;

    __device__ static Index phases(const Axis &) { return 1; }
    __device__ static Phase phase(const Axis &axis, Index) { return cell_phase(axis); }
    __device__ static Index rows(const Map &map) { return map.outputs * map.axis[0].taps * map.axis[1].taps * map.axis[2].taps; }
    __device__ static int rows_of_tile(const Map &map, int most) { return rows_of_cells(map, most); }
};
