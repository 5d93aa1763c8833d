# OpenMP, or its absence: without it the same code runs on one thread.

cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #define CONVT_OPENMP 1
    #else
    #define CONVT_OPENMP 0
    #define omp_get_max_threads() 1
    #endif
    """
    const bint CONVT_OPENMP
    int omp_get_max_threads() noexcept nogil
