# The tables of kernels, one for each instruction set and element type; kernels/kernels.h says what they hold.

from ._call cimport StageFunction, convt_named_stage
from ._types cimport int64_t

cdef extern from "kernels/kernels.h" nogil:
    enum:
        CONVT_MAX_ROWS
        CONVT_MAX_VECTORS
        CONVT_CHUNK
        CONVT_WINDOWS
        CONVT_ADDED

    ctypedef struct convt_kernels_f32:
        int64_t lanes, max_rows
        const convt_named_stage* stages
        void (*direct[CONVT_MAX_ROWS + 1][CONVT_MAX_VECTORS + 1])(
            int64_t channels, int64_t taps, const int64_t* offsets, int64_t x_pitch, int64_t ahead, const float* x,
            const float* w, float* y, int64_t y_pitch, int add) noexcept nogil
        void (*correlate[CONVT_MAX_ROWS + 1][CONVT_MAX_VECTORS + 1])(
            int64_t count, const int64_t* at_rows, const float* rows, const int64_t* at_lanes, const float* lanes, float* y,
            int64_t y_pitch, int add) noexcept nogil

    ctypedef struct convt_kernels_f64:
        int64_t lanes, max_rows
        const convt_named_stage* stages
        void (*direct[CONVT_MAX_ROWS + 1][CONVT_MAX_VECTORS + 1])(
            int64_t channels, int64_t taps, const int64_t* offsets, int64_t x_pitch, int64_t ahead, const double* x,
            const double* w, double* y, int64_t y_pitch, int add) noexcept nogil
        void (*correlate[CONVT_MAX_ROWS + 1][CONVT_MAX_VECTORS + 1])(
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
