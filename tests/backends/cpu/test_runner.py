"""_runner.pyx: memory that is refused or bounded, threads that change no bit, rounds, and engines that stop half way."""

import re
import sys
from itertools import count
from typing import NamedTuple

import numpy as np
import pytest
from engines import (
    DOUBLE,
    MAPS,
    RESULT,
    SINGLE,
    TOLERANCE,
    channels_last,
    check,
    check_bits,
    definition,
    is_shared,
    operands,
    plan_of,
    spread,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scratch import bytes_asked, most_scratch
from strategies import vast_problems

import convt
from convt.backend import Problem
from convt.bench.cases import CASES
from convt_cpu import CpuBackend
from convt_cpu._job import Job
from convt_cpu._kernels import instruction_sets, stages
from convt_cpu._memory import fail_after
from convt_cpu._runner import DONE, run
from convt_cpu.choice import ENGINES, choose

pytestmark = pytest.mark.usefixtures("one_machine")

cpu = CpuBackend()
SEAT = LINE = 64  # bytes: what the runner knows of a thread is before the thread's memory, in a cache line


def after_all_refusals(call, unchanged):
    """The result of a call that gets all memory, and the number of its requests, after it has failed at each of them.

    Arrays that must not change are given by ``unchanged()``.
    """
    before = [array.tobytes() for array in unchanged()]
    for requests in count():
        fail_after(requests)
        try:
            return call(), requests
        except MemoryError as error:
            message = str(error)
        finally:
            fail_after(-1)
        assert re.fullmatch(r"cannot allocate \d+ bytes of scratch memory", message)
        assert [array.tobytes() for array in unchanged()] == before


ORDINARY = Problem(2, 1, 18, 20, (20, 22), (10, 11), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE)
DEPTHWISE = Problem(2, 9, 9, 9, (20, 22), (10, 11), (4, 4), (2, 2), (1, 1), (1, 1), DOUBLE)
LONG = Problem(2, 1, 4, 6, (40,), (9,), (18,), (3,), (0,), (1,), SINGLE)
ABLE = [
    (name, data_map, problem)
    for name, problem in {**dict.fromkeys(ENGINES, ORDINARY), "depthwise": DEPTHWISE, "windows": LONG}.items()
    for data_map in MAPS
    if plan_of(name, problem, data_map) is not None
]


def forced(monkeypatch, engine, data_map, problem, arrays):
    """A call of the backend that plans anew."""
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", engine)
    fine, coarse, kernel, bias = arrays
    given = {
        "scatter": (coarse, kernel, bias, fine),
        "gather": (fine, kernel, bias, coarse),
        "correlate": (fine, coarse, kernel),
    }[data_map]

    def call():
        sys.modules["convt_cpu.backend"]._chosen.cache_clear()
        getattr(cpu, data_map)(problem, *given)

    return call


@pytest.mark.parametrize(("engine", "data_map", "problem"), ABLE)
def test_whatever_memory_is_refused_the_arrays_are_untouched_and_the_next_call_works(monkeypatch, engine, data_map, problem):
    arrays = operands(problem, data_map)
    right = definition(problem, data_map, arrays)
    call = forced(monkeypatch, engine, data_map, problem, arrays)
    _, requests = after_all_refusals(call, lambda: [array for array in arrays if array is not None])
    assert requests >= 1
    tolerance = TOLERANCE[problem.dtype.itemsize] * abs(right).max()
    np.testing.assert_allclose(getattr(arrays, RESULT[data_map]), right, rtol=0, atol=tolerance)


def test_all_engines_are_able_to_do_something():
    assert {engine for engine, _data_map, _problem in ABLE} == set(ENGINES)


@pytest.mark.parametrize(("engine", "data_map", "problem"), ABLE)
def test_a_fallback_whose_memory_is_refused_leaves_the_operands_untouched(monkeypatch, engine, data_map, problem):
    arrays = operands(problem, data_map)
    given = [array for name, array in arrays._asdict().items() if name != RESULT[data_map] and array is not None]
    for array in given[:2]:
        array[...] = np.inf
    after_all_refusals(forced(monkeypatch, engine, data_map, problem, arrays), lambda: given)
    got = getattr(arrays, RESULT[data_map]).copy()
    forced(monkeypatch, "im2col", data_map, problem, arrays)()
    np.testing.assert_array_equal(got, getattr(arrays, RESULT[data_map]))


X = np.random.default_rng(0).standard_normal((2, 3, 12, 13)).astype("f4")
Y, INDICES = convt.max_pool(X, 3, 2, backend="numpy")
FINE = convt.upsample(X, 2, mode="bilinear", backend="numpy")
SAMPLING = {
    "upsample": lambda backend: convt.upsample(X, 2, mode="bilinear", backend=backend),
    "upsample_backward": lambda backend: convt.upsample_backward(FINE, 2, mode="bilinear", backend=backend),
    "max_pool": lambda backend: np.array(convt.max_pool(X, 3, 2, backend=backend)),
    "max_pool_backward": lambda backend: convt.max_pool_backward(Y, INDICES, 3, 2, output_size=(12, 13), backend=backend),
    "max_unpool": lambda backend: convt.max_unpool(Y, INDICES, 3, 2, output_size=(12, 13), backend=backend),
    "max_unpool_backward": lambda backend: convt.max_unpool_backward(X, INDICES, 3, 2, backend=backend),
    "channel_sums": lambda backend: (
        convt.conv_transpose_backward(
            X, np.ones((3, 2, 1, 1), "f4"), np.ones(2, "f4"), X[:, :2], needs=["bias"], backend=backend
        ).bias
    ),
}


@pytest.mark.parametrize("name", SAMPLING)
def test_the_same_holds_for_what_has_no_plan(name):
    got, requests = after_all_refusals(lambda: SAMPLING[name]("cpu"), lambda: [X, Y, INDICES, FINE])
    assert requests >= 1
    np.testing.assert_allclose(got, SAMPLING[name]("numpy"), rtol=0, atol=1e-4)


def scratch_of(plan, problem, threads):
    """Bytes that a call asks for; it has arrays of the right number of axes, and does not look at them before."""
    one = np.empty((1,) * (len(problem.stride) + 2), problem.dtype)
    return bytes_asked(lambda: run(plan, one, one, one, None, threads))


def problem_of(case, dtype):
    return Problem(
        case.batch, case.groups, case.outputs, case.channels, case.y_shape[2:], case.size, case.kernel, case.stride,
        case.padding, case.dilation, dtype,
    )  # fmt: skip


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("name", CASES)
def test_scratch_memory_of_the_benchmarks_is_bounded(name, isa):
    for dtype in (SINGLE, DOUBLE):
        problem = problem_of(CASES[name], dtype)
        for data_map in MAPS:
            _engine, plan = choose(Job(problem, data_map, tuple(range(len(problem.stride))), isa), None)
            for threads in (1, 2, 8, 9, 24, 96, 1024):
                assert scratch_of(plan, problem, threads) <= most_scratch(threads)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("data_map", MAPS)
@settings(max_examples=50)
@given(problem=vast_problems(), threads=st.sampled_from([1, 2, 7, 8, 9, 40, 1024]))
def test_scratch_memory_is_bounded_whatever_the_sizes_and_the_number_of_threads(data_map, engine, problem, threads):
    plan = plan_of(engine, problem, data_map)
    if plan is not None:
        assert scratch_of(plan, problem, threads) <= most_scratch(threads)


def test_a_thread_without_a_task_gets_no_memory():
    plan = plan_of("direct", ORDINARY, "scatter")
    assert scratch_of(plan, ORDINARY, plan.tasks) == scratch_of(plan, ORDINARY, 1024)
    each = scratch_of(plan, ORDINARY, 2) - scratch_of(plan, ORDINARY, 1)
    assert plan.scratch_bytes + SEAT <= each < plan.scratch_bytes + SEAT + LINE
    assert scratch_of(plan, ORDINARY, 1) < plan.shared_bytes + plan.scratch_bytes + SEAT + 4 * LINE


class Schedule(NamedTuple):
    """A problem whose plan has these stages, in more rounds than one if it has rounds."""

    engine: str
    data_map: str
    stages: str
    rounds: bool
    bad: str | None  # the operand whose last element stops the engine if it is not finite
    problem: Problem
    channels_last: bool = False

    @property
    def plan(self):
        return plan_of(self.engine, self.problem, self.data_map, channels_last=self.channels_last)

    @property
    def layout(self):
        return channels_last if self.channels_last else np.asarray

    @property
    def names(self):
        """Of the stages."""
        return [f"{self.engine}_{name}" for name in self.stages.split()]


TILES = Problem(4, 1, 40, 40, (40, 44), (20, 22), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE)
LAYER = Problem(4, 24, 24, 24, (60, 62), (30, 31), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE)  # of one channel each
SQUARE = (1, 1), (1, 1), (1, 1), SINGLE
SCHEDULES = {
    "direct, by strips": Schedule(
        "direct", "scatter", "weights strips", False, "kernel",
        Problem(1, 8, 320, 96, (60, 72), (60, 72), (1, 3), (1, 1), (0, 1), (1, 1), SINGLE),
    ),
    "direct, together": Schedule(
        "direct", "gather", "weights pack sums", True, "kernel",
        Problem(1, 1, 60, 690, (10240,), (5240,), (3,), (1,), (0,), (2500,), SINGLE),
    ),
    "direct, by outputs": Schedule(
        "direct", "scatter", "pack outputs", True, "kernel",
        Problem(4, 300, 3000, 21000, (4, 4), (4, 4), (3, 3), *SQUARE),
    ),
    "winograd, by tiles": Schedule(
        "winograd", "scatter", "weights tiles", False, "coarse",
        Problem(1, 8, 160, 192, (57, 56), (57, 56), (3, 3), *SQUARE),
    ),
    "winograd, together": Schedule(
        "winograd", "gather", "weights input sums", True, "fine",
        Problem(1, 12, 3000, 204, (20, 20), (20, 20), (3, 3), *SQUARE),
    ),
    "winograd, by outputs": Schedule(
        "winograd", "scatter", "input outputs", True, "kernel",
        Problem(1, 1, 90, 1900, (21, 21), (21, 21), (3, 3), *SQUARE),
    ),
    "depthwise, scatter": Schedule("depthwise", "scatter", "boxes", False, "kernel", LAYER),
    "depthwise, gather": Schedule("depthwise", "gather", "boxes", False, "kernel", LAYER),
    "depthwise, correlate": Schedule("depthwise", "correlate", "splits totals", False, "fine", LAYER),
    "depthwise, lanes are channels": Schedule("depthwise", "scatter", "filters channels", False, None, LAYER, True),
    "cells": Schedule(
        "cells", "scatter", "rows panels", True, "kernel",
        Problem(1, 1, 2, 40, (320, 320), (160, 160), (4, 4), (2, 2), (1, 1), (1, 1), DOUBLE),
    ),
    "thin, scatter": Schedule(
        "thin", "scatter", "rows lanes", True, None,
        Problem(1, 1200, 4800, 96000, (4, 4), (6, 6), (3, 3), (1, 1), (2, 2), (1, 1), SINGLE),
    ),
    "thin, gather": Schedule(
        "thin", "gather", "columns dots", True, "kernel",
        Problem(1, 1, 3, 5, (1024, 1024), (32, 32), (64, 64), (32, 32), (16, 16), (1, 1), SINGLE),
    ),
    "thin, correlate": Schedule(
        "thin", "correlate", "rows lanes", True, "coarse",
        Problem(1, 1200, 4800, 96000, (4, 4), (6, 6), (3, 3), (1, 1), (2, 2), (1, 1), SINGLE),
    ),
    "windows": Schedule(
        "windows", "gather", "boxes", False, "fine",
        Problem(2, 1, 1, 70, (1600,), (30,), (1024,), (20,), (3,), (1,), SINGLE),
    ),
    "correlate, apart": Schedule(
        "correlate", "correlate", "splits taps", True, "coarse",
        Problem(1, 30, 1920, 1920, (2, 2), (1, 1), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    ),
    "correlate, apart, several splits": Schedule(
        "correlate", "correlate", "splits totals taps", False, "fine",
        Problem(9, 3, 450, 450, (9, 9), (8, 8), (2, 2), (1, 1), (0, 0), (1, 1), SINGLE),
    ),
    "correlate, together": Schedule(
        "correlate", "correlate", "pack blocks", True, "fine",
        Problem(1, 1, 300, 700, (76, 76), (76, 76), (2, 2), *SQUARE),
    ),
    "winograd_correlate, apart": Schedule(
        "winograd_correlate", "correlate", "splits taps", True, "fine",
        Problem(1, 16, 1280, 1280, (10, 10), (10, 10), (3, 3), *SQUARE),
    ),
    "winograd_correlate, apart, several splits": Schedule(
        "winograd_correlate", "correlate", "splits totals taps", False, "coarse",
        Problem(20, 1, 64, 48, (17, 17), (17, 17), (3, 3), *SQUARE),
    ),
    "winograd_correlate, together": Schedule(
        "winograd_correlate", "correlate", "pack blocks", True, "coarse",
        Problem(2, 1, 200, 100, (80, 80), (40, 40), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    ),
    "im2col, scatter": Schedule("im2col", "scatter", "scatter", False, None, TILES),
    "im2col, gather": Schedule("im2col", "gather", "gather", False, None, TILES),
    "im2col, correlate": Schedule("im2col", "correlate", "correlate totals", False, None, TILES),
}  # fmt: skip


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_each_schedule_computes_the_definition_with_the_same_bits_for_any_number_of_threads(schedule):
    plan = schedule.plan
    assert [stage.name for stage in plan.stages] == schedule.names
    assert (plan.rounds > 1) == schedule.rounds
    assert is_shared(plan)
    check(plan, schedule.problem, schedule.data_map, least=1, layout=schedule.layout)
    check_bits(plan, schedule.problem, schedule.data_map, schedule.layout)


def test_the_schedules_have_all_stages_of_all_engines():
    scheduled = {name for schedule in SCHEDULES.values() for name in schedule.names if schedule.engine != "im2col"}
    assert scheduled == {name for _engine, name in stages()}


STOPPED = {name: schedule for name, schedule in SCHEDULES.items() if schedule.bad}


@pytest.mark.parametrize("schedule", STOPPED.values(), ids=STOPPED)
def test_everything_is_written_where_an_engine_has_stopped(monkeypatch, schedule):
    engine, data_map, problem = schedule.engine, schedule.data_map, schedule.problem
    arrays = operands(problem, data_map)
    getattr(arrays, schedule.bad).flat[-1] = np.inf
    arrays = spread(arrays, schedule.layout)
    right = definition(problem, data_map, arrays)
    assert run(schedule.plan, *arrays, 2) != DONE
    result = getattr(arrays, RESULT[data_map])
    result[...] = 7
    forced(monkeypatch, engine, data_map, problem, arrays)()
    finite = np.isfinite(right)
    np.testing.assert_array_equal(result[~finite], right[~finite])
    np.testing.assert_allclose(result[finite], right[finite], rtol=0, atol=2e-5 * abs(right[finite]).max())
    assert finite.any()
    assert not finite.all()


@pytest.mark.parametrize("schedule", STOPPED.values(), ids=STOPPED)
def test_a_plan_that_has_stopped_runs_again(schedule):
    data_map, problem = schedule.data_map, schedule.problem
    plan, arrays = schedule.plan, operands(problem, data_map)
    getattr(arrays, schedule.bad).flat[-1] = np.nan
    assert run(plan, *spread(arrays, schedule.layout), 3) != DONE
    check(plan, problem, data_map, least=1, layout=schedule.layout)


KEPT = {
    "direct_strips": Problem(1, 1, 30, 20, (20, 22), (20, 22), (3, 3), *SQUARE),  # one strip
    "winograd_tiles": Problem(1, 80, 1280, 1280, (12, 12), (12, 12), (3, 3), *SQUARE),
}


@pytest.mark.parametrize("stage", KEPT)
def test_a_thread_keeps_nothing_that_it_has_packed_for_the_next_call(stage):
    problem = KEPT[stage]
    plan = plan_of(stage.partition("_")[0], problem, "gather")
    assert plan.stages[1].name == stage
    calls = [operands(problem, "gather", seed) for seed in range(4)]
    for arrays in calls:
        assert run(plan, *arrays, 1) == DONE  # one right after the other: in the same memory
    for arrays in calls:
        right = definition(problem, "gather", arrays)
        np.testing.assert_allclose(arrays.coarse, right, rtol=0, atol=TOLERANCE[4] * abs(right).max())


def test_what_is_no_plan_is_a_type_error():
    one = np.empty((1, 1, 1), SINGLE)
    with pytest.raises(TypeError):
        run(None, one, one, one, None, 1)
    with pytest.raises(TypeError):
        run(plan_of("windows", LONG, "gather"), one, None, one, None, 1)
