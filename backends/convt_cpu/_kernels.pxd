# The tables of kernels, one for each instruction set and element type; kernels/kernels.h says what they hold.

from ._strides cimport Strides
from ._types cimport int64_t

cdef extern from "kernels/kernels.h" nogil:
    const int CONVT_MAX_ROWS, CONVT_MAX_VECTORS

    ctypedef struct convt_column:
        int64_t tap, output, in_plane, out_plane, shift

    ctypedef struct convt_direct_plan:
        int64_t batch, groups, inputs, outputs
        int64_t in_size[3]
        int64_t out_size[3]
        int64_t in_stride[3]
        int64_t out_stride[3]
        int64_t in_planes, out_planes
        const int64_t* in_phase
        const int64_t* in_shift
        const int64_t* first_tap
        const int64_t* taps
        const int64_t* offsets
        int64_t even, ahead
        int64_t count[4]
        int64_t strips[4]
        int64_t rows[3]
        int64_t slices, slice
        int64_t slab
        int64_t sums_pitch[2]
        int64_t positions, plane_size, channel_size, span, span_size, strip_size, block, chunk, tile, unit, pass_ "pass"
        int64_t column_units
        const int64_t* first_column
        const convt_column* column

    ctypedef struct convt_depthwise_plan:
        int64_t batch, groups, inputs, outputs
        int64_t in_size[3]
        int64_t out_size[3]
        int64_t in_stride[3]
        int64_t out_stride[3]
        int64_t in_planes, out_planes
        const int64_t* in_phase
        const int64_t* first_tap
        const int64_t* taps
        const int64_t* reach
        const int64_t* offsets
        int64_t low[3]
        int64_t count[3]
        int64_t boxes[3]
        int64_t rows[3]
        int64_t slide, plane_size, channel_size, chunk, chunk_size, units, splits
    ctypedef struct convt_correlate_plan:
        int64_t batch, groups, coarse, fine
        int64_t coarse_size[3]
        int64_t fine_size[3]
        int64_t kernel[3]
        int64_t stride[3]
        int64_t dilation[3]
        int64_t step[3]
        int64_t padding[3]
        int64_t count[4]
        int64_t strips[4]
        int64_t run, runs, fine_block, coarse_pitch, fine_lanes, unit, tile, chunk, block_coarse, block_runs

    ctypedef struct convt_correlate_block:
        int64_t group, coarse, coarse_end, fine, fine_end, run, run_end
    ctypedef struct convt_winograd_plan:
        int64_t batch, groups, inputs, outputs
        int64_t in_size[2]
        int64_t out_size[2]
        int64_t kernel[2]
        int64_t in_stride[2]
        int64_t out_stride[2]
        int64_t in_first[2]
        int64_t out_first[2]
        int64_t taps[2]
        int64_t lattices[2]
        int64_t results[2]
        int64_t tiles[2]
        int64_t flips, in_phases, out_phases, block_tiles, pitch, block_channels, tile, unit, pass_ "pass", v_size, u_size
    ctypedef struct convt_winograd_side:
        int64_t channels, block, panel, width, pitch
        int64_t size[3]
        int64_t first[3]
        int64_t stride[3]
        int64_t elements[3]
        int64_t phases[3]
        int64_t span[2]

    ctypedef struct convt_winograd_correlate_plan:
        convt_winograd_side fine, coarse
        int64_t batch, groups
        int64_t kernel[3]
        int64_t dilation[3]
        int64_t taps[3]
        int64_t points[3]
        int64_t units[3]
        int64_t unit[2]
        int64_t unit_tiles, frequencies, phases, rows, tile, chunk

    ctypedef struct convt_cells_plan:
        int64_t batch, groups, inputs, outputs
        int64_t coarse[3]
        int64_t fine[3]
        int64_t kernel[3]
        int64_t stride[3]
        int64_t padding[3]
        int64_t taps[3]
        int64_t first[3]
        int64_t cells[3]
        int64_t positions, lanes, unit, width, block, panels, tiles

    ctypedef struct convt_thin_plan:
        int64_t batch, groups, inputs, outputs
        int64_t coarse[3]
        int64_t fine[3]
        int64_t kernel[3]
        int64_t stride[3]
        int64_t padding[3]
        int64_t dilation[3]
        int64_t taps, positions, part, pitch, unit, width, block, channels, run

    ctypedef struct convt_windows_plan:
        int64_t batch, groups, inputs, outputs
        int64_t fine[3]
        int64_t coarse[3]
        int64_t kernel[3]
        int64_t stride[3]
        int64_t padding[3]
        int64_t dilation[3]
        int64_t count[3]
        int64_t boxes[3]
        int64_t rows[3]
        int64_t part, chunk, vectors, steps, block
        const int64_t* offsets

    ctypedef struct convt_kernels_f32:
        int64_t lanes, max_rows
        void (*direct[15][13])(
            int64_t channels, int64_t taps, const int64_t* offsets, int64_t x_pitch, int64_t ahead, const float* x,
            const float* w, float* y, int64_t y_pitch, int add) noexcept nogil
        int (*pack_pass)(
            const convt_direct_plan*, int64_t first, int64_t last, const float* kernel, int64_t inp, int64_t out, const int64_t* axis,
            float* packed) noexcept nogil
        void (*strip)(
            const convt_direct_plan*, int64_t task, const float* input, const Strides* inp, const float* weights,
            const float* bias, float* output, const Strides* out, float* scratch) noexcept nogil
        void (*pack)(
            const convt_direct_plan*, int64_t task, int64_t first, int64_t last, const float* input,
            const Strides* inp, float* strip) noexcept nogil
        int (*outputs)(
            const convt_direct_plan*, int64_t task, int64_t first_strip, int64_t strips, const float* packed,
            const float* kernel, int64_t inp, int64_t out_channel, const int64_t* axis, const float* bias,
            float* output, const Strides* out, float* scratch) noexcept nogil
        int (*depthwise)(
            const convt_depthwise_plan*, int64_t task, const float* input, const Strides* inp, const float* kernel,
            int64_t k_group, int64_t k_in, int64_t k_out, const int64_t* axis, const float* bias, float* output,
            const Strides* out, float* scratch) noexcept nogil
        void (*depthwise_channels)(
            const convt_depthwise_plan*, int64_t first, int64_t last, const float* input, const Strides* inp,
            const float* weights, const float* bias, float* output, const Strides* out) noexcept nogil
        void (*depthwise_correlate)(
            const convt_depthwise_plan*, int64_t task, const float* fine, const Strides* of_fine, const float* coarse,
            const Strides* of_coarse, float* sums, float* scratch) noexcept nogil
        void (*correlate[15][13])(
            int64_t count, const int64_t* at_rows, const float* rows, const int64_t* at_lanes, const float* lanes, float* y,
            int64_t y_pitch, int add) noexcept nogil
        void (*correlate_pack_coarse)(
            const convt_correlate_plan*, int64_t strip, int64_t block, int64_t piece, int64_t pieces,
            const float* coarse, const Strides*, float* packed) noexcept nogil
        void (*correlate_pack_fine)(
            const convt_correlate_plan*, int64_t strip, int64_t block, int64_t piece, int64_t pieces, const float* fine,
            const Strides*, float* packed) noexcept nogil
        void (*correlate_sum)(
            const convt_correlate_plan*, int64_t strip, const convt_correlate_block*, const float* coarse,
            const float* fine, int add, float* sums) noexcept nogil
        int (*correlate_write)(
            const convt_correlate_plan*, const convt_correlate_block*, int64_t first, int64_t last, const float* sums,
            int add, float* kernel, const Strides*, float* scratch) noexcept nogil
        int (*winograd_weights)(
            const convt_winograd_plan*, int64_t channels, int64_t rows, const float* kernel, int64_t inp, int64_t out,
            const int64_t* axis, float* packed) noexcept nogil
        int (*winograd_input)(
            const convt_winograd_plan*, int64_t block, int64_t channels, const float* input, const Strides* inp,
            float* v) noexcept nogil
        int (*winograd_tiles)(
            const convt_winograd_plan*, int64_t task, const float* input, const Strides* inp, const float* u,
            const float* bias, float* output, const Strides* out, float* scratch) noexcept nogil
        int (*winograd_outputs)(
            const convt_winograd_plan*, int64_t task, int64_t first_block, int64_t blocks, const float* v,
            const float* kernel, int64_t inp, int64_t out_channel, const int64_t* axis, const float* bias,
            float* output, const Strides* out, float* scratch) noexcept nogil
        void (*winograd_correlate_pack)(
            const convt_winograd_correlate_plan*, int windows, int64_t unit, int64_t block, int64_t tiles,
            const float* array, const Strides*, float* packed, float* scratch) noexcept nogil
        void (*winograd_correlate_sum)(
            const convt_winograd_correlate_plan*, int64_t fine_block, int64_t coarse_block, int64_t tiles, const float* v,
            const float* g, int add, float* m) noexcept nogil
        int (*winograd_correlate_write)(
            const convt_winograd_correlate_plan*, int64_t group, int64_t fine_block, int64_t coarse_block, int64_t first,
            int64_t last, const float* m, int add, float* kernel, const Strides*, float* scratch) noexcept nogil
        int (*cells_rows)(
            const convt_cells_plan*, int64_t group, int64_t tile, const float* input, const Strides* inp,
            float* rows) noexcept nogil
        int (*cells)(
            const convt_cells_plan*, int64_t group, int64_t first, int64_t tile, int64_t tiles, const float* rows,
            const float* kernel, int64_t inp, int64_t out_channel, const Strides* strides, const float* bias,
            float* output, const Strides* out, float* scratch) noexcept nogil
        int (*thin_rows)(
            const convt_thin_plan*, int by_positions, int64_t tile, const float* coarse, const Strides* strides,
            float* rows) noexcept nogil
        void (*thin_scatter)(
            const convt_thin_plan*, int64_t first, const float* rows, const float* kernel, const Strides* strides,
            const float* bias, float* fine, const Strides* of_fine, float* scratch) noexcept nogil
        void (*thin_correlate)(
            const convt_thin_plan*, int64_t first, const float* rows, const float* fine, const Strides* of_fine,
            float* kernel, const Strides* strides, float* scratch) noexcept nogil
        void (*thin_column)(
            const convt_thin_plan*, int64_t position, const float* fine, const Strides* strides, float* column) noexcept nogil
        int (*thin_gather)(
            const convt_thin_plan*, int64_t first, int64_t position, int64_t positions, const float* columns,
            const float* kernel, const Strides* strides, const float* bias, float* coarse, const Strides* of_coarse,
            float* scratch) noexcept nogil
        int (*windows)(
            const convt_windows_plan*, int64_t group, int64_t part, int64_t index, const float* fine, const Strides* of_fine,
            const float* kernel, const Strides* of_kernel, const float* bias, float* coarse, const Strides* of_coarse,
            float* scratch) noexcept nogil

    ctypedef struct convt_kernels_f64:
        int64_t lanes, max_rows
        void (*direct[15][13])(
            int64_t channels, int64_t taps, const int64_t* offsets, int64_t x_pitch, int64_t ahead, const double* x,
            const double* w, double* y, int64_t y_pitch, int add) noexcept nogil
        int (*pack_pass)(
            const convt_direct_plan*, int64_t first, int64_t last, const double* kernel, int64_t inp, int64_t out, const int64_t* axis,
            double* packed) noexcept nogil
        void (*strip)(
            const convt_direct_plan*, int64_t task, const double* input, const Strides* inp, const double* weights,
            const double* bias, double* output, const Strides* out, double* scratch) noexcept nogil
        void (*pack)(
            const convt_direct_plan*, int64_t task, int64_t first, int64_t last, const double* input,
            const Strides* inp, double* strip) noexcept nogil
        int (*outputs)(
            const convt_direct_plan*, int64_t task, int64_t first_strip, int64_t strips, const double* packed,
            const double* kernel, int64_t inp, int64_t out_channel, const int64_t* axis, const double* bias,
            double* output, const Strides* out, double* scratch) noexcept nogil
        int (*depthwise)(
            const convt_depthwise_plan*, int64_t task, const double* input, const Strides* inp, const double* kernel,
            int64_t k_group, int64_t k_in, int64_t k_out, const int64_t* axis, const double* bias, double* output,
            const Strides* out, double* scratch) noexcept nogil
        void (*depthwise_channels)(
            const convt_depthwise_plan*, int64_t first, int64_t last, const double* input, const Strides* inp,
            const double* weights, const double* bias, double* output, const Strides* out) noexcept nogil
        void (*depthwise_correlate)(
            const convt_depthwise_plan*, int64_t task, const double* fine, const Strides* of_fine, const double* coarse,
            const Strides* of_coarse, double* sums, double* scratch) noexcept nogil
        void (*correlate[15][13])(
            int64_t count, const int64_t* at_rows, const double* rows, const int64_t* at_lanes, const double* lanes, double* y,
            int64_t y_pitch, int add) noexcept nogil
        void (*correlate_pack_coarse)(
            const convt_correlate_plan*, int64_t strip, int64_t block, int64_t piece, int64_t pieces,
            const double* coarse, const Strides*, double* packed) noexcept nogil
        void (*correlate_pack_fine)(
            const convt_correlate_plan*, int64_t strip, int64_t block, int64_t piece, int64_t pieces, const double* fine,
            const Strides*, double* packed) noexcept nogil
        void (*correlate_sum)(
            const convt_correlate_plan*, int64_t strip, const convt_correlate_block*, const double* coarse,
            const double* fine, int add, double* sums) noexcept nogil
        int (*correlate_write)(
            const convt_correlate_plan*, const convt_correlate_block*, int64_t first, int64_t last, const double* sums,
            int add, double* kernel, const Strides*, double* scratch) noexcept nogil
        int (*winograd_weights)(
            const convt_winograd_plan*, int64_t channels, int64_t rows, const double* kernel, int64_t inp, int64_t out,
            const int64_t* axis, double* packed) noexcept nogil
        int (*winograd_input)(
            const convt_winograd_plan*, int64_t block, int64_t channels, const double* input, const Strides* inp,
            double* v) noexcept nogil
        int (*winograd_tiles)(
            const convt_winograd_plan*, int64_t task, const double* input, const Strides* inp, const double* u,
            const double* bias, double* output, const Strides* out, double* scratch) noexcept nogil
        int (*winograd_outputs)(
            const convt_winograd_plan*, int64_t task, int64_t first_block, int64_t blocks, const double* v,
            const double* kernel, int64_t inp, int64_t out_channel, const int64_t* axis, const double* bias,
            double* output, const Strides* out, double* scratch) noexcept nogil
        void (*winograd_correlate_pack)(
            const convt_winograd_correlate_plan*, int windows, int64_t unit, int64_t block, int64_t tiles,
            const double* array, const Strides*, double* packed, double* scratch) noexcept nogil
        void (*winograd_correlate_sum)(
            const convt_winograd_correlate_plan*, int64_t fine_block, int64_t coarse_block, int64_t tiles, const double* v,
            const double* g, int add, double* m) noexcept nogil
        int (*winograd_correlate_write)(
            const convt_winograd_correlate_plan*, int64_t group, int64_t fine_block, int64_t coarse_block, int64_t first,
            int64_t last, const double* m, int add, double* kernel, const Strides*, double* scratch) noexcept nogil
        int (*cells_rows)(
            const convt_cells_plan*, int64_t group, int64_t tile, const double* input, const Strides* inp,
            double* rows) noexcept nogil
        int (*cells)(
            const convt_cells_plan*, int64_t group, int64_t first, int64_t tile, int64_t tiles, const double* rows,
            const double* kernel, int64_t inp, int64_t out_channel, const Strides* strides, const double* bias,
            double* output, const Strides* out, double* scratch) noexcept nogil
        int (*thin_rows)(
            const convt_thin_plan*, int by_positions, int64_t tile, const double* coarse, const Strides* strides,
            double* rows) noexcept nogil
        void (*thin_scatter)(
            const convt_thin_plan*, int64_t first, const double* rows, const double* kernel, const Strides* strides,
            const double* bias, double* fine, const Strides* of_fine, double* scratch) noexcept nogil
        void (*thin_correlate)(
            const convt_thin_plan*, int64_t first, const double* rows, const double* fine, const Strides* of_fine,
            double* kernel, const Strides* strides, double* scratch) noexcept nogil
        void (*thin_column)(
            const convt_thin_plan*, int64_t position, const double* fine, const Strides* strides, double* column) noexcept nogil
        int (*thin_gather)(
            const convt_thin_plan*, int64_t first, int64_t position, int64_t positions, const double* columns,
            const double* kernel, const Strides* strides, const double* bias, double* coarse, const Strides* of_coarse,
            double* scratch) noexcept nogil
        int (*windows)(
            const convt_windows_plan*, int64_t group, int64_t part, int64_t index, const double* fine, const Strides* of_fine,
            const double* kernel, const Strides* of_kernel, const double* bias, double* coarse, const Strides* of_coarse,
            double* scratch) noexcept nogil


cdef int isa_index(str name) except -1
cdef const convt_kernels_f32* kernels_f32(int isa) noexcept nogil
cdef const convt_kernels_f64* kernels_f64(int isa) noexcept nogil
cdef int64_t lanes_of(int isa, int64_t size) noexcept nogil
cdef int64_t most_rows(int isa) noexcept nogil
cdef int64_t widest(int isa, int64_t rows) noexcept nogil
cdef int64_t widest_within(int isa, int64_t rows, int64_t most) noexcept nogil
cdef bint has_kernel(int isa, int64_t rows, int64_t vectors) noexcept nogil
