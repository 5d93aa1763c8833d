"""The stages of the im2col engine, for both element types: what the runner calls for each task.

The only module of the backend that needs SciPy, whose BLAS it calls, limited to one thread. A task gives 0 where there is no
memory for BLAS's own buffer.
"""

from .._blas_limit cimport limit_blas, release_blas
from .._call cimport Call, StageFunction
from .._plan cimport Plan
from .._types cimport int64_t, real
from ._correlate cimport add_splits, correlate_task
from ._gather cimport gather_task
from ._repair cimport repair_correlate, repair_gather
from ._scatter cimport scatter_task


cdef int add_stage(Plan plan, int work, int64_t tasks, double cycles) except -1:
    """A further stage of a plan."""
    return plan.add_function(IN_SINGLE[work] if plan.size == 4 else IN_DOUBLE[work], NAMES[work], tasks, cycles)


cdef const char** NAMES = [
    b"im2col_scatter", b"im2col_gather", b"im2col_correlate", b"im2col_totals", b"im2col_repair", b"im2col_repair"
]
cdef StageFunction* IN_SINGLE = [
    &_scatter_f32, &_gather_f32, &_correlate_f32, &_add_splits_f32, &_repair_gather_f32, &_repair_correlate_f32
]
cdef StageFunction* IN_DOUBLE = [
    &_scatter_f64, &_gather_f64, &_correlate_f64, &_add_splits_f64, &_repair_gather_f64, &_repair_correlate_f64
]


cdef inline int _scatter(const Call* call, int64_t task, real* own) noexcept nogil:
    cdef int before = limit_blas()
    if before >= 0:
        scatter_task(call, task, own)
    release_blas(before)
    return before >= 0


cdef inline int _gather(const Call* call, int64_t task, real* own) noexcept nogil:
    cdef int before = limit_blas()
    if before >= 0:
        gather_task(call, task, own)
    release_blas(before)
    return before >= 0


cdef inline int _correlate(const Call* call, int64_t task, real* own) noexcept nogil:
    cdef int before = limit_blas()
    if before >= 0:
        correlate_task(call, task, own)
    release_blas(before)
    return before >= 0


cdef int _scatter_f32(const Call* call, int64_t task, void* own) noexcept nogil:
    return _scatter(call, task, <float*>own)


cdef int _gather_f32(const Call* call, int64_t task, void* own) noexcept nogil:
    return _gather(call, task, <float*>own)


cdef int _correlate_f32(const Call* call, int64_t task, void* own) noexcept nogil:
    return _correlate(call, task, <float*>own)


cdef int _add_splits_f32(const Call* call, int64_t task, void* own) noexcept nogil:
    return add_splits(call, task, <float*>own)


cdef int _repair_gather_f32(const Call* call, int64_t task, void* own) noexcept nogil:
    return repair_gather(call, task, <float*>own)


cdef int _repair_correlate_f32(const Call* call, int64_t task, void* own) noexcept nogil:
    return repair_correlate(call, task, <float*>own)


cdef int _scatter_f64(const Call* call, int64_t task, void* own) noexcept nogil:
    return _scatter(call, task, <double*>own)


cdef int _gather_f64(const Call* call, int64_t task, void* own) noexcept nogil:
    return _gather(call, task, <double*>own)


cdef int _correlate_f64(const Call* call, int64_t task, void* own) noexcept nogil:
    return _correlate(call, task, <double*>own)


cdef int _add_splits_f64(const Call* call, int64_t task, void* own) noexcept nogil:
    return add_splits(call, task, <double*>own)


cdef int _repair_gather_f64(const Call* call, int64_t task, void* own) noexcept nogil:
    return repair_gather(call, task, <double*>own)


cdef int _repair_correlate_f64(const Call* call, int64_t task, void* own) noexcept nogil:
    return repair_correlate(call, task, <double*>own)
