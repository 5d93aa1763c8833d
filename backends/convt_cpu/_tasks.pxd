# What engines and layers of threads agree on: pool/layer.h.

from libc.stdint cimport int64_t


cdef extern from "pool/layer.h":
    ctypedef int (*convt_task)(void* stage, int64_t task, int seat) noexcept nogil
    ctypedef int (*convt_run)(convt_task task, void* stage, int64_t tasks, int threads) except -1 nogil
