/* AVX2 with FMA: 16 registers of 32 bytes. */

#include "kernels.h"
#include "list.h"

#ifdef CONVT_X86_64
CONVT_AVX2_BEGIN

#define ISA "avx2"
#define MAX_ROWS 6
#define MAX_SUMS 12
#define DIRECT_LIST DIRECT_LIST_16

#define REAL float
#define BITS int32_t
#define LANES 8
#define NAME(x) convt_f32_##x##__avx2
#define TABLE convt_kernels_f32
#include "family.h"

#define REAL double
#define BITS int64_t
#define LANES 4
#define NAME(x) convt_f64_##x##__avx2
#define TABLE convt_kernels_f64
#include "family.h"

CONVT_TARGET_END
#endif
