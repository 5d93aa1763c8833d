/* The templates of rows.h for each instruction set, in the order of kernels/isa.c. */

#include "kernels/kernels.h"
#include "resampling/resampling.h"

#if defined(__GNUC__) && !defined(__clang__)
#define PERMUTES 1
#else
#define PERMUTES 0
#endif

#ifdef CONVT_X86_64
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma,prefer-vector-width=512")
#define REAL float
#define BITS int32_t
#define LANES 16
#define NAME(x) convt_f32_##x##__avx512
#include "resampling/rows.h"
#define REAL double
#define BITS int64_t
#define LANES 8
#define NAME(x) convt_f64_##x##__avx512
#include "resampling/rows.h"
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define REAL float
#define BITS int32_t
#define LANES 8
#define NAME(x) convt_f32_##x##__avx2
#include "resampling/rows.h"
#define REAL double
#define BITS int64_t
#define LANES 4
#define NAME(x) convt_f64_##x##__avx2
#include "resampling/rows.h"
#pragma GCC pop_options
#endif

#undef PERMUTES
#define PERMUTES 0 /* vectors of 16 bytes are too short for it */
#define REAL float
#define BITS int32_t
#define LANES 4
#define NAME(x) convt_f32_##x##__portable
#include "resampling/rows.h"
#define REAL double
#define BITS int64_t
#define LANES 2
#define NAME(x) convt_f64_##x##__portable
#include "resampling/rows.h"

const convt_resampling *convt_resampling_of(int isa, int size)
{
    static const convt_resampling *const list[][2] = {
#ifdef CONVT_X86_64
        {&convt_f32_resampling__avx512, &convt_f64_resampling__avx512},
        {&convt_f32_resampling__avx2, &convt_f64_resampling__avx2},
#endif
        {&convt_f32_resampling__portable, &convt_f64_resampling__portable},
    };
    return list[isa][size == sizeof(double)];
}
