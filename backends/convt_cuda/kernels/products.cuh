// How a block multiplies two tiles in shared memory, BM rows by DEPTH and DEPTH by BN columns, into sums in registers.
//
//                      +-- columns[k][n] --+
//     +-- rows[k][m]   |                   |     Both are stored k by k, in vectors of 16 bytes. Each thread has TM x TN of the
//     |                +-------------------+     sums; row(m) and column(n) tell where in the block sum[m][n] is.
//
// tile.cuh and correlate.cuh fill the tiles and say what they mean. tensor.cuh has another way with the same members.
#pragma once
#include "numbers.cuh"

template <class T>
struct alignas(16) Vector {
    static constexpr int LENGTH = 16 / sizeof(T);
    T lane[LENGTH];
};

// Rows and columns of a thread are groups of V, spread over the block so that no two threads share a bank. Rows of shared
// memory are MORE vectors longer than they need to be, for those who fill them along k.
template <class S, int BM, int BN, int ROWS, int COLUMNS, int DEEP, int MORE = 0>
struct Products {
    typedef Wide<S> T;
    static constexpr int TM = ROWS, TN = COLUMNS, DEPTH = DEEP, ACROSS = BN / TN, THREADS = BM / TM * ACROSS, V = Vector<T>::LENGTH;
    static_assert(TM % V == 0 && TN % V == 0, "whole vectors");
    typedef Vector<T> Rows[DEPTH][BM / V + MORE], Columns[DEPTH][BN / V + MORE];

    T sum[TM][TN] = {};
    const int across = threadIdx.x % ACROSS, down = threadIdx.x / ACROSS;

    // What a factor becomes before it is multiplied.
    __device__ static T factor(T value) { return value; }

    __device__ void multiply(const Rows &rows, const Columns &columns) {
#pragma unroll
        for (int k = 0; k < DEPTH; k++) {
            Vector<T> a[TM / V], b[TN / V];
#pragma unroll
            for (int i = 0; i < TM / V; i++) a[i] = rows[k][i * (BM / TM) + down];
#pragma unroll
            for (int i = 0; i < TN / V; i++) b[i] = columns[k][i * ACROSS + across];
#pragma unroll
            for (int m = 0; m < TM; m++)
#pragma unroll
                for (int n = 0; n < TN; n++) sum[m][n] += a[m / V].lane[m % V] * b[n / V].lane[n % V];
        }
    }

    __device__ int row(int m) const { return (m / V * (BM / TM) + down) * V + m % V; }
    __device__ int column(int n) const { return (n / V * ACROSS + across) * V + n % V; }
};
