"""The stages of the im2col engine, for both element types: what the runner calls for each task.

The only module of the backend that needs SciPy, whose BLAS it calls, limited to one thread. A task is left where there is
no memory for BLAS's own buffer.
"""

from .._blas_limit cimport limit_blas, release_blas
from .._call cimport CONVT_LEFT, Call, StageFunction
from .._plan cimport Plan
from .._types cimport int64_t
from ._correlate cimport add_splits, correlate_task
from ._gather cimport gather_task
from ._scatter cimport scatter_task
from ._tiles cimport Tiles


cdef int add_stage(Plan plan, int work, int64_t tasks, double cycles) except -1:
    """A further stage of a plan."""
    return plan.add_function(FUNCTIONS[work], NAMES[work], tasks, cycles)


cdef const char** NAMES = [
    b"im2col_scatter", b"im2col_gather", b"im2col_correlate", b"im2col_totals"
]
cdef StageFunction* FUNCTIONS = [&_scatter, &_gather, &_correlate, &_add_splits]


cdef inline bint _is_single(const Call* call) noexcept nogil:
    """Whether the elements are of float32."""
    return (<const Tiles*>call.plan).g.size == 4


cdef int _scatter(const Call* call, int64_t task, void* own) noexcept nogil:
    cdef int before = limit_blas()
    cdef int done = CONVT_LEFT
    if before >= 0 and _is_single(call):
        done = scatter_task(call, task, <float*>own)
    elif before >= 0:
        done = scatter_task(call, task, <double*>own)
    release_blas(before)
    return done


cdef int _gather(const Call* call, int64_t task, void* own) noexcept nogil:
    cdef int before = limit_blas()
    cdef int done = CONVT_LEFT
    if before >= 0 and _is_single(call):
        done = gather_task(call, task, <float*>own)
    elif before >= 0:
        done = gather_task(call, task, <double*>own)
    release_blas(before)
    return done


cdef int _correlate(const Call* call, int64_t task, void* own) noexcept nogil:
    cdef int before = limit_blas()
    cdef int done = CONVT_LEFT
    if before >= 0 and _is_single(call):
        done = correlate_task(call, task, <float*>own)
    elif before >= 0:
        done = correlate_task(call, task, <double*>own)
    release_blas(before)
    return done


cdef int _add_splits(const Call* call, int64_t task, void* own) noexcept nogil:
    return add_splits(call, task, <float*>own) if _is_single(call) else add_splits(call, task, <double*>own)
