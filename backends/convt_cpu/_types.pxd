# The element types of all engines, and the integers that count them.

from libc.stdint cimport int64_t

ctypedef fused real:
    float
    double
