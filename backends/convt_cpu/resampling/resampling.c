/* The templates of rows.h for each instruction set, in the order of kernels/isa.c. */

#include "kernels/kernels.h"
#include "resampling/places.h"

/* With GCC; vectors of 16 bytes are too short for it. */
#if defined(__GNUC__) && !defined(__clang__)
#define PERMUTES (VECTOR_BYTES > 16)
#else
#define PERMUTES 0
#endif

#define TEMPLATE "resampling/rows.h"
#include "kernels/instantiate.h"

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
