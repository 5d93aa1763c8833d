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
// global memory through registers to the other half. What lies outside of the input is multiplied as zero; inside.cuh makes up
// for it where a weight is infinite.
//
// A gather with stride would read every stride-th element of a row, and the others much later, for other taps. So `beside` taps
// of the last axis, if they divide by 2, 4 or 8, may be taken together, with fewer channels: (channel, tap) is then the depth
// of the product, BK at a time, and neighbouring threads read neighbouring elements, each of them once.
//
// How phases, weights and results look is up to a form: `Scatter` and `Gather` here, `Cells` in cells.cuh.
#pragma once
#include "geometry.cuh"
#include "inside.cuh"
#include "numbers.cuh"
#include "products.cuh"

constexpr int BK = 8;

// How deep the products of a group of taps are, padded.
__device__ __forceinline__ Index packed_depth(const Map &map) { return (map.inputs * map.beside + BK - 1) / BK * BK; }

// One packed element per step of a thread.
template <class S, int BM>
__device__ void pack(const Map &map) {
    typedef Wide<S> T;
    const Index rows = map.row_tiles * BM, depth = packed_depth(map);
    const Index taps = map.axis[0].taps * map.axis[1].taps * divide(map.axis[2].taps, map.beside);  // groups of them
    const Index total = map.groups * taps * depth * rows;
    T *packed = (T *)map.packed;
    for (Index i = (Index)blockIdx.x * blockDim.x + threadIdx.x; i < total; i += (Index)gridDim.x * blockDim.x) {
        Index rest = divide(i, rows), m = i - rest * rows;
        Index next = divide(rest, depth), k = rest - next * depth;
        rest = divide(next, taps);
        const Index c = divide(k, map.beside), tap = (next - rest * taps) * map.beside + k - c * map.beside;
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

    __device__ Index weight(const Phase *phase) const {
        Index t[3];
        for (int a = 0; a < 3; a++) t[a] = phase[a].tap_first + j[a] * phase[a].tap_step;
        return (t[0] * phase[1].all_taps + t[1]) * phase[2].all_taps + t[2];
    }
};

// What a block computes.
struct Part {
    Index row_first, rows;        // rows of all blocks
    Index column_first, columns;  // likewise
    Index group;
};

// A thread's part of the inputs on their way. ALONG_DEPTH: neighbouring threads load what is neighbours in the depth, channels
// (N...C) or taps, and not neighbouring positions.
template <class S, bool ALONG_DEPTH, int BN, class Multiplier>
struct Inputs {
    typedef Wide<S> T;
    static constexpr int THREADS = Multiplier::THREADS, V = Vector<T>::LENGTH, LOADS = BK * BN / THREADS;
    static constexpr int COLUMNS = ALONG_DEPTH ? LOADS : 1;  // different ones that a thread loads
    static_assert(BK * BN % THREADS == 0 && THREADS % BK == 0 && THREADS % BN == 0 && BN <= THREADS, "whole loads");

    struct Shared {
        Index image[BN], first[BN][3];  // of each column: where its image begins, and the first tap's input index
    };

    const Map &map;
    const Phase *phase;
    const Shared &shared;
    const int beside = ALONG_DEPTH ? (int)map.beside : 1;
    const Index depth, left;  // left: columns from the block's first on
    const int k_first = ALONG_DEPTH ? threadIdx.x % BK : threadIdx.x / BN, n_first = ALONG_DEPTH ? threadIdx.x / BK : threadIdx.x % BN;
    const S *here[COLUMNS];  // at the depth of the next tile
    bool readable[COLUMNS];
    T next[LOADS];

    __device__ static void prepare(const Map &map, const Phase *phase, const Part &part, Shared &shared) {
        const int n = threadIdx.x;
        if (n >= BN) return;
        const Column at(part.column_first + n < part.columns ? part.column_first + n : 0, phase);
        shared.image[n] = at.image * map.in.stride[0] + part.group * map.inputs * map.in.stride[1];
        for (int a = 0; a < 3; a++) shared.first[n][a] = phase[a].in_first + at.u[a] * phase[a].in_step;
    }

    __device__ Inputs(const Map &map, const Phase *phase, const Part &part, const Shared &shared)
        : map(map), phase(phase), shared(shared), depth(map.inputs * beside), left(part.columns - part.column_first) {}

    __device__ void turn_to(const Tap &tap) {
        const int channel = k_first / beside, t = k_first % beside;
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            const int n = n_first + i * (THREADS / BK);
            readable[i] = n < left;
            Index place = shared.image[n] + channel * map.in.stride[1];
            for (int a = 0; a < 3; a++) {
                Index index = shared.first[n][a] + tap.j[a] * phase[a].in_tap;
                if (ALONG_DEPTH && a == 2) index += t * map.axis[2].dilation;
                readable[i] = readable[i] && inside(index, phase[a].in_size);
                place += index * map.in.stride[2 + a];
            }
            here[i] = (const S *)map.in.data + place;
        }
    }

    // BK from `first` on in the depth.
    __device__ void load(Index first) {
#pragma unroll
        for (int i = 0; i < LOADS; i++) {
            const int more = ALONG_DEPTH ? 0 : i * (THREADS / BN), x = ALONG_DEPTH ? i : 0;
            next[i] = readable[x] && first + k_first + more < depth ? here[x][more * map.in.stride[1]] : T(0);
        }
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) here[i] += BK / beside * map.in.stride[1];
    }

    __device__ void store(typename Multiplier::Columns &columns) const {
#pragma unroll
        for (int i = 0; i < LOADS; i++) {
            const int k = ALONG_DEPTH ? k_first : k_first + i * (THREADS / BN);
            const int n = ALONG_DEPTH ? n_first + i * (THREADS / BK) : n_first;
            columns[k][n / V].lane[n % V] = Multiplier::factor(next[i]);
        }
    }
};

