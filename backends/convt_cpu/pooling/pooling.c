/* The templates of windows.h for each instruction set, in the order of kernels/isa.c. */

#include "kernels/kernels.h"
#include "pooling/pooling.h"

#define TEMPLATE "pooling/windows.h"
#include "kernels/instantiate.h"

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
