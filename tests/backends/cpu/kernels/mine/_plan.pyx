"""MinePlan: the plan of CONTRIBUTING.md."""

from .._cost cimport cycles_of
from .._geometry cimport Geometry, positions_of, weights_of
from .._job cimport Job
from .._kernels cimport stage

__all__ = ["MinePlan", "mine_plan"]

cdef int ROWS_STAGE = stage("mine_rows")


cdef class MinePlan(Plan):
    """See ``convt_cpu._plan.Plan``; `mine_plan` makes it."""


def mine_plan(Job job not None):
    """The plan of a gather; None for the other maps, and for filters of several taps."""
    cdef const Geometry* g = &job.g
    cdef int axis
    if not job.gathers or g.taps > 1:
        return None
    cdef MinePlan plan = MinePlan(job)
    plan.geometry = &plan.p
    plan.p.groups, plan.p.inputs, plan.p.outputs = g.groups, g.fine_channels, g.coarse_channels
    for axis in range(3):
        if g.padding[axis] or g.fine[axis] != g.coarse[axis]:
            return None
        plan.p.size[axis] = g.fine[axis]
    plan.scratch = plan.p.size[2]
    plan.multiply_adds = <double>positions_of(g) * weights_of(g)
    plan.add(ROWS_STAGE, g.groups * g.batch, cycles_of(plan.multiply_adds, job))
    return plan
