# The strides of an array as the engines take them: in elements, the spatial axes in the order in which they are walked.

cimport numpy as cnp

from ._call cimport Strides
from ._types cimport int64_t


cdef inline Strides strides_of(cnp.ndarray array, tuple order) noexcept:
    cdef Strides strides
    cdef int axis, missing = 3 - len(order)
    cdef int shift = 3 if cnp.PyArray_ITEMSIZE(array) == 8 else 2       # a division would take longer than all the rest
    cdef cnp.npy_intp* steps = cnp.PyArray_STRIDES(array)
    strides.outer = steps[0] >> shift
    strides.channel = steps[1] >> shift
    for axis in range(3):
        strides.axis[axis] = steps[2 + <int>order[axis - missing]] >> shift if axis >= missing else 0
    return strides
