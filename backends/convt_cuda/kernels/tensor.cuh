// The products of products.cuh by tensor cores: each warp multiplies 16 x 8 by 8 x 8 numbers at a time.
//
// Factors are TF32: floats with 10 bits of mantissa. float16 and bfloat16 are such numbers as they are, so that their products
// are exact; floats are rounded to the nearest, ties away from zero, where `convt.options` allow it. Sums are floats.
//
// Of the instruction's matrices each lane has, with g = lane / 4 and t = lane % 4,
//
//     a[0..3]  (row, k):            (g, t)  (g + 8, t)  (g, t + 4)  (g + 8, t + 4)
//     b[0..1]  (k, column):         (t, g)  (t + 4, g)
//     c[0..3]  sums (row, column):  (g, 2 t)  (g, 2 t + 1)  (g + 8, 2 t)  (g + 8, 2 t + 1)
#pragma once
#include "numbers.cuh"
#include "products.cuh"

__device__ __forceinline__ float nearest_tf32(float value) {
    unsigned bits;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
#else
    bits = __float_as_uint(value);
    if ((bits & 0x7f800000) != 0x7f800000) bits = (bits + 0x1000) & ~0x1fffu;
#endif
    return __uint_as_float(bits);
}

// c += a b, by all lanes of a warp together.
__device__ __forceinline__ void multiply_matrices(float (&c)[4], const float (&a)[4], const float (&b)[2]) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])), "r"(__float_as_uint(a[3])),
          "r"(__float_as_uint(b[0])), "r"(__float_as_uint(b[1])));
#else
    // The same for the processor, where the tests run: lanes show each other what they have.
    __shared__ float left[8][16][8], right[8][8][8];  // of each warp
    const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    for (int i = 0; i < 4; i++) left[warp][g + i % 2 * 8][t + i / 2 * 4] = a[i];
    for (int i = 0; i < 2; i++) right[warp][t + i * 4][g] = b[i];
    __syncthreads();
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 8; k++) c[i] += left[warp][g + i / 2 * 8][k] * right[warp][k][2 * t + i % 2];
    __syncthreads();
#endif
}

// Eight warps; each has 32 rows, and as many columns as are left to it.
template <class S, int BM, int BN, int DEEP>
struct TensorCores {
    static constexpr int THREADS = 256, DEPTH = DEEP, V = Vector<float>::LENGTH, DOWN = BM / 32, WIDTH = BN * DOWN / 8;
    static constexpr int TM = 4, TN = WIDTH / 4;
    // Eight floats more than a row needs, so that the lanes of a warp read different banks.
    typedef Vector<float> Rows[DEPTH][BM / V + 2], Columns[DEPTH][BN / V + 2];
    static_assert(DEPTH % 8 == 0 && BM % 32 == 0 && 8 % DOWN == 0 && WIDTH % 8 == 0, "whole matrices");

    float sum[TM][TN] = {};
    const int top = threadIdx.x / 32 % DOWN * 32, left = threadIdx.x / 32 / DOWN * WIDTH;
    const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;

    __device__ static float factor(float value) { return sizeof(S) == 2 ? value : nearest_tf32(value); }

    __device__ void multiply(const Rows &rows, const Columns &columns) {
#pragma unroll
        for (int k = 0; k < DEPTH; k += 8) {
            float a[TM / 2][4], b[TN / 2][2];
#pragma unroll
            for (int m = 0; m < TM / 2; m++)
#pragma unroll
                for (int i = 0; i < 4; i++) a[m][i] = ((const float *)rows[k + t + i / 2 * 4])[top + m * 16 + i % 2 * 8 + g];
#pragma unroll
            for (int n = 0; n < TN / 2; n++)
#pragma unroll
                for (int i = 0; i < 2; i++) b[n][i] = ((const float *)columns[k + t + i * 4])[left + n * 8 + g];
#pragma unroll
            for (int m = 0; m < TM / 2; m++)
#pragma unroll
                for (int n = 0; n < TN / 2; n++) {
                    float c[4] = {sum[2 * m][2 * n], sum[2 * m][2 * n + 1], sum[2 * m + 1][2 * n], sum[2 * m + 1][2 * n + 1]};
                    multiply_matrices(c, a[m], b[n]);
                    sum[2 * m][2 * n] = c[0], sum[2 * m][2 * n + 1] = c[1];
                    sum[2 * m + 1][2 * n] = c[2], sum[2 * m + 1][2 * n + 1] = c[3];
                }
        }
    }

    __device__ int row(int m) const { return top + m / 2 * 16 + m % 2 * 8 + g; }
    __device__ int column(int n) const { return left + n / 2 * 8 + 2 * t + n % 2; }
};
