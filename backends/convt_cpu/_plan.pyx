"""Plan: one map of one problem, ready to run on any arrays of its shapes.

Each engine has its own kind. A plan's sizes follow from the problem and the instruction set, never from the number of threads,
and it is made in the time of a few microseconds: every new shape waits for it.
"""

from ._job cimport Job
from ._tables cimport free_tables

__all__ = ["Plan"]


cdef class Plan:
    """What plans have in common.

    Attributes
    ----------
    tasks : int
        Parallel pieces of work: more threads than this are of no use.
    multiply_adds : float
        What is computed, borders and padding of vectors included.
    scratch_bytes, shared_bytes : int
        Scratch memory of each thread, and of all together.
    """

    def __cinit__(self, Job job not None):
        self.order, self.isa, self.size = job.order, job.isa, job.g.size

    def __dealloc__(self):
        free_tables(&self.all_tables)

    @property
    def scratch_bytes(self):
        """Of one thread."""
        return self.scratch * self.size

    @property
    def shared_bytes(self):
        """Of all threads together."""
        return self.shared * self.size
