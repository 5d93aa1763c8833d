# BLAS on one thread, for tasks that call it. See _blas_limit.pyx.

cpdef int limit_blas() noexcept nogil
cpdef void release_blas(int before) noexcept nogil
