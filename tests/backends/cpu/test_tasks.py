"""Enough tasks for many threads in layers with few strips or outputs, by the plans' own counts; their runs and memory."""

import resource
import threading

import pytest
from engines import BEST, MAPS, RESULT, SINGLE, check_bits, computed, definition, operands, plan_of

from convt.backend import Problem
from convt.bench.cases import CASES
from convt.bench.schedule import Schedule, problem_of
from convt_cpu._job import Job
from convt_cpu._kernels import instruction_sets
from convt_cpu._runner import run, runs_of
from convt_cpu.choice import choose

pytestmark = pytest.mark.usefixtures("one_machine")

THREADS = (1, 2, 3, 8, 16, 61)
AVX512 = pytest.mark.skipif("avx512" not in instruction_sets(), reason="counts are those of this instruction set")
PAGE = resource.getpagesize()


def plan_for(case, data_map, isa=BEST):
    """The plan that a call would have."""
    problem = problem_of(case, "float32")
    return problem, choose(Job(problem, data_map, tuple(range(len(problem.stride))), isa), None)[1]


# How many times as fast as one thread 16 and 32 can be at least.
BOUNDS = {
    ("dcgan-1", "scatter"): (15.5, 30),
    ("dcgan-4", "scatter"): (14, 24),
    ("dcgan-8", "scatter"): (14, 26),
    ("pix2pix-32", "scatter"): (12.4, 23),
    ("unet-56", "scatter"): (15, 28),
    ("nnunet3d-flat", "scatter"): (15, 28),
    ("istft-513", "scatter"): (15, 30),
    ("busy-56", "scatter"): (13.5, 20),
    ("busy-184", "scatter"): (15, 30),
    ("dcgan-1", "gather"): (13, 22),
    ("pix2pix-1", "gather"): (15, 28),
    ("unet-56", "gather"): (15, 28),
    ("nnunet2d-16", "gather"): (14.5, 28),
    ("fcn-32", "gather"): (12, 24),
    ("fcn-16", "gather"): (16, 32),
    ("busy-28", "gather"): (10, 19),
    ("busy-56", "gather"): (15, 26),
    ("busy-184", "gather"): (15, 30),
}


@AVX512
@pytest.mark.parametrize(("name", "data_map"), BOUNDS)
def test_tasks_are_enough_for_many_threads(name, data_map):
    _problem, plan = plan_for(CASES[name], data_map, "avx512")
    schedule = Schedule(CASES[name], data_map, tuple(plan.stages))
    for threads, least in zip((16, 32), BOUNDS[name, data_map], strict=True):
        assert schedule.bound(threads) >= least


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("name", CASES)
def test_runs_are_all_tasks_once_and_in_order_for_any_number_of_threads(name, isa):
    for data_map in MAPS:
        _problem, plan = plan_for(CASES[name], data_map, isa)
        for threads in THREADS:
            for stage, runs in zip(plan.stages, runs_of(plan, threads), strict=True):
                assert [first for first, _ in runs] == [0, *(end for _, end in runs[:-1])]
                assert runs[-1][1] == stage.tasks


STRIPS = Problem(9, 1, 64, 56, (8, 64), (8, 64), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE)


def lengths(threads):
    """The tasks of a plan by strips, those of one strip, and the lengths of so many threads' runs."""
    plan = plan_of("direct", STRIPS, "scatter")
    assert plan.tables.schedule == "by strips"
    stage = plan.stages[-1]
    return stage.tasks, plan.tables.units, [end - first for first, end in runs_of(plan, threads)[-1]]


def test_one_thread_does_strips_as_a_whole_and_several_share_what_is_left_in_the_end():
    tasks, units, runs = lengths(1)
    strips = tasks // units
    assert units > 1
    assert runs == [units] * strips
    for threads in range(2, strips):
        _, _, runs = lengths(threads)
        heads = next((index for index, run in enumerate(runs) if run < units), strips)
        assert heads == strips or heads % threads == 0
        assert all(run < units for run in runs[heads:])
        assert (len(runs) > strips) == (heads < strips)
    assert lengths(strips - 1)[2][-1] < units
    assert max(lengths(tasks)[2]) < units


NAMED = [
    ("pix2pix-32", "scatter"),
    ("istft-513", "scatter"),
    ("busy-184", "scatter"),
    ("nnunet3d-5", "scatter"),
    ("dcgan-1", "gather"),
    ("pix2pix-1", "gather"),
    ("fcn-16", "gather"),
    ("busy-28", "gather"),
    ("busy-56", "gather"),
]


@pytest.mark.parametrize(("name", "data_map"), NAMED)
def test_bits_do_not_depend_on_how_tasks_are_shared(name, data_map):
    problem, plan = plan_for(CASES[name], data_map)
    check_bits(plan, problem, data_map, threads=(1, 2, 3, 8, 16, 64))


LARGE = 64  # threads, ...
CALLS = 12  # ... whose scratch memory is more than an allocator keeps


def large():
    """A plan that asks for more than 32 MB with so many threads."""
    problem, plan = plan_for(CASES["pix2pix-64"], "gather")
    return problem, plan


def test_scratch_memory_of_many_threads_is_not_given_anew_to_each_call():
    problem, plan = large()
    arrays = operands(problem, "gather")
    asked = plan.shared_bytes + LARGE * plan.scratch_bytes
    assert asked > 32 * 2**20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(CALLS):
        assert run(plan, *arrays, LARGE)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    assert faults < 1.5 * asked / PAGE


def test_calls_at_the_same_time_have_memory_of_their_own():
    problem, plan = large()
    results = []

    def call(seed):
        arrays = operands(problem, "gather", seed)
        for _ in range(3):
            computed(plan, "gather", arrays, LARGE)
        right = definition(problem, "gather", arrays)
        results.append(abs(getattr(arrays, RESULT["gather"]) - right).max() <= 2e-5 * abs(right).max())

    callers = [threading.Thread(target=call, args=(seed,)) for seed in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert results == [True] * len(callers)
