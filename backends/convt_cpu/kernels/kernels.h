/* The kernels of one instruction set and one element type, as a table of functions. README.md has the contract. */
#ifndef CONVT_KERNELS_H
#define CONVT_KERNELS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "depthwise_plan.h"
#include "correlate_plan.h"
#include "direct_plan.h"
#include "winograd_correlate_plan.h"
#include "winograd_plan.h"
#include "cells_plan.h"
#include "direct_plan.h"
#include "thin_plan.h"
#include "windows_plan.h"
#include "compiler.h"

enum {
    CONVT_MAX_ROWS = 14,    /* outputs of a direct kernel */
    CONVT_MAX_VECTORS = 12, /* vectors of positions of a direct kernel */
    CONVT_PREFETCH = 8,     /* taps or positions that a kernel looks ahead */
    CONVT_CHUNK = 256,      /* positions of a correlate kernel */
    CONVT_WINDOWS = 128,    /* windows of a task, at most, */
    CONVT_FILTERS = 32      /* and filters */
};

#define CONVT_TABLE(REAL, suffix)                                                                                         \
    typedef void (*convt_direct_##suffix)(                                                                                \
        int64_t channels, int64_t taps, const int64_t *offsets, int64_t x_pitch, int64_t ahead, const REAL *x,            \
        const REAL *w, REAL *y, int64_t y_pitch, int add);                                                                \
    typedef int (*convt_pack_pass_##suffix)(                                                                              \
        const convt_direct_plan *plan, int64_t first, int64_t last, const REAL *kernel, int64_t in, int64_t out,          \
        const int64_t *axis, REAL *packed);                                                                               \
    typedef void (*convt_strip_##suffix)(                                                                                 \
        const convt_direct_plan *plan, int64_t task, const REAL *input, const convt_strides *in, const REAL *weights,     \
        const REAL *bias, REAL *output, const convt_strides *out, REAL *scratch);                                         \
    typedef void (*convt_pack_##suffix)(                                                                                  \
        const convt_direct_plan *plan, int64_t task, int64_t first, int64_t last, const REAL *input,                      \
        const convt_strides *in, REAL *strip);                                                                            \
    typedef int (*convt_outputs_##suffix)(                                                                                \
        const convt_direct_plan *plan, int64_t task, int64_t first_strip, int64_t strips, const REAL *packed,             \
        const REAL *kernel, int64_t in, int64_t out_channel, const int64_t *axis, const REAL *bias, REAL *output,         \
        const convt_strides *out, REAL *scratch);                                                                         \
    typedef int (*convt_depthwise_##suffix)(                                                                              \
        const convt_depthwise_plan *plan, int64_t task, const REAL *input, const convt_strides *in, const REAL *kernel,   \
        int64_t k_group, int64_t k_in, int64_t k_out, const int64_t *axis, const REAL *bias, REAL *output,                \
        const convt_strides *out, REAL *scratch);                                                                         \
    typedef void (*convt_depthwise_channels_##suffix)(                                                                    \
        const convt_depthwise_plan *plan, int64_t first, int64_t last, const REAL *input, const convt_strides *in,        \
        const REAL *weights, const REAL *bias, REAL *output, const convt_strides *out);                                   \
    typedef void (*convt_depthwise_correlate_##suffix)(                                                                   \
        const convt_depthwise_plan *plan, int64_t task, const REAL *fine, const convt_strides *of_fine,                   \
        const REAL *coarse, const convt_strides *of_coarse, REAL *sums, REAL *scratch);                                   \
    typedef void (*convt_correlate_##suffix)(                                                                             \
        int64_t count, const int64_t *at_rows, const REAL *rows, const int64_t *at_lanes, const REAL *lanes, REAL *y,     \
        int64_t y_pitch, int add);                                                                                        \
    typedef void (*convt_correlate_pack_coarse_##suffix)(                                                                  \
        const convt_correlate_plan *plan, int64_t strip, int64_t block, int64_t piece, int64_t pieces,                    \
        const REAL *coarse, const convt_strides *strides, REAL *packed);                                                  \
    typedef void (*convt_correlate_pack_fine_##suffix)(                                                                   \
        const convt_correlate_plan *plan, int64_t strip, int64_t block, int64_t piece, int64_t pieces, const REAL *fine,  \
        const convt_strides *strides, REAL *packed);                                                                      \
    typedef void (*convt_correlate_sum_##suffix)(                                                                         \
        const convt_correlate_plan *plan, int64_t strip, const convt_correlate_block *block, const REAL *coarse,          \
        const REAL *fine, int add, REAL *sums);                                                                           \
    typedef int (*convt_correlate_write_##suffix)(                                                                       \
        const convt_correlate_plan *plan, const convt_correlate_block *block, int64_t first, int64_t last,                \
        const REAL *sums, int add, REAL *kernel, const convt_strides *strides, REAL *scratch);                            \
    typedef int (*convt_winograd_weights_##suffix)(                                                                       \
        const convt_winograd_plan *plan, int64_t channels, int64_t rows, const REAL *kernel, int64_t in, int64_t out,     \
        const int64_t *axis, REAL *packed);                                                                               \
    typedef int (*convt_winograd_input_##suffix)(                                                                         \
        const convt_winograd_plan *plan, int64_t block, int64_t channels, const REAL *input, const convt_strides *in,     \
        REAL *v);                                                                                                         \
    typedef int (*convt_winograd_tiles_##suffix)(                                                                         \
        const convt_winograd_plan *plan, int64_t task, const REAL *input, const convt_strides *in, const REAL *u,         \
        const REAL *bias, REAL *output, const convt_strides *out, REAL *scratch);                                         \
    typedef int (*convt_winograd_outputs_##suffix)(                                                                       \
        const convt_winograd_plan *plan, int64_t task, int64_t first_block, int64_t blocks, const REAL *v,                \
        const REAL *kernel, int64_t in, int64_t out_channel, const int64_t *axis, const REAL *bias, REAL *output,         \
        const convt_strides *out, REAL *scratch);                                                                         \
    typedef void (*convt_winograd_correlate_pack_##suffix)(                                                               \
        const convt_winograd_correlate_plan *plan, int windows, int64_t unit, int64_t block, int64_t tiles,               \
        const REAL *array, const convt_strides *strides, REAL *packed, REAL *scratch);                                    \
    typedef void (*convt_winograd_correlate_sum_##suffix)(                                                                \
        const convt_winograd_correlate_plan *plan, int64_t fine_block, int64_t coarse_block, int64_t tiles,               \
        const REAL *v, const REAL *g, int add, REAL *m);                                                                  \
    typedef int (*convt_winograd_correlate_write_##suffix)(                                                               \
        const convt_winograd_correlate_plan *plan, int64_t group, int64_t fine_block, int64_t coarse_block,               \
        int64_t first, int64_t last, const REAL *m, int add, REAL *kernel, const convt_strides *strides,                  \
        REAL *scratch);                                                                                                   \
    typedef int (*convt_cells_rows_##suffix)(                                                                             \
        const convt_cells_plan *plan, int64_t group, int64_t tile, const REAL *input, const convt_strides *in,            \
        REAL *rows);                                                                                                      \
    typedef int (*convt_cells_##suffix)(                                                                                  \
        const convt_cells_plan *plan, int64_t group, int64_t first, int64_t tile, int64_t tiles, const REAL *rows,        \
        const REAL *kernel, int64_t in, int64_t out_channel, const convt_strides *strides, const REAL *bias,              \
        REAL *output, const convt_strides *out, REAL *scratch);                                                           \
    typedef int (*convt_thin_rows_##suffix)(                                                                              \
        const convt_thin_plan *plan, int by_positions, int64_t tile, const REAL *coarse, const convt_strides *strides,    \
        REAL *rows);                                                                                                      \
    typedef void (*convt_thin_scatter_##suffix)(                                                                          \
        const convt_thin_plan *plan, int64_t first, const REAL *rows, const REAL *kernel, const convt_strides *strides,   \
        const REAL *bias, REAL *fine, const convt_strides *of_fine, REAL *scratch);                                       \
    typedef void (*convt_thin_correlate_##suffix)(                                                                        \
        const convt_thin_plan *plan, int64_t first, const REAL *rows, const REAL *fine, const convt_strides *of_fine,     \
        REAL *kernel, const convt_strides *strides, REAL *scratch);                                                       \
    typedef void (*convt_thin_column_##suffix)(                                                                           \
        const convt_thin_plan *plan, int64_t position, const REAL *fine, const convt_strides *strides, REAL *column);     \
    typedef int (*convt_thin_gather_##suffix)(                                                                            \
        const convt_thin_plan *plan, int64_t first, int64_t position, int64_t positions, const REAL *columns,             \
        const REAL *kernel, const convt_strides *strides, const REAL *bias, REAL *coarse,                                 \
        const convt_strides *of_coarse, REAL *scratch);                                                                   \
    typedef int (*convt_windows_##suffix)(                                                                                \
        const convt_windows_plan *plan, int64_t group, int64_t part, int64_t index, const REAL *fine,                     \
        const convt_strides *of_fine, const REAL *kernel, const convt_strides *of_kernel, const REAL *bias, REAL *coarse, \
        const convt_strides *of_coarse, REAL *scratch);                                                                   \
    typedef struct {                                                                                                      \
        const char *isa;                                                                                                  \
        int64_t lanes;    /* elements of a vector */                                                                      \
        int64_t max_rows; /* the largest number of rows that has direct kernels */                                        \
        convt_direct_##suffix direct[CONVT_MAX_ROWS + 1][CONVT_MAX_VECTORS + 1]; /* [rows][vectors], NULL if there is none */ \
        convt_pack_pass_##suffix pack_pass;                                                                               \
        convt_strip_##suffix strip;                                                                                       \
        convt_pack_##suffix pack;                                                                                         \
        convt_outputs_##suffix outputs;                                                                                   \
        convt_depthwise_##suffix depthwise;                                                                               \
        convt_depthwise_channels_##suffix depthwise_channels;                                                             \
        convt_depthwise_correlate_##suffix depthwise_correlate;                                                           \
        convt_correlate_##suffix correlate[CONVT_MAX_ROWS + 1][CONVT_MAX_VECTORS + 1];                                    \
        convt_correlate_pack_coarse_##suffix correlate_pack_coarse;                                                       \
        convt_correlate_pack_fine_##suffix correlate_pack_fine;                                                           \
        convt_correlate_sum_##suffix correlate_sum;                                                                       \
        convt_correlate_write_##suffix correlate_write;                                                                   \
        convt_winograd_weights_##suffix winograd_weights;                                                                 \
        convt_winograd_input_##suffix winograd_input;                                                                     \
        convt_winograd_tiles_##suffix winograd_tiles;                                                                     \
        convt_winograd_outputs_##suffix winograd_outputs;                                                                 \
        convt_winograd_correlate_pack_##suffix winograd_correlate_pack;                                                   \
        convt_winograd_correlate_sum_##suffix winograd_correlate_sum;                                                     \
        convt_winograd_correlate_write_##suffix winograd_correlate_write;                                                 \
        convt_cells_rows_##suffix cells_rows;                                                                             \
        convt_cells_##suffix cells;                                                                                       \
        convt_thin_rows_##suffix thin_rows;                                                                               \
        convt_thin_scatter_##suffix thin_scatter;                                                                         \
        convt_thin_correlate_##suffix thin_correlate;                                                                     \
        convt_thin_column_##suffix thin_column;                                                                           \
        convt_thin_gather_##suffix thin_gather;                                                                           \
        convt_windows_##suffix windows;                                                                                   \
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
