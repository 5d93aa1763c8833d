// Numbers as they are stored, and as they are computed with: float16 and bfloat16 are read into floats and rounded once, when
// a result is written; float and double are what they are.
//
//     float16     1 sign, 5 exponent, 10 mantissa      bfloat16     1 sign, 8 exponent, 7 mantissa: a float's upper half
//
// Rounding is to nearest, ties to even; too large is infinite; every NaN becomes 0x7fff. A GPU has instructions for it; the
// other ways give the same bits, on GPUs without them and on the processor.
#pragma once

struct Float16 {
    unsigned short bits;

    Float16() = default;

    __device__ explicit Float16(float value) {
#ifdef __CUDA_ARCH__
        asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
#else
        const unsigned all = __float_as_uint(value), magnitude = all & 0x7fffffff;
        unsigned rounded;
        if (magnitude > 0x7f800000) {
            bits = 0x7fff;
            return;
        } else if (magnitude >= 0x477ff000) {  // 65520, the middle between the largest number and what would follow
            rounded = 0x7c00;
        } else if (magnitude < 0x38800000) {  // below 2^-14 numbers are as dense as floats from 0.5 to 1
            rounded = __float_as_uint(__uint_as_float(magnitude) + 0.5f) - 0x3f000000;
        } else {
            rounded = (magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >> 13;
        }
        bits = (unsigned short)((all >> 16 & 0x8000) | rounded);
#endif
    }

    __device__ operator float() const {
        float value;
#ifdef __CUDA_ARCH__
        asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
#else
        value = __uint_as_float((bits & 0x7fffu) << 13) * 0x1p112f;  // the difference of the exponents' offsets
        if (value >= 65536) value = __uint_as_float(__float_as_uint(value) | 0x7f800000);
        value = __uint_as_float(__float_as_uint(value) | ((bits & 0x8000u) << 16));
#endif
        return value;
    }
};

struct Bfloat16 {
    unsigned short bits;

    Bfloat16() = default;

    __device__ explicit Bfloat16(float value) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
        asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
#else
        const unsigned all = __float_as_uint(value);
        const bool is_nan = (all & 0x7fffffff) > 0x7f800000;
        bits = (unsigned short)(is_nan ? 0x7fff : (all + 0x7fff + ((all >> 16) & 1)) >> 16);
#endif
    }

    __device__ operator float() const { return __uint_as_float((unsigned)bits << 16); }
};

template <class S>
struct WideOf {
    typedef S Type;
};
template <>
struct WideOf<Float16> {
    typedef float Type;
};
template <>
struct WideOf<Bfloat16> {
    typedef float Type;
};

// What numbers that are stored as S are summed in.
template <class S>
using Wide = typename WideOf<S>::Type;
