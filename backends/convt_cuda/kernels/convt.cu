// The list of all kernels; README.md says how a call flows. Names are <what>_<form>_<type>.
#include "correlate.cuh"
#include "direct.cuh"
#include "geometry.cuh"
#include "pooling.cuh"
#include "resampling.cuh"
#include "sums.cuh"
#include "tile.cuh"

#define KERNEL(name, Parameters, ...) \
    extern "C" __global__ void __launch_bounds__(256) name(const __grid_constant__ Parameters parameters) { __VA_ARGS__(parameters); }

// `pixels` and `channels` say along what neighbouring threads load.
#define TILES(type, T, rows, columns, TM, TN) \
    KERNEL(scatter_##rows##x##columns##_pixels_##type, Map, tile<T, true, false, rows, columns, TM, TN>) \
    KERNEL(scatter_##rows##x##columns##_channels_##type, Map, tile<T, true, true, rows, columns, TM, TN>) \
    KERNEL(gather_##rows##x##columns##_pixels_##type, Map, tile<T, false, false, rows, columns, TM, TN>) \
    KERNEL(gather_##rows##x##columns##_channels_##type, Map, tile<T, false, true, rows, columns, TM, TN>) \
    KERNEL(pack_##rows##x##columns##_##type, Map, pack<T, rows>)

#define DIRECT(type, T, MR) \
    KERNEL(scatter_direct##MR##_pixels_##type, Map, direct<T, true, false, MR>) \
    KERNEL(scatter_direct##MR##_channels_##type, Map, direct<T, true, true, MR>) \
    KERNEL(gather_direct##MR##_pixels_##type, Map, direct<T, false, false, MR>) \
    KERNEL(gather_direct##MR##_channels_##type, Map, direct<T, false, true, MR>)

#define FAMILY(type, T) \
    TILES(type, T, 64, 64, 4, 4) \
    TILES(type, T, 32, 128, 4, 4) \
    DIRECT(type, T, 1) \
    DIRECT(type, T, 4) \
    KERNEL(correlate_tile_##type, Correlation, correlate_tile<T, 64, 64, 4, 4>) \
    KERNEL(correlate_direct_##type, Correlation, correlate_direct<T, 256>) \
    KERNEL(channel_sums_##type, Sum, channel_sums<T, 256>) \
    KERNEL(add_parts_##type, Reduction, add_parts<T>)

FAMILY(float32, float)
FAMILY(float64, double)
TILES(float32, float, 128, 128, 8, 8)  // twice the registers of double would not fit

// Upsampling and pooling. Other types of 4 and 8 bytes, of which values are only moved, travel as these.
#define SAMPLING(type, T) \
    KERNEL(upsample_nearest_##type, Resampling, upsample_nearest<T>) \
    KERNEL(upsample_bed_of_nails_##type, Resampling, upsample_bed_of_nails<T>) \
    KERNEL(upsample_bilinear_##type, Resampling, upsample_bilinear<T>) \
    KERNEL(collect_nearest_##type, Resampling, collect_nearest<T>) \
    KERNEL(collect_bed_of_nails_##type, Resampling, collect_bed_of_nails<T>) \
    KERNEL(collect_bilinear_##type, Resampling, collect_bilinear<T>) \
    KERNEL(max_pool_##type, Pooling, max_pool<T>) \
    KERNEL(max_pool_backward_near_##type, Pooling, max_pool_backward_near<T>) \
    KERNEL(max_pool_backward_far_##type, Pooling, max_pool_backward_far<T>) \
    KERNEL(max_unpool_near_##type, Pooling, max_unpool_near<T>) \
    KERNEL(max_unpool_far_##type, Pooling, max_unpool_far<T>) \
    KERNEL(max_unpool_backward_near_##type, Pooling, max_unpool_backward_near<T>) \
    KERNEL(max_unpool_backward_far_##type, Pooling, max_unpool_backward_far<T>)

SAMPLING(float32, float)
SAMPLING(float64, double)
KERNEL(indices_check, Pooling, check_indices)
KERNEL(indices_mark_last, Pooling, mark_last)
KERNEL(indices_move, Pooling, move_indices)
