"""TermsPlan: a single stage of ``terms.h``, of tasks that are cut by channels."""

from .._geometry cimport Geometry, positions_of, weights_of
from .._job cimport Job
from .._sizes cimport ceil_div

__all__ = ["TermsPlan", "find_plan", "terms_plan"]


cdef class TermsPlan(Plan):
    """See ``convt_cpu._plan.Plan``; `find_plan` and `terms_plan` make it."""


def find_plan(Job job not None):
    """A plan that is LEFT where the kernel, in correlate the coarse array, is not finite."""
    cdef const Geometry* g = &job.g
    cdef double elements = <double>positions_of(g) * g.groups * g.coarse_channels if job.correlates else <double>weights_of(g)
    return _made(job, CONVT_TERMS_FIND, b"terms_find", g.groups * g.coarse_channels * (g.batch if job.correlates else 1), elements)


def terms_plan(Job job not None):
    """A plan that adds the terms of that array's elements that are not finite to what a map has written."""
    cdef const Geometry* g = &job.g
    cdef int64_t channels = g.groups * (g.fine_channels if job.scatters else g.coarse_channels)
    cdef double weights = weights_of(g)
    if job.correlates:
        return _made(
            job, CONVT_TERMS_OF_TAPS, b"terms_taps", channels * ceil_div(g.taps, CONVT_TERMS_TAPS),
            weights + <double>positions_of(g) * channels
        )
    return _made(job, CONVT_TERMS_FILTER, b"terms_filter", channels * g.batch, weights * g.batch)


cdef TermsPlan _made(Job job, int work, const char* name, int64_t tasks, double cycles):
    cdef TermsPlan plan = TermsPlan(job)
    plan.p.g, plan.p.correlates, plan.geometry = job.g, job.correlates, &plan.p
    plan.scratch = CONVT_TERMS_TAPS // plan.size
    plan.add_function(convt_terms(work, plan.size), name, tasks, cycles)
    return plan
