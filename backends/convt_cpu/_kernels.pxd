# The tables of kernels, one for each instruction set and element type; kernels/kernels.h says what they hold.

from ._call cimport StageFunction, convt_named_stage, convt_waves
from ._types cimport int64_t

cdef extern from "kernels/kernels.h" nogil:
    const int CONVT_MAX_ROWS, CONVT_MAX_VECTORS
    const int CONVT_WINOGRAD_LISTS, CONVT_ADDED, CONVT_WRITTEN, CONVT_TRANSFORMED

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
        int64_t units, all_strips, pieces
        convt_waves waves
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
        int64_t slide, plane_size, channel_size, chunk, chunk_size, units, splits, chunks, channel_rows

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
        int64_t blocks, coarse_blocks, run_blocks, all_strips, splits, cuts, chunks, wave, pieces, round_groups, of_coarse, of_fine, of_sums

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
        int64_t units, channel_blocks, blocks
        convt_waves waves

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
        int64_t all_units, strip_units, strips, fine_blocks, coarse_blocks, splits, cuts, chunks, round_groups, of_fine, of_coarse, of_sums

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
        int64_t positions, lanes, unit, width, block, panels, tiles, parts, pieces, tile_size
        convt_waves waves

    ctypedef struct convt_thin_plan:
        int64_t batch, groups, inputs, outputs
        int64_t coarse[3]
        int64_t fine[3]
        int64_t kernel[3]
        int64_t stride[3]
        int64_t padding[3]
        int64_t dilation[3]
        int64_t taps, positions, part, parts, pitch, unit, width, block, channels, run, tile_size
        convt_waves waves

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
        const convt_named_stage* stages
        void (*direct[15][13])(
            int64_t channels, int64_t taps, const int64_t* offsets, int64_t x_pitch, int64_t ahead, const float* x,
            const float* w, float* y, int64_t y_pitch, int add) noexcept nogil
        void (*correlate[15][13])(
            int64_t count, const int64_t* at_rows, const float* rows, const int64_t* at_lanes, const float* lanes, float* y,
            int64_t y_pitch, int add) noexcept nogil

    ctypedef struct convt_kernels_f64:
        int64_t lanes, max_rows
        const convt_named_stage* stages
        void (*direct[15][13])(
            int64_t channels, int64_t taps, const int64_t* offsets, int64_t x_pitch, int64_t ahead, const double* x,
            const double* w, double* y, int64_t y_pitch, int add) noexcept nogil
        void (*correlate[15][13])(
            int64_t count, const int64_t* at_rows, const double* rows, const int64_t* at_lanes, const double* lanes, double* y,
            int64_t y_pitch, int add) noexcept nogil


cdef int isa_index(str name) except -1
cdef int stage(str name) except -1
cdef StageFunction stage_function(int isa, int64_t size, int index) noexcept nogil
cdef const char* stage_name(int index) noexcept nogil
cdef int64_t lanes_of(int isa, int64_t size) noexcept nogil
cdef int64_t most_rows(int isa) noexcept nogil
cdef int64_t widest(int isa, int64_t rows) noexcept nogil
cdef int64_t widest_within(int isa, int64_t rows, int64_t most) noexcept nogil
cdef bint has_kernel(int isa, int64_t rows, int64_t vectors) noexcept nogil
