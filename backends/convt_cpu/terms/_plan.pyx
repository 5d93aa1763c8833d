"""TermsPlan: stages of ``terms.h``, whose tasks are cut by channels."""

from .._cost cimport elements_moved
from .._geometry cimport Geometry, positions_of, weights_of
from .._job cimport Job
from .._sizes cimport ceil_div
from .._types cimport int64_t

__all__ = ["TermsPlan", "find_plan", "terms_plan"]

cdef enum:
    SIGNS = 1 << 18                         # planes: of more, no signs are kept
    BAND = 1 << 15                          # bytes of a task's results, which stay in the L1 cache, or as many as weights


cdef class TermsPlan(Plan):
    """See ``convt_cpu._plan.Plan``; `find_plan` and `terms_plan` make it."""


def find_plan(Job job not None):
    """A plan that is LEFT where the kernel, in correlate the coarse array, is not finite."""
    cdef const Geometry* g = &job.g
    cdef int64_t channels = g.groups * g.coarse_channels
    cdef double elements = <double>positions_of(g) * channels if job.correlates else <double>weights_of(g)
    cdef TermsPlan plan = TermsPlan(job)
    _add(plan, job, CONVT_TERMS_FIND, b"terms_find", channels * (g.batch if job.correlates else 1), elements)
    return plan


def terms_plan(Job job not None):
    """A plan that adds the terms of that array's elements that are not finite to what a map has written."""
    cdef const Geometry* g = &job.g
    cdef int64_t channels = g.groups * (g.fine_channels if job.scatters else g.coarse_channels)
    cdef int64_t planes = g.batch * g.groups * (g.coarse_channels if job.scatters else g.fine_channels)
    cdef TermsPlan plan = TermsPlan(job)
    plan.p.signs = planes if planes <= SIGNS else 0
    plan.shared = plan.p.signs
    if plan.p.signs:
        _add(plan, job, CONVT_TERMS_SIGNS, b"terms_signs", planes, elements_moved(job))
    if job.correlates:
        _add(
            plan, job, CONVT_TERMS_OF_TAPS, b"terms_taps", channels * ceil_div(g.taps, CONVT_TERMS_TAPS),
            weights_of(g) + <double>positions_of(g) * channels
        )
    else:
        _cut(&plan.p, job)
        _add(
            plan, job, CONVT_TERMS_FILTER, b"terms_filter", channels * g.batch * plan.p.bands,
            <double>weights_of(g) * g.batch * plan.p.bands
        )
    return plan


cdef void _cut(convt_terms_plan* p, Job job):
    """Bands along the first axis that has several elements."""
    cdef const Geometry* g = &job.g
    cdef const int64_t* size = &g.fine[0] if job.scatters else &g.coarse[0]
    cdef int64_t rest, weights = g.taps * (g.coarse_channels if job.scatters else g.fine_channels)
    p.axis = 0 if size[0] > 1 else 1 if size[1] > 1 else 2
    rest = size[0] * size[1] * size[2] // size[p.axis] if size[p.axis] else 1
    p.band = max(1, min(size[p.axis], max(BAND // g.size, weights) // max(rest, 1)))
    p.bands = ceil_div(size[p.axis], p.band)


cdef int _add(TermsPlan plan, Job job, int work, const char* name, int64_t tasks, double cycles) except -1:
    plan.p.g, plan.p.correlates, plan.geometry = job.g, job.correlates, &plan.p
    plan.scratch = CONVT_TERMS_TAPS // plan.size
    return plan.add_function(convt_terms(work, plan.size), name, tasks, cycles)
