/* The templates of terms.h for both element types. */

#include "terms/plan.h"

#define REAL float
#define BITS int32_t
#define EXPONENT 0x7f800000
#define NAME(x) f32_##x
#include "terms/terms.h"

#define REAL double
#define BITS int64_t
#define EXPONENT 0x7ff0000000000000
#define NAME(x) f64_##x
#include "terms/terms.h"

convt_stage convt_terms(int work, int64_t size)
{
    static const convt_stage list[][2] = {
        {f32_find, f64_find}, {f32_signs, f64_signs}, {f32_filter, f64_filter}, {f32_taps, f64_taps}};
    return list[work][size == sizeof(double)];
}
