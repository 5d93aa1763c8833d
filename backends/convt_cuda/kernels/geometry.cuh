// What every kernel is told, and the geometry rule: fine = coarse * stride - padding + tap * dilation, per axis.
//
// All members are 8 bytes wide, so that Python fills a struct as a row of integers (see ../own/parameters.py). Strides count
// elements. Problems of one and two axes have leading axes of size 1.
#pragma once

typedef long long Index;

struct Axis {
    Index fine, coarse, taps, stride, padding, dilation;
    Index common;   // gcd(stride, dilation): only phases of which it divides `phase + padding` have taps
    Index inverse;  // of dilation / common, modulo stride / common
};

struct View {
    void *data;
    Index stride[5];  // batch, channel, axes; of the kernel: coarse, fine channel, axes
};

// scatter and gather are one map: out[m][o] += in[c][i] * weight[m][c][tap]
struct Map {
    View in, out, weight;  // weight.stride: m, c, axes
    const void *bias;
    void *packed;
    int *guard;  // not 0 if it is needed at all; null if that is known (see guard.cuh)
    Index bias_stride;
    Index batch, groups, inputs, outputs;  // inputs and outputs are channels of one group
    Index weight_group;                    // elements from one group's weights to the next one's
    Index row_tiles, column_tiles;
    Index beside;  // taps of the last axis that a tile takes together: 1, 2, 4 or 8 (see tile.cuh)
    Index line;    // what lies side by side in the output of cells: so many taps of the last axis, or, if 0, channels (see cells.cuh);
                   // for the guard: whether the weights lie one after the other
    Axis axis[3];
};

// correlate: kernel[m][c][tap] += coarse[m][q] * fine[c][q * stride - padding + tap * dilation]
struct Correlation {
    View fine, coarse, out;  // out.stride: m, c, axes
    Index batch, groups, inputs, outputs;  // inputs are fine channels of a group, outputs its coarse ones
    Index out_group, out_split;
    Index splits, per_split;  // parts of the batch * coarse positions
    Axis axis[3];
};

struct Sum {
    View in;  // `in.stride` of batch, channel, axes
    void *out;
    Index batch, channels, size[3];
    Index splits, per_split;
};

struct Reduction {
    const void *parts;  // [split][item], dense
    View out;
    Index splits, size[5];
};

// A number that counts are divided by, 0 <= a < 2^62, or 2^31 where an int counts: with multiplier = ceil(2^(62 + shift) / value) and
// 2^shift >= value, which leaves no error,
//
//     a / value = (a * multiplier) >> (62 + shift)
//
// and this takes a tenth of the instructions of a division.
struct Count {
    Index value, multiplier, short_multiplier, shift;  // the short one: of 2^(31 + shift)

    __device__ __forceinline__ operator Index() const { return value; }
};

// A phase of one axis, and what it reads: for its outputs u = 0, 1, ... and its taps j = 0, 1, ...
//
//     output index   out_first + u * out_step
//     tap            tap_first + j * tap_step, of all_taps
//     input index    in_first + u * in_step + j * in_tap
struct Phase {
    Index out_first, out_step, outputs;
    Index tap_first, tap_step, taps, all_taps;
    Index in_first, in_step, in_tap, in_size;
};

// Division by hardware takes about five times as long for 64 bits, which few problems need.
__device__ __forceinline__ Index divide(Index a, Index b) {
    if (((a | b) >> 31) == 0) return (unsigned)a / (unsigned)b;
    return a / b;
}

__device__ __forceinline__ Index remainder_of(Index a, Index b) { return a - divide(a, b) * b; }

// (a * b) modulo m for 0 <= a, b < m, also where the product does not fit.
__device__ inline Index multiply_modulo(Index a, Index b, Index m) {
    if (m <= 0x7fffffff) return remainder_of(a * b, m);
    Index sum = 0;
    for (; b; b >>= 1) {
        if (b & 1) sum = sum >= m - a ? sum - (m - a) : sum + a;
        a = a >= m - a ? a - (m - a) : a + a;
    }
    return sum;
}

__device__ inline Phase gather_phase(const Axis &axis) {
    Phase p;
    p.out_first = 0, p.out_step = 1, p.outputs = axis.coarse;
    p.tap_first = 0, p.tap_step = 1, p.taps = p.all_taps = axis.taps;
    p.in_first = -axis.padding, p.in_step = axis.stride, p.in_tap = axis.dilation, p.in_size = axis.fine;
    return p;
}

