/* AVX-512: 32 registers of 64 bytes. */

#include "kernels.h"
#include "list.h"

#ifdef CONVT_X86_64
CONVT_AVX512_BEGIN

#define ISA "avx512"
#define MAX_ROWS 14
#define MAX_SUMS 28
#define DIRECT_LIST DIRECT_LIST_32

#define REAL float
#define BITS int32_t
#define LANES 16
#define NAME(x) convt_f32_##x##__avx512
#define TABLE convt_kernels_f32
#include "family.h"

#define REAL double
#define BITS int64_t
#define LANES 8
#define NAME(x) convt_f64_##x##__avx512
#define TABLE convt_kernels_f64
#include "family.h"

CONVT_TARGET_END
#endif
