from libc.stdint cimport int64_t

from ._tasks cimport convt_task


cdef int run(convt_task task, void* stage, int64_t tasks, int threads) except -1 nogil
cdef int poll() noexcept nogil
cdef int is_main() noexcept nogil
cdef int limit() noexcept nogil
