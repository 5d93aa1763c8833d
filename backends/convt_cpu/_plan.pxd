# Plan: what the plans of all engines have. See _plan.pyx.

from ._call cimport StageFunction
from ._job cimport Job
from ._tables cimport Tables
from ._types cimport int64_t

cdef enum:
    MOST_STAGES = 3

cdef enum StageKind:
    PACKS = 1                               # reads the kernel alone, and writes what is `packed`
    REPEATS = 2                             # once in every round, with those beside it that do

cdef struct Stage:
    StageFunction function
    const char* name
    int kind
    int64_t tasks                           # of a round
    int64_t run                             # tasks that one core had best do in one go; 0: its function does one
    double cycles                           # estimated, of all its tasks in all rounds on one core
    double start                            # of a run, beside its tasks: for what all of them read, ...
    double restart                          # ... and for what only `inner` of them share, or those of them that it has
    int64_t inner                           # divides `run`; a run of fewer reads that part of what all read

cdef class Plan:
    cdef Tables all_tables                  # that the plan points into
    cdef const void* geometry               # the engine's own plan in C, which its stages read
    cdef Stage[MOST_STAGES] all_stages
    cdef int stage_count
    cdef readonly int64_t rounds
    cdef tuple order
    cdef int isa
    cdef int64_t size                       # of an element, in bytes
    cdef bint scatters, constant
    cdef readonly bint exact
    cdef readonly double multiply_adds
    cdef int64_t packed, shared, scratch    # in elements: what packing stages write, what all tasks share, each thread's own

    cdef int add(self, int stage, int64_t tasks, double cycles, int kind=*, int64_t run=*) except -1
    cdef int starts(self, double start, double restart=*, int64_t inner=*) except -1
    cdef int add_function(
        self, StageFunction function, const char* name, int64_t tasks, double cycles, int kind=*, int64_t run=*
    ) except -1
