"""The runner: runs any plan. Memory, alignment and threads are known here and nowhere else.

::

    plan ──> stages ──> a layer of threads (`_layers.pyx`) ──> tasks of one stage, each a call of its C function
               │
               scratch memory:   packed | shared | seat 0 | seat 1 | ...        whole cache lines; a thread has one seat
"""

cimport numpy as cnp
from libc.stdint cimport uintptr_t

from ._call cimport CONVT_DONE, CONVT_DOUBTFUL, CONVT_LEFT, Call, Seat, StageFunction, convt_note
from ._layers cimport layer
from ._memory cimport borrow, give_back
from ._packing cimport Packing
from ._plan cimport PACKS, REPEATS, Plan, Stage
from ._sizes cimport LINE, aligned, ceil_div, even
from ._strides cimport strides_of
from ._tasks cimport convt_run
from ._types cimport int64_t

__all__ = ["DONE", "DOUBTFUL", "LEFT", "run", "runs_of"]

LEFT, DONE, DOUBTFUL = CONVT_LEFT, CONVT_DONE, CONVT_DOUBTFUL

cdef enum:
    MOST_SCRATCH = 30 * 1024 * 1024         # bytes, of up to 8 threads together, ...
    MORE_SCRATCH = 2 * 1024 * 1024          # ... and of each further one
    FEW = 8

cdef double ALONE = 20_000                  # cycles of a stage that is done before another thread has begun
cdef double LONGEST = 20_000_000            # cycles of a run of tasks: signals wait that long
cdef double CLAIM = 500                     # of finding a run to do
cdef double WORTH = 0.98                    # of the time with longer runs: what shorter ones take at most

cdef struct Cut:                            # of a stage's tasks into runs: the longest first
    int64_t longest, heads                  # so many runs of so many tasks; ...
    int64_t whole, length                   # ... each `whole` of the others into runs of `length`, but for the last one
    int64_t runs                            # in all

cdef struct Running:                        # a stage of a call, as the layer's threads see it
    const Call* call
    StageFunction run
    char* own                               # scratch memory of seat 0
    int64_t scratch                         # bytes of a seat
    int64_t tasks
    Cut cut
    int* doubtful                           # becomes 1 with the first task whose results are


def run(
    Plan plan not None, cnp.ndarray fine not None, cnp.ndarray coarse not None, cnp.ndarray kernel not None, cnp.ndarray bias,
    int threads, bint replaces=False, Packing packing=None
):
    """Run a plan on arrays of its shapes; the result is written to one of them.

    Parameters
    ----------
    plan : Plan
    fine, coarse, kernel : ndarray
    bias : ndarray or None
    threads : int
        At most.
    replaces : bool
        Whether what is not finite of the kernel, in correlate of the coarse array, becomes 1 or -1.
    packing : Packing, optional
        What the packing stages write goes there; once it is done they are left out.

    Returns
    -------
    int
        LEFT if a task met a value that its engine cannot treat as the definition does: the result must be computed anew.
        DOUBTFUL if the result is right only where the kernel, in correlate the coarse array, is finite; else DONE.

    Raises
    ------
    MemoryError
        Before anything is written.
    BaseException
        What a signal handler raises while the main thread is here: tasks that have begun end first.
    """
    cdef Call call
    call.plan, call.scatters, call.replaces, call.round = plan.geometry, plan.scatters, replaces, 0
    call.fine, call.coarse, call.kernel = cnp.PyArray_DATA(fine), cnp.PyArray_DATA(coarse), cnp.PyArray_DATA(kernel)
    call.bias = cnp.PyArray_DATA(bias) if bias is not None else NULL
    call.of_fine, call.of_coarse = strides_of(fine, plan.order), strides_of(coarse, plan.order)
    call.of_kernel = strides_of(kernel, plan.order)
    cdef convt_run on_threads = layer()
    threads = seats_for(plan, threads)
    cdef int64_t packed = packed_here(plan), shared = aligned(plan.shared * plan.size)
    cdef int64_t scratch = bytes_of_seat(plan)
    cdef int64_t size = packed + shared + threads * scratch + LINE
    cdef char* memory = <char*>borrow(size)
    cdef char* first = memory + (-<uintptr_t>memory) % LINE
    call.packed, call.shared = first if packing is None else packing.first, first + packed
    cdef int doubtful = 0
    cdef bint done
    try:
        with nogil:
            done = _run_stages(
                plan, &call, packing is not None and packing.done, first + packed + shared, scratch, threads, on_threads,
                &doubtful
            )
    finally:
        give_back(memory, size)
    if packing is not None and done and not doubtful:
        packing.done = True
    return LEFT if not done else DOUBTFUL if doubtful else DONE


def runs_of(Plan plan not None, int threads):
    """For tests: the runs of a round of each stage, as lists of (first task, behind its last)."""
    cdef int index
    cdef Stage* stage
    cdef Cut cut
    cdef int64_t rounds
    cdef list runs = []
    for index in range(plan.stage_count):
        stage = &plan.all_stages[index]
        rounds = _rounds_of(plan, stage)
        cut = _cut_into_runs(stage, rounds, _threads_of(stage, rounds, threads))
        runs.append([run for run in (_run_at(&cut, stage.tasks, each) for each in range(cut.runs)) if run[0] < run[1]])
    return runs


cdef bint _run_stages(
    Plan plan, Call* call, bint packed, char* own, int64_t scratch, int threads, convt_run on_threads, int* doubtful
) except -1 nogil:
    """Whether all tasks could do their work; what follows one that could not is not begun."""
    cdef int first = 0, end
    while first < plan.stage_count:
        end = first + 1
        if plan.all_stages[first].kind & REPEATS:
            while end < plan.stage_count and plan.all_stages[end].kind & REPEATS:
                end += 1
        if not (packed and plan.all_stages[first].kind & PACKS) and not _run_rounds(plan, first, end, call, own, scratch, threads, on_threads, doubtful):
            return False
        first = end
    return True


