# The steps of ``kernels/correlate_*.h`` for either element type.

from .._kernels cimport convt_correlate_block, kernels_f32, kernels_f64
from .._strides cimport Strides
from .._types cimport int64_t, real
from ._plan cimport CorrelatePlan


cdef inline void pack_coarse(
    CorrelatePlan plan, int64_t strip, int64_t block, int64_t piece, int64_t pieces, const real* coarse,
    const Strides* of_coarse, real* packed
) noexcept nogil:
    if real is float:
        kernels_f32(plan.isa).correlate_pack_coarse(&plan.p, strip, block, piece, pieces, coarse, of_coarse, packed)
    else:
        kernels_f64(plan.isa).correlate_pack_coarse(&plan.p, strip, block, piece, pieces, coarse, of_coarse, packed)


cdef inline void pack_fine(
    CorrelatePlan plan, int64_t strip, int64_t block, int64_t piece, int64_t pieces, const real* fine,
    const Strides* of_fine, real* packed
) noexcept nogil:
    if real is float:
        kernels_f32(plan.isa).correlate_pack_fine(&plan.p, strip, block, piece, pieces, fine, of_fine, packed)
    else:
        kernels_f64(plan.isa).correlate_pack_fine(&plan.p, strip, block, piece, pieces, fine, of_fine, packed)


cdef inline void sum_strip(
    CorrelatePlan plan, int64_t strip, const convt_correlate_block* block, const real* coarse, const real* fine, bint add,
    real* sums
) noexcept nogil:
    if real is float:
        kernels_f32(plan.isa).correlate_sum(&plan.p, strip, block, coarse, fine, add, sums)
    else:
        kernels_f64(plan.isa).correlate_sum(&plan.p, strip, block, coarse, fine, add, sums)


cdef inline bint write(
    CorrelatePlan plan, const convt_correlate_block* block, int64_t first, int64_t last, const real* sums, bint add,
    real* kernel, const Strides* of_kernel, real* scratch
) noexcept nogil:
    """Whether all that was written is finite."""
    if real is float:
        return kernels_f32(plan.isa).correlate_write(&plan.p, block, first, last, sums, add, kernel, of_kernel, scratch)
    else:
        return kernels_f64(plan.isa).correlate_write(&plan.p, block, first, last, sums, add, kernel, of_kernel, scratch)
