"""What is not finite reaches what it does by the definition, whatever computes a map; and how little is done for it."""

import os
import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from engines import DTYPES, MAPS, RESULT, SINGLE, channels_last, definition, operands, plan_of, spread

import convt
from convt.backend import Problem
from convt_cpu import CpuBackend
from convt_cpu import mend as mending
from convt_cpu._job import Job
from convt_cpu._runner import DONE, DOUBTFUL, LEFT, run
from convt_cpu.choice import ENGINES
from convt_cpu.isa import available
from convt_cpu.terms import terms_plan

BAD = (np.nan, np.inf, -np.inf)
OPERANDS = {"scatter": ("coarse", "kernel"), "gather": ("fine", "kernel"), "correlate": ("fine", "coarse")}
SMALL = {  # fine = (coarse - 1) * stride - 2 * padding + (kernel - 1) * dilation + 1, or one more
    "3x3": (1, 2, 2, (7, 20), (7, 20), (3, 3), (1, 1), (1, 1), (1, 1)),
    "4x4 s2": (1, 2, 3, (10, 36), (5, 18), (4, 4), (2, 2), (1, 1), (1, 1)),
    "dilated": (1, 3, 1, (9, 19), (9, 19), (3, 3), (1, 1), (2, 2), (2, 2)),
    "long": (1, 2, 1, (1, 67), (1, 34), (1, 21), (1, 2), (0, 10), (1, 1)),
    "vectors": (1, 1, 2, (1, 64), (1, 4), (1, 32), (1, 16), (0, 8), (1, 1)),
    "cells": (1, 2, 1, (11, 13), (4, 5), (5, 5), (3, 3), (1, 2), (1, 1)),
    "groups": (3, 3, 3, (8, 21), (8, 21), (3, 3), (1, 1), (1, 1), (1, 1)),
    "many groups": (20, 20, 20, (5, 9), (5, 9), (3, 3), (1, 1), (1, 1), (1, 1)),
    "extended": (1, 2, 2, (9, 24), (7, 22), (3, 3), (1, 1), (0, 0), (1, 1)),
    "one row": (1, 2, 2, (1, 40), (1, 40), (1, 3), (1, 1), (0, 1), (1, 1)),
    "wide": (1, 16, 16, (6, 18), (6, 18), (3, 3), (1, 1), (1, 1), (1, 1)),
}


def problem_of(name, dtype, batch=2):
    groups, fine, coarse, *rest = SMALL[name]
    return Problem(batch, groups, fine, coarse, *rest, np.dtype(dtype))


def call(data_map, problem, arrays):
    """The map by the cpu backend, chosen or forced."""
    fine, coarse, kernel, bias = arrays
    with np.errstate(all="ignore"):
        if data_map == "scatter":
            CpuBackend().scatter(problem, coarse, kernel, bias, fine)
        elif data_map == "gather":
            CpuBackend().gather(problem, fine, kernel, bias, coarse)
        else:
            CpuBackend().correlate(problem, fine, coarse, kernel)
    return getattr(arrays, RESULT[data_map])


def compare(data_map, problem, arrays):
    got, right = call(data_map, problem, arrays), definition(problem, data_map, arrays)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(right))
    np.testing.assert_array_equal(got == np.inf, right == np.inf)
    np.testing.assert_array_equal(got == -np.inf, right == -np.inf)
    finite = np.isfinite(right)
    assert np.isfinite(got[finite]).all()
    np.testing.assert_allclose(got[finite], right[finite], rtol=0, atol=(2e-4 if problem.dtype == SINGLE else 1e-12))


ABLE = [  # whatever its instruction set: each engine, map and kind that it can do
    (engine, data_map, name)
    for engine, data_map, name in product(ENGINES, MAPS, SMALL)
    if all(plan_of(engine, problem_of(name, dtype), data_map, isa) for dtype in "fd" for isa in available())
]
WEIGHTED = [able for able in ABLE if able[1] != "correlate"]


def test_all_engines_are_tried():
    assert {engine for engine, _data_map, _name in ABLE} == set(ENGINES)


@pytest.fixture
def forced(monkeypatch):
    """Lets an engine do all that it can."""
    return lambda engine: monkeypatch.setenv("CONVT_CPU_ALGORITHM", engine)


@pytest.fixture(params=available())
def isa(request, monkeypatch):
    monkeypatch.setenv("CONVT_CPU_ISA", request.param)
    return request.param