// And of the weights that pack() left.
template <class S, int BM, class Multiplier>
struct PackedWeights {
    typedef Wide<S> T;
    static constexpr int THREADS = Multiplier::THREADS, V = Vector<T>::LENGTH, LOADS = (BK * BM / V + THREADS - 1) / THREADS;

    const Index width, deep;  // of a tap's matrix
    const T *matrices, *here;
    Vector<T> next[LOADS];

    __device__ PackedWeights(const Map &map, const Phase *phase, const Part &part) : width(map.row_tiles * BM), deep(packed_depth(map)) {
        matrices = (const T *)map.packed + part.row_first;
        matrices += part.group * map.axis[0].taps * map.axis[1].taps * phase[2].all_taps * deep * width;
    }

    __device__ void turn_to(const Tap &tap, const Phase *phase) { here = matrices + tap.weight(phase) * deep * width; }

    __device__ void load(Index) {
#pragma unroll
        for (int i = 0; i < LOADS; i++) {
            const int item = threadIdx.x + i * THREADS, k = item / (BM / V), m = item % (BM / V) * V;
            if (item < BK * BM / V) next[i] = *(const Vector<T> *)(here + k * width + m);
        }
        here += BK * width;
    }

    __device__ void store(typename Multiplier::Rows &rows) {
#pragma unroll
        for (int i = 0; i < LOADS; i++) {
            const int item = threadIdx.x + i * THREADS, k = item / (BM / V), m = item % (BM / V) * V;
            if (item >= BK * BM / V) continue;
#pragma unroll
            for (int v = 0; v < V; v++) next[i].lane[v] = Multiplier::factor(next[i].lane[v]);
            rows[k][m / V] = next[i];
        }
    }
};

// The bias, and out.
template <class S, int BM, int BN, class Multiplier>
struct Outputs {
    struct Shared {};

    __device__ static void write(const Map &map, const Phase *phase, const Part &part, const Multiplier &block, Shared &) {
        typedef Wide<S> T;
        const S *bias = (const S *)map.bias;
        S *out = (S *)map.out.data + part.group * map.outputs * map.out.stride[1];
        unsigned long long not_numbers = 0;  // a bit for each of this thread's sums
        static_assert(Multiplier::TM * Multiplier::TN <= 64, "a bit for each");
#pragma unroll
        for (int n = 0; n < Multiplier::TN; n++) {
            const Index column = part.column_first + block.column(n);
            if (column >= part.columns) continue;
            const Index place = Column(column, phase).place(map.out, phase);
#pragma unroll
            for (int m = 0; m < Multiplier::TM; m++) {
                const Index row = part.row_first + block.row(m);
                if (row >= part.rows) continue;
                const T start = bias ? bias[(part.group * map.outputs + row) * map.bias_stride] : T(0);
                const T sum = block.sum[m][n];
                out[place + row * map.out.stride[1]] = S(sum + start);
                if (sum != sum) not_numbers |= 1ull << (m * Multiplier::TN + n);
            }
        }
        if (!not_numbers) return;
#pragma unroll 1
        for (int i = 0; i < Multiplier::TM * Multiplier::TN; i++)
            if (not_numbers >> i & 1)
                write_inside<S>(map, phase, part.group, part.row_first + block.row(i / Multiplier::TN),
                                part.column_first + block.column(i % Multiplier::TN));
    }
};

