"""Who runs the tasks of a stage: what ``CONVT_CPU_THREADING`` names; else threads that a caller lends, or the pool."""

from convt.backend import lent_threads

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t, uintptr_t
from libc.stdlib cimport calloc, free, getenv
from libc.string cimport strcmp

from . cimport _convt_pool
from ._tasks cimport convt_run, convt_task


cdef extern from "pool/lent.h" nogil:
    void convt_lent_start(int (*poll)() noexcept nogil, int (*is_main)() noexcept nogil) noexcept
    int convt_lent_accept(void* gomp_parallel) noexcept
    int convt_lent_run(convt_task task, void* stage, int64_t tasks, int threads) except -1


cdef extern from "pool/rehearsal.h" nogil:
    ctypedef struct Rehearsal "struct rehearsal":
        int64_t nanoseconds
        int64_t signalling
        int signal
        int64_t failing
        const volatile int* held
        int* seats
        char* seated
        int clashes

    int rehearse_task(void* stage, int64_t task, int seat) noexcept


cdef convt_run openmp = NULL
cdef object openmp_threads = None


cdef convt_run layer() except NULL:
    """The layer to use now.

    Raises
    ------
    ValueError
        ``CONVT_CPU_THREADING`` names no layer.
    RuntimeError
        It names one that this build does not have.
    """
    cdef const char* name = getenv("CONVT_CPU_THREADING")
    cdef object lent
    if _is_unset(name):
        lent = lent_threads()
        return &convt_lent_run if lent is not None and convt_lent_accept(<void*> <uintptr_t> lent) else _convt_pool.run
    if strcmp(name, "pool") == 0:
        return _convt_pool.run
    if strcmp(name, "openmp") != 0:
        raise ValueError(f"CONVT_CPU_THREADING must be pool or openmp, got {name.decode('utf-8', 'surrogateescape')!r}")
    return openmp if openmp != NULL else _load_openmp()


cdef bint _is_unset(const char* variable) noexcept:
    return variable == NULL or variable[0] == 0


def layer_name():
    """The layer's name: "pool", "lent" or "openmp"."""
    cdef convt_run now = layer()
    return "pool" if now == _convt_pool.run else "lent" if now == &convt_lent_run else "openmp"


cdef int layer_threads(int count) except -1:
    """How many of so many threads the layer would use now. Raises as `layer`."""
    if _is_unset(getenv("CONVT_CPU_THREADING")) or layer() == _convt_pool.run:
        return count
    most = openmp_threads()
    return count if most is None or count < most else most


cdef convt_run _load_openmp() except NULL:
    global openmp, openmp_threads
    try:
        from . import _convt_openmp
    except ImportError as error:
        raise RuntimeError(
            "CONVT_CPU_THREADING is openmp, which this build of convt does not have: build it from source with a compiler that "
            "has OpenMP, by CONVT_BUILD_OPENMP=1 pip install --no-binary convt convt"
        ) from error
    openmp_threads = _convt_openmp.limit
    openmp = <convt_run> PyCapsule_GetPointer(_convt_openmp.run, "convt_run")
    return openmp


def rehearse(int[::1] seats, int threads, *, double seconds=0, int64_t signalling=-1, int signal=0, int64_t failing=-1, held=None):
    """For tests: run on the layer as many tasks as `seats` has elements, each of so many seconds.

    Each writes its seat when it begins; the others' elements become -1. Task `signalling` sends `signal` to the process, task
    `failing` fails. While the C integer in the buffer `held` is not 0, no task ends but the caller's. Returns whether none failed.
    """
    cdef convt_run run = layer()
    cdef Rehearsal r
    cdef int[::1] hold
    cdef int result
    r.nanoseconds, r.signalling, r.signal, r.failing, r.held = <int64_t> (seconds * 1e9), signalling, signal, failing, NULL
    r.clashes = 0
    r.seats = &seats[0]
    seats[:] = -1
    if held is not None:
        hold = held
        r.held = &hold[0]
    r.seated = <char*> calloc(max(threads, 1), 1)
    if r.seated == NULL:
        raise MemoryError
    try:
        with nogil:
            result = run(rehearse_task, &r, seats.shape[0], threads)
    finally:
        free(r.seated)
    if r.clashes:
        raise AssertionError(f"{r.clashes} tasks had a seat that another one had")
    return result == 1


convt_lent_start(_convt_pool.poll, _convt_pool.is_main)