// The fine elements first, first + stride, ...: tap * dilation must equal first + padding modulo the stride.
__device__ inline Phase scatter_phase(const Axis &axis, Index first) {
    Phase p;
    p.out_first = first, p.out_step = axis.stride, p.outputs = divide(axis.fine - first + axis.stride - 1, axis.stride);
    p.in_step = 1, p.in_tap = -(axis.dilation / axis.common), p.in_size = axis.coarse;
    p.tap_first = 0, p.tap_step = divide(axis.stride, axis.common), p.taps = 0, p.all_taps = axis.taps, p.in_first = 0;
    Index shifted = first + axis.padding;
    Index residue = shifted % axis.stride;
    if (residue < 0) residue += axis.stride;
    if (remainder_of(residue, axis.common) != 0) return p;
    p.tap_first = multiply_modulo(remainder_of(divide(residue, axis.common), p.tap_step), axis.inverse, p.tap_step);
    if (p.tap_first >= axis.taps) return p;
    p.taps = divide(axis.taps - p.tap_first + p.tap_step - 1, p.tap_step);
    p.in_first = (shifted - p.tap_first * axis.dilation) / axis.stride;  // without remainder
    return p;
}

template <bool SCATTER>
__device__ __forceinline__ Phase phase_of(const Axis &axis, Index first) {
    return SCATTER ? scatter_phase(axis, first) : gather_phase(axis);
}

template <bool SCATTER>
__device__ __forceinline__ Index phases(const Axis &axis) {
    return !SCATTER ? 1 : axis.stride < axis.fine ? axis.stride : axis.fine;
}

__device__ __forceinline__ bool inside(Index index, Index size) { return (unsigned long long)index < (unsigned long long)size; }

// The same for a count of either width, neither of them negative where it is divided.
__device__ __forceinline__ bool within(Index index, Index size) { return inside(index, size); }
__device__ __forceinline__ bool within(int index, int size) { return (unsigned)index < (unsigned)size; }
__device__ __forceinline__ Index quotient(Index a, Index b) { return divide(a, b); }
__device__ __forceinline__ int quotient(int a, int b) { return (unsigned)a / (unsigned)b; }
__device__ __forceinline__ int quotient(int a, const Count &b) {
    return __umulhi(2 * (unsigned)a, (unsigned)b.short_multiplier) >> (unsigned)b.shift;
}
__device__ __forceinline__ Index quotient(Index a, const Count &b) {
    return __umul64hi(4 * (unsigned long long)a, b.multiplier) >> (unsigned)b.shift;
}

// Elements i, i + by, i + 2 by, ... of several arrays with images and three axes: their indices, and their places in each array.
// Only `i` and `by` are divided by sizes; from one element to the next there are additions, with carries. I counts along an axis.
template <int ARRAYS, class I>
struct Walk {
    I at[3], step[3], size[3];
    Index place[ARRAYS], per_step[ARRAYS], carry[ARRAYS][3];

    // Strides of images, then of the axes.
    __device__ __forceinline__ Walk(Index i, Index by, const Index (&sizes)[3], const Index (&strides)[ARRAYS][4]) {
        for (int n = 0; n < ARRAYS; n++) place[n] = per_step[n] = 0;
#pragma unroll
        for (int a = 2; a >= 0; a--) {
            const Index rest = divide(i, sizes[a]), further = divide(by, sizes[a]);
            size[a] = (I)sizes[a], at[a] = (I)(i - rest * size[a]), step[a] = (I)(by - further * size[a]);
            for (int n = 0; n < ARRAYS; n++) {
                place[n] += at[a] * strides[n][1 + a], per_step[n] += step[a] * strides[n][1 + a];
                carry[n][a] = strides[n][a] - size[a] * strides[n][1 + a];
            }
            i = rest, by = further;
        }
        for (int n = 0; n < ARRAYS; n++) place[n] += i * strides[n][0], per_step[n] += by * strides[n][0];
    }

    __device__ __forceinline__ void advance() {
        bool over = false;
        for (int n = 0; n < ARRAYS; n++) place[n] += per_step[n];
#pragma unroll
        for (int a = 2; a >= 0; a--) {
            at[a] += step[a] + over, over = at[a] >= size[a];
            if (!over) continue;
            at[a] -= size[a];
            for (int n = 0; n < ARRAYS; n++) place[n] += carry[n][a];
        }
    }
};
