# Pixels: a tile of the coarse array as the matrix that BLAS multiplies, whatever the strides of the array are.
#
#     pixels[c][p]     c: coarse channel of a chunk      p: flattened position of a Box      one row every `pitch` elements

from .._strides cimport Strides
from .._types cimport int64_t, real
from ._geometry cimport Box, Run, run_at


cdef inline void pack_pixels(
    const real* coarse, const Strides* strides, const Box* box, int64_t begin, int64_t end,
    int64_t channels, real* pixels, int64_t pitch,
) noexcept nogil:
    """pixels[c][p - begin] = coarse[image of p, c, position of p]."""
    cdef int64_t p = begin, _c, i, step = strides.axis[2]
    cdef Run run
    cdef const real* source
    cdef real* target
    while p < end:
        run = run_at(box, p, end)
        source = (
            coarse + run.image * strides.outer
            + run.at[0] * strides.axis[0] + run.at[1] * strides.axis[1] + run.at[2] * step
        )
        target = pixels + p - begin
        for _c in range(channels):
            if step == 1:
                for i in range(run.length):
                    target[i] = source[i]
            else:
                for i in range(run.length):
                    target[i] = source[i * step]
            source += strides.channel
            target += pitch
        p += run.length


cdef inline void unpack_pixels(
    real* coarse, const Strides* strides, const Box* box, int64_t begin, int64_t end,
    int64_t channels, const real* pixels, int64_t pitch, const real* bias,
) noexcept nogil:
    """coarse[image of p, c, position of p] = pixels[c][p - begin] + bias[c]; without a bias, NULL."""
    cdef int64_t p = begin, c, i, step = strides.axis[2]
    cdef real offset
    cdef Run run
    cdef const real* source
    cdef real* target
    while p < end:
        run = run_at(box, p, end)
        target = (
            coarse + run.image * strides.outer
            + run.at[0] * strides.axis[0] + run.at[1] * strides.axis[1] + run.at[2] * step
        )
        source = pixels + p - begin
        for c in range(channels):
            offset = bias[c] if bias != NULL else 0
            if step == 1:
                for i in range(run.length):
                    target[i] = source[i] + offset
            else:
                for i in range(run.length):
                    target[i * step] = source[i] + offset
            source += pitch
            target += strides.channel
        p += run.length
