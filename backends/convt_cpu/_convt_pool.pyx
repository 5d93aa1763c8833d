"""The pool of threads (``pool/pool.h``), and what Python adds: signals, and threadpoolctl's limit by the library's symbols."""

import os
import threading

from libc.stdint cimport int64_t

from ._tasks cimport convt_task


cdef extern from "Python.h":
    int PyErr_CheckSignals() noexcept  # the exception is for whoever called the layer


cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() noexcept nogil


cdef extern from "pool/pool.h":
    void convt_pool_start(int (*poll)() noexcept nogil, int (*is_main)() noexcept nogil) noexcept nogil
    int convt_pool_run(convt_task task, void* stage, int64_t tasks, int threads) except -1 nogil


cdef extern from "pool/limit.h":
    int convt_pool_get_num_threads() noexcept nogil


cdef unsigned long main_thread


cdef int run(convt_task task, void* stage, int64_t tasks, int threads) except -1 nogil:
    """A layer."""
    return convt_pool_run(task, stage, tasks, threads)


cdef int poll() noexcept nogil:
    """Whether the handler of a signal has raised an exception, which is left as it is."""
    with gil:
        return PyErr_CheckSignals()


cdef int is_main() noexcept nogil:
    """Whether the handlers of signals run in the calling thread."""
    return PyThread_get_thread_ident() == main_thread


cdef int limit() noexcept nogil:
    """The number of threads that the calling thread may use at most; 0 if nothing limits it."""
    return convt_pool_get_num_threads()


def _after_fork():
    """The thread that forks is the child's main thread."""
    global main_thread
    main_thread = PyThread_get_thread_ident()


main_thread = threading.main_thread().ident
os.register_at_fork(after_in_child=_after_fork)
convt_pool_start(&poll, &is_main)
