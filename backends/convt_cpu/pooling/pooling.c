/* The templates of windows.h for each instruction set, in the order of kernels/isa.c. */

#include "kernels/kernels.h"
#include "pooling/pooling.h"

#ifdef CONVT_X86_64
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma,prefer-vector-width=512")
#define REAL float
#define BITS int32_t
#define LANES 16
#define NAME(x) convt_f32_##x##__avx512
#include "pooling/windows.h"
#define REAL double
#define BITS int64_t
#define LANES 8
#define NAME(x) convt_f64_##x##__avx512
#include "pooling/windows.h"
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define REAL float
#define BITS int32_t
#define LANES 8
#define NAME(x) convt_f32_##x##__avx2
#include "pooling/windows.h"
#define REAL double
#define BITS int64_t
#define LANES 4
#define NAME(x) convt_f64_##x##__avx2
#include "pooling/windows.h"
#pragma GCC pop_options
#endif

#define REAL float
#define BITS int32_t
#define LANES 4
#define NAME(x) convt_f32_##x##__portable
#include "pooling/windows.h"
#define REAL double
#define BITS int64_t
#define LANES 2
#define NAME(x) convt_f64_##x##__portable
#include "pooling/windows.h"

const convt_pooling *convt_pooling_of(int isa, int size)
{
    static const convt_pooling *const list[][2] = {
#ifdef CONVT_X86_64
        {&convt_f32_pooling__avx512, &convt_f64_pooling__avx512},
        {&convt_f32_pooling__avx2, &convt_f64_pooling__avx2},
#endif
        {&convt_f32_pooling__portable, &convt_f64_pooling__portable},
    };
    return list[isa][size == sizeof(double)];
}
