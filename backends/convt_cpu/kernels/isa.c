/* The instruction sets of this build, best first, and whether this processor has them. */

#include "kernels.h"

#define DECLARE(isa)                                                                                                      \
    extern const convt_kernels_f32 convt_f32_table__##isa;                                                                \
    extern const convt_kernels_f64 convt_f64_table__##isa;

DECLARE(portable)
#ifdef CONVT_X86_64
DECLARE(avx512)
DECLARE(avx2)
#endif

static int runs_always(void) { return 1; }

#ifdef CONVT_X86_64
static int runs_avx512(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("fma");
}

static int runs_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

static const struct {
    int (*runs_here)(void);
    const convt_kernels_f32 *f32;
    const convt_kernels_f64 *f64;
} list[] = {
#ifdef CONVT_X86_64
    {runs_avx512, &convt_f32_table__avx512, &convt_f64_table__avx512},
    {runs_avx2, &convt_f32_table__avx2, &convt_f64_table__avx2},
#endif
    {runs_always, &convt_f32_table__portable, &convt_f64_table__portable},
};

int convt_isa_count(void) { return (int)(sizeof list / sizeof *list); }
const char *convt_isa_name(int index) { return list[index].f32->isa; }
int convt_isa_runs_here(int index) { return list[index].runs_here(); }
const convt_kernels_f32 *convt_isa_f32(int index) { return list[index].f32; }
const convt_kernels_f64 *convt_isa_f64(int index) { return list[index].f64; }
