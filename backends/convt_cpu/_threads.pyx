"""How many threads a call may use.

What ``convt.options(threads=...)`` says, else ``CONVT_NUM_THREADS`` (read at every call), else ``OMP_NUM_THREADS`` (read when
this module is loaded), else the cores that the process may use (`cores.py`; read once, and after a fork). What is asked for may
be more than there are cores. threadpoolctl's limit caps them all, for the thread that it is set in, and so does that of a bridge's
library (`convt.backend.most_threads`); under the OpenMP layer OpenMP's own limit does too.
"""

import os

from libc.stdlib cimport getenv

from convt.backend import most_threads, requested_threads

from ._convt_pool cimport limit
from ._layers cimport layer_threads

from .cores import MOST_THREADS, cores, variable_of_openmp

cdef int MOST = MOST_THREADS
cdef object by_openmp = variable_of_openmp(os.environ.get("OMP_NUM_THREADS"))
cdef int otherwise = by_openmp or cores()


cpdef int thread_count() except -1:
    """The number of threads for a large problem.

    Raises
    ------
    ValueError
        ``CONVT_NUM_THREADS`` is not an integer from 1 to 1024, or ``CONVT_CPU_THREADING`` names no layer.
    RuntimeError
        This build does not have the layer.
    """
    cdef object wanted = requested_threads()
    cdef object allowed = most_threads()
    cdef const char* text
    cdef int count, most = limit()
    if wanted is not None:
        count = wanted
    else:
        text = getenv("CONVT_NUM_THREADS")
        count = otherwise if text == NULL or text[0] == 0 else _number(text)
    if 0 < most < count:
        count = most
    if allowed is not None and allowed < count:
        count = allowed
    return layer_threads(count)


cpdef int threads_for(object work, object tasks, object serial_below) except -1:
    """The number of threads for so much work in so many tasks; one for less than `serial_below`. Raises as `thread_count`."""
    cdef int count = thread_count()
    if work < serial_below:
        return 1
    return count if tasks >= count else tasks


cdef int _number(const char* text) except -1:
    cdef int value = 0
    cdef const char* rest = text
    while c'0' <= rest[0] <= c'9' and value <= MOST:
        value = 10 * value + rest[0] - c'0'
        rest += 1
    if rest[0] == 0 and 1 <= value <= MOST:
        return value
    decoded = text.decode("utf-8", "surrogateescape")
    try:
        wanted = int(decoded)
    except ValueError:
        wanted = 0
    if not 1 <= wanted <= MOST:
        raise ValueError(f"CONVT_NUM_THREADS must be an integer from 1 to {MOST}, got {decoded!r}")
    return wanted


def _after_fork():
    global otherwise
    otherwise = by_openmp or cores()


os.register_at_fork(after_in_child=_after_fork)
