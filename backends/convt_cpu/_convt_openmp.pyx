"""The layer of threads that is OpenMP's (``pool/openmp.h``): the only extension that links to it, in builds from source."""

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int64_t

from ._convt_pool cimport is_main, poll
from ._tasks cimport convt_task


cdef extern from "pool/openmp.h":
    void convt_openmp_start(int (*poll)() noexcept nogil, int (*is_main)() noexcept nogil) noexcept nogil
    int convt_openmp_run(convt_task task, void* stage, int64_t tasks, int threads) except -1 nogil
    int convt_openmp_threads() noexcept nogil
    int convt_openmp_orphaned() noexcept nogil


def limit():
    """The number of threads that OpenMP has been limited to since it was loaded, None if it has not.

    One in a process forked after threads had run.
    """
    cdef int now = convt_openmp_threads()
    return 1 if convt_openmp_orphaned() else None if now == at_first else now


cdef int at_first = convt_openmp_threads()
convt_openmp_start(poll, is_main)
run = PyCapsule_New(<void*> &convt_openmp_run, "convt_run", NULL)
