"""BLAS on one thread while a task of ours calls it, and afterwards on as many as before.

Every task that calls BLAS, in whatever thread it runs, does so between two calls of C::

    before = limit_blas()          # -1: no memory is left for BLAS's own buffer, the task must not call BLAS
    ... products ...
    release_blas(before)

Python does not run between them, so no signal handler, exception or fork of this thread comes in between.

How a library's number of threads is set is its kind, found by `blas.py`:

SHARED       one number for all threads: the first task to enter remembers it and sets 1, the last to leave sets it back
PER_THREAD   each thread has its own number, which its task sets back
EXCHANGE     each thread has its own number or none; setting one gives what was there
"""

import os

from posix.mman cimport MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, PROT_READ, PROT_WRITE, mmap, munmap

cdef extern from "<pthread.h>" nogil:
    ctypedef struct pthread_mutex_t:
        pass
    int pthread_mutex_init(pthread_mutex_t*, const void*)
    int pthread_mutex_lock(pthread_mutex_t*)
    int pthread_mutex_unlock(pthread_mutex_t*)

ctypedef int (*Get)() noexcept nogil
ctypedef void (*Set)(int) noexcept nogil
ctypedef int (*Exchange)(int) noexcept nogil

cdef enum Kind:
    NONE, SHARED, PER_THREAD, EXCHANGE

KINDS = {"none": NONE, "shared": SHARED, "per_thread": PER_THREAD, "exchange": EXCHANGE}

cdef pthread_mutex_t _mutex            # for what follows; its holder never waits for the interpreter
cdef Kind _kind = NONE
cdef Get _get = NULL
cdef Set _set = NULL
cdef Exchange _exchange = NULL
cdef size_t _buffer = 0                # bytes that BLAS allocates, for good, when one more thread than ever is inside
cdef int _inside = 0                   # tasks that may be calling BLAS
cdef int _buffers = 0                  # the most there have been inside
cdef int _before = 0                   # of a SHARED library while it is limited, else 0

pthread_mutex_init(&_mutex, NULL)


def use_library(str kind not None, size_t get=0, size_t set=0, size_t exchange=0, size_t buffer=0):
    """Limit the library with these functions, given by address, from now on.

    Parameters
    ----------
    kind : {"none", "shared", "per_thread", "exchange"}
    get, set : int
        Of ``int get(void)`` and ``void set(int)``; for "shared" and "per_thread".
    exchange : int
        Of ``int exchange(int)``; for "exchange".
    buffer : int
        The bytes that the library allocates for each thread inside it, and waits for without end if there are none.

    Raises
    ------
    RuntimeError
        A task is calling BLAS.
    """
    global _kind, _get, _set, _exchange, _buffer, _buffers
    cdef Kind wanted = KINDS[kind]
    pthread_mutex_lock(&_mutex)
    cdef bint busy = _inside > 0
    if not busy:
        _kind, _buffer, _buffers = wanted, buffer, 0
        _get, _set, _exchange = <Get>get, <Set>set, <Exchange>exchange
    pthread_mutex_unlock(&_mutex)
    if busy:
        raise RuntimeError("BLAS must not be in use when its library changes")


cpdef int limit_blas() noexcept nogil:
    """Limit BLAS to one thread; what `release_blas` needs, or -1 if BLAS must not be called for want of memory."""
    global _inside, _buffers, _before
    cdef int before = 0
    pthread_mutex_lock(&_mutex)
    if _inside == _buffers and not _has_room():
        pthread_mutex_unlock(&_mutex)
        return -1
    _inside += 1
    _buffers = max(_buffers, _inside)
    if _kind == SHARED and _inside == 1:
        before = _get()
        if before != 1:
            _before = before           # one word, written first: a forked child reads it
            _set(1)
    pthread_mutex_unlock(&_mutex)
    if _kind == PER_THREAD:
        before = _get()
        if before != 1:
            _set(1)
    elif _kind == EXCHANGE:
        before = _exchange(1)
    return before


cpdef void release_blas(int before) noexcept nogil:
    """Undo a `limit_blas` that gave `before`, in the same thread."""
    global _inside
    if before < 0:
        return
    if _kind == PER_THREAD and before != 1:
        _set(before)
    elif _kind == EXCHANGE:
        _exchange(before)
    pthread_mutex_lock(&_mutex)
    _inside -= 1
    if _inside == 0:
        _restore()
    pthread_mutex_unlock(&_mutex)


def after_fork():
    """In a child no task is inside, and the mutex may be one that its holder will never release."""
    global _inside
    pthread_mutex_init(&_mutex, NULL)
    _inside = 0
    _restore()


os.register_at_fork(after_in_child=after_fork)


cdef void _restore() noexcept nogil:
    """Give a SHARED library its number back, unless somebody else has set another one."""
    global _before
    if _before and _get() == 1:
        _set(_before)
    _before = 0


cdef bint _has_room() noexcept nogil:
    """Whether BLAS can allocate one more buffer."""
    if _buffer == 0:
        return True
    cdef void* probe = mmap(NULL, _buffer, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    if probe == MAP_FAILED:
        return False
    munmap(probe, _buffer)
    return True
