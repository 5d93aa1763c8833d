# The only door to BLAS: row-major matrix products through the BLAS that SciPy brings.

from scipy.linalg.cython_blas cimport dgemm, sgemm

from .._types cimport int64_t, real


cdef inline void gemm(
    bint transpose_a, bint transpose_b, int64_t m, int64_t n, int64_t k,
    const real* a, int64_t pitch_a, const real* b, int64_t pitch_b, bint add, real* c, int64_t pitch_c,
) noexcept nogil:
    """c[m][n] (+)= a[m][k] b[k][n]; a transposed operand lies as a[k][m] or b[n][k]. Sizes and pitches are below 2**31."""
    # BLAS counts along columns: the row-major product is its c' = b' a'.
    cdef char flag_a = b"T" if transpose_a else b"N"
    cdef char flag_b = b"T" if transpose_b else b"N"
    cdef int rows = <int>m, columns = <int>n, inner = <int>k
    cdef int lda = <int>pitch_a, ldb = <int>pitch_b, ldc = <int>pitch_c
    cdef real one = 1, beta = 1 if add else 0
    if real is float:
        sgemm(
            &flag_b, &flag_a, &columns, &rows, &inner, &one, <float*>b, &ldb, <float*>a, &lda, &beta, c, &ldc
        )
    else:
        dgemm(
            &flag_b, &flag_a, &columns, &rows, &inner, &one, <double*>b, &ldb, <double*>a, &lda, &beta, c, &ldc
        )
