"""Plan: one map of one problem as a list of stages, ready to run on any arrays of its shapes.

Each engine has its own kind. A plan says how many tasks each stage has and which C function does one; `_runner.pyx` runs it,
and nobody else knows of memory and threads. Sizes follow from the problem, the instruction set and the machine's record, never
from the number of threads. A plan is made in the time of a few microseconds: every new shape waits for it.
"""

from ._call cimport StageFunction
from ._job cimport Job
from ._kernels cimport stage_function, stage_name
from ._tables cimport free_tables

from convt.backend import Stage as ToldStage

__all__ = ["Plan"]


cdef class Plan:
    """What plans have in common.

    Attributes
    ----------
    multiply_adds : float
        What is computed, borders and padding of vectors included.
    rounds : int
        How often the stages that repeat are run.
    exact : bool
        Whether what is not finite of the data that meet the kernel (in correlate, the coarse array) reaches what it does
        by the definition, and nothing else, where that array is finite.
    scratch_bytes, shared_bytes, packed_bytes : int
        Scratch memory of each thread, of all together, and of what packing stages write, which is kept beside constant
        filters and else a part of the former.
    nbytes : int
        The plan itself, tables included.
    """

    def __cinit__(self, Job job not None):
        self.order, self.isa, self.size, self.scatters = job.order, job.isa, job.g.size, job.scatters
        self.constant, self.rounds, self.exact = job.constant, 1, True

    def __dealloc__(self):
        free_tables(&self.all_tables)

    cdef int add(self, int stage, int64_t tasks, double cycles, int kind=0, int64_t run=0) except -1:
        """A further stage, by its place in the kernels' tables."""
        return self.add_function(stage_function(self.isa, self.size, stage), stage_name(stage), tasks, cycles, kind, run)

    cdef int add_function(
        self, StageFunction function, const char* name, int64_t tasks, double cycles, int kind=0, int64_t run=0
    ) except -1:
        """The same, by what does a task."""
        if self.stage_count == MOST_STAGES:
            raise AssertionError(f"a plan must have at most {MOST_STAGES} stages")
        cdef Stage* last = &self.all_stages[self.stage_count]
        last.function, last.name, last.tasks, last.cycles, last.kind, last.run = function, name, tasks, cycles, kind, run
        last.start, last.restart, last.inner = 0, 0, 1
        self.stage_count += 1
        return 0

    cdef int starts(self, double start, double restart=0, int64_t inner=1) except -1:
        """What a run of the last stage costs beside its tasks: cycles, and further ones for each `inner` of its tasks."""
        cdef Stage* last = &self.all_stages[self.stage_count - 1]
        if last.run % inner or last.tasks % inner:
            raise AssertionError(f"inner must divide the tasks and a run of them, got {inner}")
        last.start, last.restart, last.inner = start, restart, inner
        return 0

    @property
    def stages(self):
        """All stages in their order, as `convt.backend.Stage`."""
        cdef int i
        cdef list stages = []
        for i in range(self.stage_count):
            rounds = self.rounds if self.all_stages[i].kind & REPEATS else 1
            name = self.all_stages[i].name.decode()
            stages.append(ToldStage(name, self.all_stages[i].tasks, rounds, self.all_stages[i].cycles))
        return stages

    @property
    def cycles(self):
        """What the map costs on one core, estimated; without its packing stages where filters are constant."""
        cdef double total = 0
        cdef int i
        for i in range(self.stage_count):
            if not (self.constant and self.all_stages[i].kind & PACKS):
                total += self.all_stages[i].cycles
        return total

    @property
    def tasks(self):
        """Of the stage that has most: more threads than this are of no use."""
        cdef int64_t most = 1
        cdef int i
        for i in range(self.stage_count):
            most = max(most, self.all_stages[i].tasks)
        return most

    @property
    def scratch_bytes(self):
        """Of one thread."""
        return self.scratch * self.size

    @property
    def shared_bytes(self):
        """Of all threads together."""
        return self.shared * self.size + (0 if self.constant else self.packed_bytes)

    @property
    def packed_bytes(self):
        """Of what packing stages write."""
        return self.packed * self.size

    @property
    def nbytes(self):
        """Of the plan and its tables."""
        return self.__sizeof__() + self.all_tables.size
