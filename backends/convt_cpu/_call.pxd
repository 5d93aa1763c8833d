# One call of a plan, in C; kernels/call.h says what its parts are.

from ._types cimport int64_t

cdef extern from "kernels/call.h" nogil:
    ctypedef struct Strides "convt_strides":
        int64_t outer
        int64_t channel
        int64_t axis[3]                            # in the order in which they are walked; missing ones, in front, have stride 0

    ctypedef struct Call "convt_call":
        const void* plan
        int64_t scatters
        int64_t replaces
        void* fine
        void* coarse
        void* kernel
        const void* bias
        Strides of_fine, of_coarse, of_kernel
        void* packed
        void* shared
        int64_t round

    enum:
        CONVT_LEFT
        CONVT_DONE
        CONVT_DOUBTFUL

    ctypedef struct Seat "convt_seat":
        int64_t run, kept

    ctypedef int (*StageFunction "convt_stage")(const Call* call, int64_t task, void* own) noexcept nogil

    void convt_note(int* flag)

    ctypedef struct convt_named_stage:
        const char* engine
        const char* name
        StageFunction run

    ctypedef struct convt_waves:
        int64_t wave, groups
