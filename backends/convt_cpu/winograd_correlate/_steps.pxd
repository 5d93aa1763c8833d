# The steps of ``kernels/winograd_correlate.h`` for either element type.

from .._kernels cimport kernels_f32, kernels_f64
from .._strides cimport Strides
from .._types cimport int64_t, real
from ._plan cimport WinogradCorrelatePlan


cdef inline void pack(
    WinogradCorrelatePlan plan, bint windows, int64_t unit, int64_t block, int64_t tiles, const real* array,
    const Strides* strides, real* packed, real* scratch
) noexcept nogil:
    if real is float:
        kernels_f32(plan.isa).winograd_correlate_pack(
            &plan.p, windows, unit, block, tiles, array, strides, packed, scratch)
    else:
        kernels_f64(plan.isa).winograd_correlate_pack(
            &plan.p, windows, unit, block, tiles, array, strides, packed, scratch)


cdef inline void sum_strip(
    WinogradCorrelatePlan plan, int64_t fine_block, int64_t coarse_block, int64_t tiles, const real* v, const real* g,
    bint add, real* m
) noexcept nogil:
    if real is float:
        kernels_f32(plan.isa).winograd_correlate_sum(&plan.p, fine_block, coarse_block, tiles, v, g, add, m)
    else:
        kernels_f64(plan.isa).winograd_correlate_sum(&plan.p, fine_block, coarse_block, tiles, v, g, add, m)


cdef inline bint write(
    WinogradCorrelatePlan plan, int64_t group, int64_t fine_block, int64_t coarse_block, int64_t first, int64_t last,
    const real* m, bint add, real* kernel, const Strides* of_kernel, real* scratch
) noexcept nogil:
    """Whether all that was written is finite."""
    if real is float:
        return kernels_f32(plan.isa).winograd_correlate_write(
            &plan.p, group, fine_block, coarse_block, first, last, m, add, kernel, of_kernel, scratch)
    else:
        return kernels_f64(plan.isa).winograd_correlate_write(
            &plan.p, group, fine_block, coarse_block, first, last, m, add, kernel, of_kernel, scratch)