template <bool SCATTER>
struct ByPhase {
    template <class S, int BM, class Multiplier>
    using Weights = PackedWeights<S, BM, Multiplier>;
    template <class S, int BM, int BN, class Multiplier>
    using Results = Outputs<S, BM, BN, Multiplier>;

    __device__ static Index phases(const Axis &axis) { return ::phases<SCATTER>(axis); }
    __device__ static Phase phase(const Axis &axis, Index first) { return phase_of<SCATTER>(axis, first); }
    __device__ static Index rows(const Map &map) { return map.outputs; }
    __device__ static int rows_of_tile(const Map &, int most) { return most; }
};

typedef ByPhase<true> Scatter;
typedef ByPhase<false> Gather;

template <class S, class Form, bool ALONG_DEPTH, int BM, int BN, class Multiplier>
__device__ void tile(const Map &map) {
    typedef Inputs<S, ALONG_DEPTH, BN, Multiplier> In;
    typedef typename Form::template Results<S, BM, BN, Multiplier> Results;
    static_assert(Multiplier::DEPTH == BK, "whole tiles");
    struct Tiles {
        typename Multiplier::Rows rows[2];
        typename Multiplier::Columns columns[2];
    };
    __shared__ union {
        Tiles tiles;
        typename Results::Shared results;  // when all tiles are done
    } shared;
    __shared__ typename In::Shared in_shared;
    __shared__ Phase phase[3];  // one for the whole block

    // Which block this is: row tiles are neighbours, because they read the same input.
    Part part;
    Index rest = blockIdx.x;
    Index next = divide(rest, map.row_tiles);
    part.row_first = (rest - next * map.row_tiles) * Form::rows_of_tile(map, BM), part.rows = Form::rows(map);
    rest = next, next = divide(rest, map.column_tiles);
    part.column_first = (rest - next * map.column_tiles) * BN;
    rest = next, next = divide(rest, map.groups);
    part.group = rest - next * map.groups;
    if (threadIdx.x == 0) {
#pragma unroll 1
        for (int a = 2; a >= 0; a--) {
            rest = next, next = divide(rest, Form::phases(map.axis[a]));
            phase[a] = Form::phase(map.axis[a], rest - next * Form::phases(map.axis[a]));
        }
        if (map.beside > 1) {  // from here on, taps are groups of them
            phase[2].taps = phase[2].all_taps = divide(phase[2].taps, map.beside);
            phase[2].in_tap *= map.beside;
        }
    }
    __syncthreads();
    part.columns = map.batch * phase[0].outputs * phase[1].outputs * phase[2].outputs;
    if (part.column_first >= part.columns) return;  // phases differ in size by one output along each axis
    In::prepare(map, phase, part, in_shared);
    __syncthreads();

    In inputs(map, phase, part, in_shared);
    typename Form::template Weights<S, BM, Multiplier> weights(map, phase, part);
    const Index depth = packed_depth(map);
    const Index steps = phase[0].taps * phase[1].taps * phase[2].taps * (depth / BK);
    Tap tap;
    Index first = 0;  // in the depth of its tap: of the next tile
    if (steps) {
        inputs.turn_to(tap), weights.turn_to(tap, phase);
        inputs.load(first), weights.load(first);
        inputs.store(shared.tiles.columns[0]), weights.store(shared.tiles.rows[0]);
    }
    Multiplier block;
    __syncthreads();
    for (Index step = 0; step < steps; step++) {
        const int half = step & 1;
        if (step + 1 < steps) {
            first += BK;
            if (first == depth) first = 0, tap.advance(phase), inputs.turn_to(tap), weights.turn_to(tap, phase);
            inputs.load(first), weights.load(first);
        }
        block.multiply(shared.tiles.rows[half], shared.tiles.columns[half]);
        if (step + 1 < steps) inputs.store(shared.tiles.columns[half ^ 1]), weights.store(shared.tiles.rows[half ^ 1]);
        __syncthreads();
    }
    Results::write(map, phase, part, block, shared.results);
}
