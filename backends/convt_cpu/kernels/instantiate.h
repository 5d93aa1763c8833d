/* Includes TEMPLATE for both element types and each instruction set, in the order of isa.c, with
 *
 *     REAL, BITS       the element type, and the integer type of its size
 *     LANES            elements of a vector
 *     VECTOR_BYTES     64, 32 or 16
 *     NAME(x)          x with the element type before and the instruction set behind it
 *
 * The template undefines REAL, BITS, LANES and NAME. */

#include "kernels/compiler.h"

#ifdef CONVT_X86_64
CONVT_AVX512_BEGIN
#define VECTOR_BYTES 64
#define REAL float
#define BITS int32_t
#define LANES 16
#define NAME(x) convt_f32_##x##__avx512
#include TEMPLATE
#define REAL double
#define BITS int64_t
#define LANES 8
#define NAME(x) convt_f64_##x##__avx512
#include TEMPLATE
#undef VECTOR_BYTES
CONVT_TARGET_END

CONVT_AVX2_BEGIN
#define VECTOR_BYTES 32
#define REAL float
#define BITS int32_t
#define LANES 8
#define NAME(x) convt_f32_##x##__avx2
#include TEMPLATE
#define REAL double
#define BITS int64_t
#define LANES 4
#define NAME(x) convt_f64_##x##__avx2
#include TEMPLATE
#undef VECTOR_BYTES
CONVT_TARGET_END
#endif

#define VECTOR_BYTES 16
#define REAL float
#define BITS int32_t
#define LANES 4
#define NAME(x) convt_f32_##x##__portable
#include TEMPLATE
#define REAL double
#define BITS int64_t
#define LANES 2
#define NAME(x) convt_f64_##x##__portable
#include TEMPLATE
#undef VECTOR_BYTES