cdef bint _run_rounds(
    Plan plan, int first, int end, Call* call, char* own, int64_t scratch, int threads, convt_run on_threads, int* doubtful
) except -1 nogil:
    cdef int64_t rounds = _rounds_of(plan, &plan.all_stages[first]), each
    cdef Running job
    cdef Stage* stage
    cdef int index, some, seat
    job.doubtful = doubtful
    for each in range(rounds):
        call.round = each
        for index in range(first, end):
            stage = &plan.all_stages[index]
            job.call, job.run, job.own, job.scratch, job.tasks = call, stage.function, own, scratch, stage.tasks
            some = _threads_of(stage, rounds, threads)
            job.cut = _cut_into_runs(stage, rounds, some)
            for seat in range(some):
                (<Seat*>(own + seat * scratch)).kept = -1
            if not on_threads(&_do, &job, job.cut.runs, some):
                return False
    return True


cdef int64_t _rounds_of(Plan plan, const Stage* stage) noexcept nogil:
    return plan.rounds if stage.kind & REPEATS else 1


cdef int _threads_of(const Stage* stage, int64_t rounds, int threads) noexcept nogil:
    return 1 if stage.cycles < ALONE * rounds else <int>min(threads, stage.tasks)


cdef Cut _cut_into_runs(const Stage* stage, int64_t rounds, int threads) noexcept nogil:
    """The longest runs that are about as fast as any, where all threads begin at once and each task takes as long.

    A run is all tasks that one core had best do in one go, or an equal part of them: all runs, or those of the last turns,
    in which else some threads would have nothing to do. None takes so long that signals wait.
    """
    cdef Cut cut, best
    cdef int64_t inner = stage.inner, whole = even(stage.tasks // inner, max(stage.run // inner, 1)), parts, before, turns
    cdef int64_t wholes = ceil_div(stage.tasks, whole * inner), most, back, left
    cdef double of_round = stage.cycles / rounds, time, least = -1
    cdef double starts = wholes * stage.start + stage.tasks // inner * stage.restart
    cdef double of_task = max(of_round - starts, 0) / stage.tasks
    most = max(1, <int64_t>(LONGEST * stage.tasks / max(of_round, 1)))
    best.longest = best.whole = best.length = cut.longest = whole * inner
    best.heads, best.runs = 0, wholes
    if cut.longest == 1 or (threads == 1 and cut.longest <= most):
        return best
    for back in range(3):                   # turns that are cut, but for one that is not a whole one: all, none, one
        turns = 0 if back == 0 else wholes // threads - back + 1
        if back and (turns < 1 or cut.longest > most):
            break
        cut.heads, before = turns * threads, 0
        left = max(stage.tasks - cut.heads * cut.longest, 0)
        for parts in range(1, whole + inner):
            cut.whole = whole * inner if parts <= whole else inner
            if parts <= whole:
                cut.length = even(whole, ceil_div(whole, parts)) * inner
            else:
                cut.length = even(inner, ceil_div(inner, parts - whole + 1))
            if cut.length == before or cut.length > most:
                continue
            before = cut.length
            cut.runs = ceil_div(left, cut.whole) * ceil_div(cut.whole, cut.length)
            time = turns * _time_of_run(stage, of_task, cut.longest)
            time += ceil_div(cut.runs, threads) * _time_of_run(stage, of_task, min(cut.length, left))
            cut.runs += cut.heads
            if least < 0 or time < WORTH * least:
                best, least = cut, time
    return best


cdef inline double _time_of_run(const Stage* stage, double of_task, int64_t length) noexcept nogil:
    cdef double start = stage.start * min(length, stage.inner) / stage.inner
    return CLAIM + start + ceil_div(length, stage.inner) * stage.restart + length * of_task


cdef (int64_t, int64_t) _run_at(const Cut* cut, int64_t tasks, int64_t index) noexcept nogil:
    """The first task of a run, and behind its last; both may be behind all."""
    cdef int64_t parts, whole, first
    if index < cut.heads:
        return index * cut.longest, min((index + 1) * cut.longest, tasks)
    parts = ceil_div(cut.whole, cut.length)
    whole = cut.heads * cut.longest + (index - cut.heads) // parts * cut.whole
    first = whole + (index - cut.heads) % parts * cut.length
    return first, min(min(first + cut.length, whole + cut.whole), tasks)


cdef int _do(void* stage, int64_t task, int seat) noexcept nogil:
    cdef Running* job = <Running*>stage
    cdef Seat* own = <Seat*>(job.own + seat * job.scratch)
    cdef (int64_t, int64_t) run = _run_at(&job.cut, job.tasks, task)
    own.run = run[1] - run[0]
    cdef int done = job.run(job.call, run[0], own + 1) if own.run > 0 else CONVT_DONE
    if done == CONVT_DOUBTFUL:
        convt_note(job.doubtful)
    return done != CONVT_LEFT


cdef inline int64_t packed_here(Plan plan) noexcept:
    """Bytes of scratch memory for what packing stages write; where filters are constant, it is in a Packing instead."""
    return 0 if plan.constant else aligned(plan.packed * plan.size)


cdef inline int64_t bytes_of_seat(Plan plan) noexcept:
    return sizeof(Seat) + aligned(plan.scratch * plan.size)


cdef int seats_for(Plan plan, int threads) noexcept:
    """As many of the threads as have tasks, and room for their scratch memory."""
    cdef int64_t size = bytes_of_seat(plan), tasks = 1
    cdef int64_t room = MOST_SCRATCH - packed_here(plan) - aligned(plan.shared * plan.size), most
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
