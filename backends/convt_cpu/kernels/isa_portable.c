/* Whatever the compiler makes of vectors of 16 bytes: SSE2 on x86-64, NEON on arm64, plain code elsewhere. */

#include "kernels.h"
#include "list.h"

#define ISA "portable"
#define MAX_ROWS 6
#define MAX_SUMS 12
#define DIRECT_LIST DIRECT_LIST_16

#define REAL float
#define BITS int32_t
#define LANES 4
#define NAME(x) convt_f32_##x##__portable
#define TABLE convt_kernels_f32
#include "family.h"

#define REAL double
#define BITS int64_t
#define LANES 2
#define NAME(x) convt_f64_##x##__portable
#define TABLE convt_kernels_f64
#include "family.h"