@pytest.mark.parametrize(("engine", "data_map", "name"), WEIGHTED)
@DTYPES
def test_each_tap_in_turn_is_infinite(forced, isa, dtype, engine, data_map, name):
    forced(engine)
    problem = problem_of(name, dtype, batch=1)
    for number, tap in enumerate(np.ndindex(problem.kernel_shape)):
        arrays = operands(problem, data_map)
        arrays.kernel[(-1, 0, *tap)] = BAD[number % 3]
        compare(data_map, problem, arrays)


@pytest.mark.parametrize(("engine", "data_map", "name"), ABLE)
@DTYPES
def test_one_element_of_any_operand(forced, isa, engine, data_map, dtype, name):
    forced(engine)
    problem = problem_of(name, dtype)
    for number, (role, place) in enumerate(product(OPERANDS[data_map], ("first", "middle", "last"))):
        arrays = operands(problem, data_map)
        array = getattr(arrays, role)
        array.flat[{"first": 0, "middle": array.size // 2, "last": -1}[place]] = BAD[number % 3]
        compare(data_map, problem, arrays)


@pytest.mark.parametrize(("engine", "data_map", "name"), ABLE)
def test_many_elements_of_one_or_both_operands(forced, engine, data_map, name):
    forced(engine)
    problem = problem_of(name, "f4")
    rng = np.random.default_rng(5)
    for number, part in product(range(3), (0.02, 0.3, 1)):
        arrays = operands(problem, data_map)
        for role in OPERANDS[data_map][number : number + 1] or OPERANDS[data_map]:
            array = getattr(arrays, role)
            array[...] = np.abs(array)  # so that infinities add up
            array[rng.random(array.shape) < part] = np.inf
            array[rng.random(array.shape) < part / 9] = np.nan
        compare(data_map, problem, arrays)


@pytest.mark.parametrize(("engine", "data_map", "name"), ABLE)
@pytest.mark.parametrize("bad", BAD)
def test_an_edge_of_an_array_with_channels_last(forced, engine, data_map, bad, name):
    forced(engine)
    problem = problem_of(name, "f4")
    for role, edge in product(OPERANDS[data_map], (0, -1)):
        arrays = operands(problem, data_map)
        getattr(arrays, role)[..., edge] = bad
        compare(data_map, problem, spread(arrays, channels_last))


@pytest.fixture
def runs(monkeypatch):
    """What is run after the engine: (names of the stages, whether numbers are replaced), in turn."""
    seen = []

    def recorded(plan, *arguments):
        seen.append(([stage.name for stage in plan.stages], arguments[-1] is True))
        return run(plan, *arguments)

    monkeypatch.setattr(mending, "run", recorded)
    return seen


@pytest.mark.parametrize("engine", ["direct", "depthwise", "thin"])
@pytest.mark.parametrize("data_map", ["scatter", "gather"])
def test_nothing_is_done_again_where_only_data_is_not_finite(monkeypatch, runs, engine, data_map):
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", engine)
    problem = problem_of("groups", "f4")
    arrays = operands(problem, data_map)
    getattr(arrays, OPERANDS[data_map][0])[...] = np.nan
    compare(data_map, problem, arrays)
    assert all(names == ["terms_find"] for names, _replaces in runs)


@pytest.mark.parametrize("engine", ["correlate", "thin"])
def test_a_filter_gradient_of_nan_is_right_at_once_where_the_coarse_array_is_finite(monkeypatch, runs, engine):
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", engine)
    problem = problem_of("3x3", "f4")
    arrays = operands(problem, "correlate")
    arrays.fine[...] = np.nan
    compare("correlate", problem, arrays)
    assert all(names == ["terms_find"] for names, _replaces in runs)


@pytest.mark.parametrize("data_map", MAPS)
def test_an_engine_runs_once_more_and_the_terms_are_added(monkeypatch, runs, data_map):
    engine = "correlate" if data_map == "correlate" else "direct"
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", engine)
    problem = problem_of("3x3", "f4")
    arrays = operands(problem, data_map)
    getattr(arrays, OPERANDS[data_map][1]).flat[0] = np.nan
    compare(data_map, problem, arrays)
    (find, _), (again, replaces), (terms, _) = runs
    assert find == ["terms_find"]
    assert again == [stage.name for stage in plan_of(engine, problem, data_map).stages]
    assert replaces
    assert terms == ["terms_signs", "terms_taps" if data_map == "correlate" else "terms_filter"]


@pytest.mark.parametrize(
    ("data_map", "engine", "other"),
    [("scatter", "winograd", "direct"), ("gather", "winograd", "direct"), ("correlate", "winograd_correlate", "correlate")],
)
def test_winograd_leaves_its_work_to_the_best_plain_engine(monkeypatch, runs, data_map, engine, other):
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", engine)
    problem = problem_of("wide", "f4")
    arrays = operands(problem, data_map)
    getattr(arrays, OPERANDS[data_map][0]).flat[0] = np.nan
    compare(data_map, problem, arrays)
    (_find, _), (again, replaces) = runs
    assert {name.partition("_")[0] for name in again} == {other}
    assert replaces


def test_what_plans_say_of_zeros():
    plan = plan_of("cells", problem_of("cells", "f4"), "scatter")
    assert not plan.exact  # 5 taps in cells of 3
    assert plan_of("cells", problem_of("vectors", "f4"), "scatter").exact
    assert plan_of("windows", problem_of("vectors", "f4"), "gather").exact
    assert not plan_of("windows", problem_of("long", "f4"), "gather").exact


@pytest.mark.parametrize("data_map", ["scatter", "gather"])
def test_a_plane_that_is_cut_into_bands(data_map):
    problem = Problem(1, 1, 2, 3, (130, 400), (65, 200), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE)
    assert terms_plan(Job(problem, data_map, (0, 1), available()[0])).stages[-1].tasks > 3
    for part in (0.1, 1):
        arrays = operands(problem, data_map)
        arrays.kernel[np.random.default_rng(3).random(arrays.kernel.shape) < part] = np.inf
        compare(data_map, problem, arrays)


def test_more_taps_than_a_task_has():
    problem = Problem(1, 1, 2, 2, (9050,), (20,), (9031,), (1,), (0,), (1,), SINGLE)
    assert terms_plan(Job(problem, "correlate", (0,), available()[0])).stages[-1].tasks == 6
    for number, at in enumerate((0, 7, 19)):
        arrays = operands(problem, "correlate")
        arrays.coarse[0, 1, at] = BAD[number]
        compare("correlate", problem, arrays)


def test_a_result_that_overflows_is_left_as_it_is(runs):
    problem = problem_of("3x3", "f4")
    arrays = operands(problem, "correlate")
    arrays.fine[...] = arrays.coarse[...] = 1e30
    with np.errstate(over="ignore"):
        assert np.isinf(call("correlate", problem, arrays)).all()
    assert len(runs) <= 2


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("data_map", MAPS)
def test_mended_results_have_the_same_bits_for_any_number_of_threads(forced, engine, data_map):
    forced(engine)
    problem = Problem(3, 2, 24, 24, (20, 22), (20, 22), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE)
    results = set()
    for threads in (1, 2, 7):
        arrays = operands(problem, data_map)
        for role in OPERANDS[data_map]:
            getattr(arrays, role).flat[[0, 777]] = np.nan, np.inf
        with convt.options(threads=threads):
            results.add(call(data_map, problem, arrays).tobytes())
    assert len(results) == 1


def test_the_runner_tells_what_a_task_tells():
    problem = problem_of("3x3", "f4")
    arrays = operands(problem, "correlate")
    assert run(plan_of("correlate", problem, "correlate"), *arrays, 2) == DONE
    arrays.coarse.flat[0] = np.nan
    assert run(plan_of("correlate", problem, "correlate"), *arrays, 2) == DOUBTFUL
    arrays = operands(problem, "gather")
    arrays.kernel.flat[0] = np.nan
    assert run(plan_of("direct", problem, "gather"), *arrays, 2) == LEFT


SCARCE = """
import resource, sys
import numpy as np
import convt
x, w = np.ones((1, 32, 32, 32), "f4"), np.ones((32, 32, 3, 3), "f4")
convt.conv_transpose(x, w)
w[0, 0, 0, 0] = np.nan
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + {spare}, -1))
try:
    y = convt.conv_transpose(x, w)
except MemoryError:
    print("MemoryError")
else:
    print(np.isnan(y[0, 0]).sum(), np.isfinite(y[0, 1:]).all(), "scipy" in sys.modules)
"""


@pytest.mark.skipif(sys.platform != "linux" or "LD_PRELOAD" in os.environ, reason="needs /proc, and memory of glibc alone")
@pytest.mark.parametrize("spare", [1 << 20, 20 << 20, 40 << 20])
@pytest.mark.parametrize("engine", ["", "winograd", "im2col"])
def test_scarce_memory_ends_in_a_result_or_an_error(monkeypatch, engine, spare):
    monkeypatch.setenv("CONVT_NUM_THREADS", "1")
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", engine)
    done = subprocess.run(
        [sys.executable, "-c", SCARCE.format(spare=spare)], capture_output=True, text=True, timeout=60, check=True
    )
    if engine == "":
        assert done.stdout.split() == ["1024", "True", "False"]
    else:
        assert done.stdout.split()[0] in {"1024", "MemoryError"}
