# The geometry of one problem in C: three spatial axes (missing ones in front have size 1), channels counted per group,
# strides counted in elements. Every other .pxd of this folder builds on these structs.

from .._types cimport int64_t

cdef struct Geometry:
    int64_t batch
    int64_t groups
    int64_t fine_channels      # per group
    int64_t coarse_channels    # per group
    int64_t fine[3]
    int64_t coarse[3]
    int64_t kernel[3]
    int64_t stride[3]
    int64_t padding[3]
    int64_t dilation[3]
    int64_t taps               # kernel[0] * kernel[1] * kernel[2]

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


cdef inline int64_t floor_div(int64_t a, int64_t b) noexcept nogil:
    """a / b rounded down; b is positive."""
    cdef int64_t quotient = a // b
    return quotient - 1 if quotient * b > a else quotient


cdef inline int64_t ceil_div(int64_t a, int64_t b) noexcept nogil:
    """a / b rounded up; b is positive."""
    return -floor_div(-a, b)
