/* The kernels of one instruction set and one element type, as a table of functions. README.md has the contract. */
#ifndef CONVT_KERNELS_H
#define CONVT_KERNELS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "compiler.h"

enum {
    CONVT_MAX_ROWS = 14,    /* outputs of a direct kernel */
    CONVT_MAX_VECTORS = 12, /* vectors of positions of a direct kernel */
    CONVT_PREFETCH = 8,     /* taps or positions that a kernel looks ahead */
    CONVT_CHUNK = 256,      /* positions of a correlate kernel */
    CONVT_WINDOWS = 128     /* windows of dot products, at most */
};

#define CONVT_TABLE(REAL, suffix)                                                                                         \
    typedef void (*convt_direct_##suffix)(                                                                                \
        int64_t channels, int64_t taps, const int64_t *offsets, int64_t x_pitch, int64_t ahead, const REAL *x,            \
        const REAL *w, REAL *y, int64_t y_pitch, int add);                                                                \
    typedef void (*convt_correlate_##suffix)(                                                                             \
        int64_t count, const int64_t *at_rows, const REAL *rows, const int64_t *at_lanes, const REAL *lanes, REAL *y,     \
        int64_t y_pitch, int add);                                                                                        \
    typedef struct {                                                                                                      \
        const char *isa;                                                                                                  \
        int64_t lanes;    /* elements of a vector */                                                                      \
        int64_t max_rows; /* the largest number of rows that has direct kernels */                                        \
        const convt_named_stage *stages; /* of all engines, in the order of engines.h; a NULL behind them */              \
        convt_direct_##suffix direct[CONVT_MAX_ROWS + 1][CONVT_MAX_VECTORS + 1]; /* [rows][vectors], NULL if there is none */ \
        convt_correlate_##suffix correlate[CONVT_MAX_ROWS + 1][CONVT_MAX_VECTORS + 1];                                    \
    } convt_kernels_##suffix;
CONVT_TABLE(float, f32)
CONVT_TABLE(double, f64)
#undef CONVT_TABLE

/* The instruction sets of this build, best first; isa.c lists them. */
int convt_isa_count(void);
const char *convt_isa_name(int index);
int convt_isa_runs_here(int index);
const convt_kernels_f32 *convt_isa_f32(int index);
const convt_kernels_f64 *convt_isa_f64(int index);

#endif
