# Boxes and runs of coarse positions. Every other .pxd of this folder builds on these structs.

from .._types cimport int64_t

cdef struct Box:               # some images, and a box of coarse positions in each; flattened, image by image, row by row
    int64_t image
    int64_t images
    int64_t first[3]
    int64_t size[3]

cdef struct Run:               # consecutive positions of a box along the last axis
    int64_t image
    int64_t at[3]
    int64_t length


cdef inline int64_t box_pixels(const Box* box) noexcept nogil:
    return box.images * box.size[0] * box.size[1] * box.size[2]


cdef inline Run run_at(const Box* box, int64_t pixel, int64_t end) noexcept nogil:
    """The run that starts at a flattened position and ends with its row, or before `end`."""
    cdef Run run
    cdef int64_t row = pixel // box.size[2]
    cdef int64_t column = pixel - row * box.size[2]
    cdef int64_t plane = row // box.size[1]
    cdef int64_t image = plane // box.size[0]
    run.image = box.image + image
    run.at[0] = box.first[0] + plane - image * box.size[0]
    run.at[1] = box.first[1] + row - plane * box.size[1]
    run.at[2] = box.first[2] + column
    run.length = min(box.size[2] - column, end - pixel)
    return run
