"""OpenMP: whether this build has it, and how many threads it would use."""

OPENMP = bool(CONVT_OPENMP)


def openmp_threads():
    """The number of threads that OpenMP would use here and now."""
    return omp_get_max_threads()
