// The list of all kernels; README.md says how a call flows. Names are <what>_<form>_<type>.
#include "cells.cuh"
#include "correlate.cuh"
#include "direct.cuh"
#include "geometry.cuh"
#include "guard.cuh"
#include "moving.cuh"
#include "numbers.cuh"
#include "pooling.cuh"
#include "resampling.cuh"
#include "sums.cuh"
#include "tensor.cuh"
#include "tile.cuh"

#ifndef DIRECT_BLOCKS
#define DIRECT_BLOCKS 4
#endif

#define BLOCKS_OF(count, name, Parameters, ...) \
    extern "C" __global__ void __launch_bounds__(256, count) name(const __grid_constant__ Parameters parameters) { \
        __VA_ARGS__(parameters); \
    }
#define KERNEL(name, Parameters, ...) BLOCKS_OF(1, name, Parameters, __VA_ARGS__)

// What fits into 128 registers without spills, or nearly so, is held to that: two blocks to a multiprocessor.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
#define TWO_BLOCKS(S) (sizeof(S) < 8 ? 2 : 1)
#else
#define TWO_BLOCKS(S) 1
#endif

// `pixels` and `channels` say along what neighbouring threads load (`channels` also: taps side by side, see tile.cuh).
#define TILE(form, type, S, rows, columns, ...) \
    BLOCKS_OF(TWO_BLOCKS(S), scatter_##form##rows##x##columns##_pixels_##type, Map, tile<S, Scatter, false, rows, columns, __VA_ARGS__>) \
    KERNEL(scatter_##form##rows##x##columns##_channels_##type, Map, tile<S, Scatter, true, rows, columns, __VA_ARGS__>) \
    BLOCKS_OF(TWO_BLOCKS(S), gather_##form##rows##x##columns##_pixels_##type, Map, tile<S, Gather, false, rows, columns, __VA_ARGS__>) \
    KERNEL(gather_##form##rows##x##columns##_channels_##type, Map, tile<S, Gather, true, rows, columns, __VA_ARGS__>) \
    BLOCKS_OF(TWO_BLOCKS(S), scatter_cells_##form##rows##x##columns##_pixels_##type, Map, tile<S, Cells, false, rows, columns, __VA_ARGS__>) \
    KERNEL(scatter_cells_##form##rows##x##columns##_channels_##type, Map, tile<S, Cells, true, rows, columns, __VA_ARGS__>)

#define PACK(type, S, rows, columns) KERNEL(pack_##rows##x##columns##_##type, Map, pack<S, rows>)

// Tiles that are filled along their depth have rows one vector longer, which puts neighbours into other banks.
#define TILES(type, S, rows, columns, TM, TN) \
    TILE(, type, S, rows, columns, Products<S, rows, columns, TM, TN, BK, 1>) \
    PACK(type, S, rows, columns)

#define CORRELATE(form, type, S, rows, columns, ...) \
    BLOCKS_OF(rows == 64 ? TWO_BLOCKS(S) : 1, correlate_##form##rows##x##columns##_##type, Correlation, correlate_tile<S, rows, columns, __VA_ARGS__>)

#define TENSOR(type, S, rows, columns) \
    TILE(tensor, type, S, rows, columns, TensorCores<S, rows, columns, BK>) \
    CORRELATE(tensor, type, S, rows, columns, TensorCores<S, rows, columns, 2 * BK>)

// Several blocks to a multiprocessor: what these wait for is memory. `far` is for sizes that an int cannot count.
#define DIRECT(type, S, MR) \
    BLOCKS_OF(DIRECT_BLOCKS, scatter_direct##MR##_pixels_##type, Map, direct<S, true, false, MR, int>) \
    BLOCKS_OF(DIRECT_BLOCKS, scatter_direct##MR##_channels_##type, Map, direct<S, true, true, MR, int>) \
    BLOCKS_OF(DIRECT_BLOCKS, gather_direct##MR##_pixels_##type, Map, direct<S, false, false, MR, int>) \
    BLOCKS_OF(DIRECT_BLOCKS, gather_direct##MR##_channels_##type, Map, direct<S, false, true, MR, int>) \
    KERNEL(scatter_far##MR##_pixels_##type, Map, direct<S, true, false, MR, Index>) \
    KERNEL(scatter_far##MR##_channels_##type, Map, direct<S, true, true, MR, Index>) \
    KERNEL(gather_far##MR##_pixels_##type, Map, direct<S, false, false, MR, Index>) \
    KERNEL(gather_far##MR##_channels_##type, Map, direct<S, false, true, MR, Index>)

// `wide` is for sizes that an int cannot count.
#define COUNTED(what, type, S, Parameters) \
    KERNEL(what##_##type, Parameters, what<S, int>) \
    KERNEL(what##_wide_##type, Parameters, what<S, Index>)

#define FAMILY(type, S) \
    TILES(type, S, 64, 64, 4, 4) \
    DIRECT(type, S, 1) \
    DIRECT(type, S, 4) \
    KERNEL(find_not_finite_##type, Map, find_not_finite<S>) \
    CORRELATE(, type, S, 64, 64, Products<S, 64, 64, 4, 4, 2 * BK, 1>) \
    BLOCKS_OF(3, correlate_direct_##type, Correlation, correlate_direct<S, 256, int>) \
    KERNEL(correlate_far_##type, Correlation, correlate_direct<S, 256, Index>) \
    KERNEL(channel_sums_##type, Sum, channel_sums<S, 256>) \
    KERNEL(add_parts_##type, Reduction, add_parts<S>) \
    COUNTED(copy, type, S, Move) \
    COUNTED(add, type, S, Move)

// Upsampling and pooling. Other types of 4 and 8 bytes, of which values are only moved, travel as float and double.
#define SAMPLING(type, S) \
    COUNTED(upsample_nearest, type, S, Resampling) \
    COUNTED(upsample_bed_of_nails, type, S, Resampling) \
    COUNTED(upsample_bilinear, type, S, Resampling) \
    COUNTED(collect_nearest, type, S, Resampling) \
    COUNTED(collect_bed_of_nails, type, S, Resampling) \
    COUNTED(collect_bilinear, type, S, Resampling) \
    COUNTED(max_pool, type, S, Pooling) \
    COUNTED(max_pool_backward_near, type, S, Pooling) \
    COUNTED(max_unpool_near, type, S, Pooling) \
    COUNTED(max_unpool_backward_near, type, S, Pooling) \
    KERNEL(max_pool_backward_far_##type, Pooling, max_pool_backward_far<S>) \
    KERNEL(max_unpool_far_##type, Pooling, max_unpool_far<S>) \
    KERNEL(max_unpool_backward_far_##type, Pooling, max_unpool_backward_far<S>)

// NVRTC compiles the kernels of one type when the first of them is needed: it defines ONLY, and the type behind ONLY_.
#if !defined(ONLY) || defined(ONLY_float32)
FAMILY(float32, float)
TILES(float32, float, 32, 128, 4, 4)
TILES(float32, float, 128, 128, 8, 8)  // twice the registers for sums of double would not fit
TENSOR(float32, float, 64, 64)
TENSOR(float32, float, 128, 128)
SAMPLING(float32, float)
#endif

#if !defined(ONLY) || defined(ONLY_float64)
FAMILY(float64, double)
TILES(float64, double, 32, 128, 4, 4)
SAMPLING(float64, double)
#endif

// Most GPUs multiply half types by tensor cores: tiles without them come in one size.
#if !defined(ONLY) || defined(ONLY_float16)
FAMILY(float16, Float16)
PACK(float16, Float16, 128, 128)
TENSOR(float16, Float16, 64, 64)
TENSOR(float16, Float16, 128, 128)
SAMPLING(float16, Float16)
#endif

#if !defined(ONLY) || defined(ONLY_bfloat16)
FAMILY(bfloat16, Bfloat16)
PACK(bfloat16, Bfloat16, 128, 128)
TENSOR(bfloat16, Bfloat16, 64, 64)
TENSOR(bfloat16, Bfloat16, 128, 128)
SAMPLING(bfloat16, Bfloat16)
#endif

#if !defined(ONLY) || defined(ONLY_indices)
KERNEL(check_flat_indices, Pooling, check_indices)
KERNEL(mark_flat_indices, Pooling, mark_last)
KERNEL(move_flat_indices, Pooling, move_indices)
#endif
