"""The runner: runs any plan. Memory, alignment and threads are known here and nowhere else.

::

    plan ──> stages ──> a layer of threads (`_layers.pyx`) ──> tasks of one stage, each a call of its C function
               │
               scratch memory:   packed | shared | seat 0 | seat 1 | ...        whole cache lines; a thread has one seat
"""

cimport numpy as cnp
from libc.stdint cimport uintptr_t

from ._call cimport Call, Seat, StageFunction
from ._layers cimport layer
from ._memory cimport allocate, release
from ._plan cimport REPEATS, Plan, Stage
from ._sizes cimport LINE, aligned, ceil_div, even
from ._strides cimport strides_of
from ._tasks cimport convt_run
from ._types cimport int64_t

__all__ = ["run"]

cdef enum:
    MOST_SCRATCH = 30 * 1024 * 1024         # bytes, of up to 8 threads together, ...
    MORE_SCRATCH = 2 * 1024 * 1024          # ... and of each further one
    FEW = 8

cdef double ALONE = 20_000                  # cycles of a stage that is done before another thread has begun
cdef double LONGEST = 20_000_000            # cycles of a run of tasks: signals wait that long
cdef enum:
    RUNS_OF_THREAD = 3                      # so many at least, or all alike, so that threads end together

cdef struct Running:                        # a stage of a call, as the layer's threads see it
    const Call* call
    StageFunction run
    char* own                               # scratch memory of seat 0
    int64_t scratch                         # bytes of a seat
    int64_t tasks, at_once                  # all tasks, and those of a run


def run(
    Plan plan not None, cnp.ndarray fine not None, cnp.ndarray coarse not None, cnp.ndarray kernel not None, cnp.ndarray bias,
    int threads
):
    """Run a plan on arrays of its shapes; the result is written to one of them.

    Parameters
    ----------
    plan : Plan
    fine, coarse, kernel : ndarray
    bias : ndarray or None
    threads : int
        At most.

    Returns
    -------
    bool
        False if a task met a value that its engine cannot treat as the definition does. The result must be computed anew.

    Raises
    ------
    MemoryError
        Before anything is written.
    BaseException
        What a signal handler raises while the main thread is here: tasks that have begun end first.
    """
    cdef Call call
    call.plan, call.scatters, call.round = plan.geometry, plan.scatters, 0
    call.fine, call.coarse, call.kernel = cnp.PyArray_DATA(fine), cnp.PyArray_DATA(coarse), cnp.PyArray_DATA(kernel)
    call.bias = cnp.PyArray_DATA(bias) if bias is not None else NULL
    call.of_fine, call.of_coarse = strides_of(fine, plan.order), strides_of(coarse, plan.order)
    call.of_kernel = strides_of(kernel, plan.order)
    cdef convt_run on_threads = layer()
    threads = seats_for(plan, threads)
    cdef int64_t packed = aligned(plan.packed * plan.size), shared = aligned(plan.shared * plan.size)
    cdef int64_t scratch = bytes_of_seat(plan)
    cdef char* memory = <char*>allocate(packed + shared + threads * scratch + LINE)
    cdef char* first = memory + (-<uintptr_t>memory) % LINE
    call.packed, call.shared = first, first + packed
    cdef bint done
    try:
        with nogil:
            done = _run_stages(plan, &call, first + packed + shared, scratch, threads, on_threads)
    finally:
        release(memory)
    return done


cdef bint _run_stages(
    Plan plan, Call* call, char* own, int64_t scratch, int threads, convt_run on_threads
) except -1 nogil:
    """Whether all tasks could do their work; what follows one that could not is not begun."""
    cdef int first = 0, end
    while first < plan.stage_count:
        end = first + 1
        if plan.all_stages[first].kind & REPEATS:
            while end < plan.stage_count and plan.all_stages[end].kind & REPEATS:
                end += 1
        if not _run_rounds(plan, first, end, call, own, scratch, threads, on_threads):
            return False
        first = end
    return True


cdef bint _run_rounds(
    Plan plan, int first, int end, Call* call, char* own, int64_t scratch, int threads, convt_run on_threads
) except -1 nogil:
    cdef int64_t rounds = plan.rounds if plan.all_stages[first].kind & REPEATS else 1, each
    cdef Running job
    cdef Stage* stage
    cdef int index, some, seat
    for each in range(rounds):
        call.round = each
        for index in range(first, end):
            stage = &plan.all_stages[index]
            job.call, job.run, job.own, job.scratch, job.tasks = call, stage.function, own, scratch, stage.tasks
            some = 1 if stage.cycles < ALONE * rounds else <int>min(threads, stage.tasks)
            job.at_once = _tasks_of_run(stage, rounds, some)
            for seat in range(some):
                (<Seat*>(own + seat * scratch)).kept = -1
            if not on_threads(&_do, &job, ceil_div(stage.tasks, job.at_once), some):
                return False
    return True


cdef int64_t _tasks_of_run(const Stage* stage, int64_t rounds, int threads) noexcept nogil:
    """As many as one core had best do in one go, or equal parts of them where threads would not end together; they end soon."""
    cdef int64_t run = max(stage.run, 1), runs = ceil_div(stage.tasks, run), most = run
    if runs % threads and runs < RUNS_OF_THREAD * threads:
        most = stage.tasks // (RUNS_OF_THREAD * threads)
    most = <int64_t>min(most, LONGEST * rounds * stage.tasks / max(stage.cycles, 1))
    return even(run, most) if most > 1 else 1


cdef int _do(void* stage, int64_t task, int seat) noexcept nogil:
    cdef Running* job = <Running*>stage
    cdef Seat* own = <Seat*>(job.own + seat * job.scratch)
    cdef int64_t first = task * job.at_once
    own.run = min(job.at_once, job.tasks - first)
    return job.run(job.call, first, own + 1)


cdef inline int64_t bytes_of_seat(Plan plan) noexcept:
    return sizeof(Seat) + aligned(plan.scratch * plan.size)


cdef int seats_for(Plan plan, int threads) noexcept:
    """As many of the threads as have tasks, and room for their scratch memory."""
    cdef int64_t size = bytes_of_seat(plan), tasks = 1
    cdef int64_t room = MOST_SCRATCH - aligned(plan.packed * plan.size) - aligned(plan.shared * plan.size), most
    cdef int i
    for i in range(plan.stage_count):
        tasks = max(tasks, plan.all_stages[i].tasks)
    threads = <int>max(1, min(threads, tasks))
    if threads * size <= room:
        return threads
    if threads > FEW and FEW * size <= room:
        most = threads if size <= MORE_SCRATCH else (room - FEW * MORE_SCRATCH) // (size - MORE_SCRATCH)
        return <int>max(FEW, min(threads, most))
    return <int>max(1, min(threads, room // size))
