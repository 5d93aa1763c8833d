"""The thin engine on problems of all kinds, for every instruction set, against the definition."""

import numpy as np
import pytest

from convt.problem import Problem
from convt.reference import backend as reference
from convt.testing import random_problem
from convt_cpu._job import Job
from convt_cpu._kernels import instruction_sets
from convt_cpu.thin._engine import run
from convt_cpu.thin._plan import thin_plan

MAPS = ("scatter", "gather", "correlate")
TOLERANCE = {4: 2e-5, 8: 4e-14}
SINGLE, DOUBLE = np.dtype("f4"), np.dtype("f8")

KINDS = {
    "one position": Problem(1, 1, 64, 70, (2, 2), (1, 1), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "some positions of some images": Problem(3, 1, 40, 45, (4, 4), (2, 2), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "several tiles": Problem(5, 1, 40, 90, (10, 8), (5, 4), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "lanes no whole vectors": Problem(2, 1, 19, 33, (7, 9), (3, 4), (3, 3), (2, 2), (0, 0), (1, 1), DOUBLE),
    "one fine channel, long filters": Problem(1, 1, 1, 50, (1600,), (30,), (1024,), (20,), (3,), (1,), SINGLE),
    "several waves": Problem(1, 1, 3, 5, (1024, 1024), (32, 32), (64, 64), (32, 32), (16, 16), (1, 1), SINGLE),
    "groups": Problem(2, 3, 12, 15, (9, 8), (4, 4), (3, 2), (2, 2), (0, 0), (1, 1), DOUBLE),
    "dilation": Problem(2, 1, 9, 7, (13, 13), (4, 4), (3, 3), (2, 2), (-2, 1), (3, 2), SINGLE),
    "an extended output": Problem(1, 1, 4, 8, (30, 20), (3, 3), (2, 2), (3, 3), (-7, -5), (1, 1), SINGLE),
    "three dimensions": Problem(2, 1, 20, 17, (6, 4, 9), (3, 2, 3), (4, 4, 3), (2, 2, 3), (1, 1, 0), (1, 1, 1), SINGLE),
}

# The columns of the large ones outgrow the caches in the other two maps.
CASES = [
    pytest.param(problem, data_map, id=f"{kind}, {data_map}")
    for kind, problem in KINDS.items()
    for data_map in (MAPS if kind != "several waves" else ["gather"])
]


def arrays_of(problem, seed=0, last=False):
    rng = np.random.default_rng(seed)
    shapes = problem.coarse_array_shape, problem.kernel_array_shape, problem.fine_array_shape
    arrays = [rng.standard_normal(shape).astype(problem.dtype) for shape in shapes]
    if last:  # channels last, as views
        arrays = [np.moveaxis(np.moveaxis(a, 1, -1).copy(), -1, 1) for a in arrays]
    return arrays


def arguments(data_map, coarse, kernel, fine, bias):
    """Of `run`, without threads, and the index of the result among them."""
    return {
        "scatter": ([coarse, kernel, bias, fine], 3),
        "gather": ([fine, kernel, bias, coarse], 3),
        "correlate": ([fine, coarse, kernel], 2),
    }[data_map]


def check(problem, data_map, order, isa, seed=0, threads=2, last=False):
    plan = thin_plan(Job(problem, data_map, order, isa))
    assert plan is not None
    coarse, kernel, fine = arrays_of(problem, seed, last)
    bias = np.arange(coarse.shape[1] if data_map == "gather" else fine.shape[1]).astype(problem.dtype)
    given, at = arguments(data_map, coarse, kernel, fine, bias)
    exact = [array.astype("f8") for array in given]
    getattr(reference, data_map)(problem, *exact)
    given[at][:] = np.nan
    assert run(plan, *given, threads)
    np.testing.assert_allclose(given[at], exact[at], rtol=0, atol=TOLERANCE[problem.dtype.itemsize] * abs(exact[at]).max())


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("last", [False, True], ids=["channels first", "channels last"])
@pytest.mark.parametrize(("problem", "data_map"), CASES)
def test_each_kind_of_plan_computes_the_definition(problem, data_map, last, isa):
    check(problem, data_map, tuple(range(len(problem.stride))), isa, last=last)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("seed", range(40))
def test_random_problems_compute_the_definition(seed, isa):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, rng.choice(["f4", "f8"]))
    order = tuple(int(axis) for axis in rng.permutation(len(problem.stride)))
    for data_map in MAPS:
        if thin_plan(Job(problem, data_map, order, isa)) is not None:
            check(problem, data_map, order, isa, seed, threads=int(rng.integers(1, 4)))


@pytest.mark.parametrize(("problem", "data_map"), CASES)
def test_the_bits_do_not_depend_on_the_number_of_threads(problem, data_map):
    plan = thin_plan(Job(problem, data_map, tuple(range(len(problem.stride))), instruction_sets()[0]))
    given, at = arguments(data_map, *arrays_of(problem), None)
    results = []
    for threads in (1, 2, 3, 7):
        assert run(plan, *given, threads)
        results.append(given[at].tobytes())
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("data_map", "which"), [("gather", "kernel"), ("correlate", "coarse")])
def test_what_would_meet_zeros_outside_is_left_to_others(data_map, which, bad):
    problem = KINDS["some positions of some images"]
    coarse, kernel, fine = arrays_of(problem)
    (coarse if which == "coarse" else kernel)[-1, -1, -1, -1] = bad
    given, _at = arguments(data_map, coarse, kernel, fine, None)
    assert not run(thin_plan(Job(problem, data_map, (0, 1), instruction_sets()[0])), *given, 2)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", ["coarse", "kernel"])
def test_scatter_treats_what_is_not_finite_as_the_definition(which, bad):
    problem = KINDS["several tiles"]
    coarse, kernel, fine = arrays_of(problem)
    (coarse if which == "coarse" else kernel)[-1, -1, -1, -1] = bad
    right = np.empty(fine.shape)
    with np.errstate(invalid="ignore"):
        reference.scatter(problem, coarse.astype("f8"), kernel.astype("f8"), None, right)
    assert run(thin_plan(Job(problem, "scatter", (0, 1), instruction_sets()[0])), coarse, kernel, None, fine, 2)
    np.testing.assert_allclose(fine, right, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("data_map", MAPS)
def test_the_plans_reach_several_tasks_tiles_and_waves(data_map):
    plans = [thin_plan(Job(problem, data_map, tuple(range(len(problem.stride))), "portable")) for problem in KINDS.values()]
    tables = [plan.tables for plan in plans if plan is not None]
    assert any(table.tasks > 1 for table in tables)
    assert any(table.wave > 1 for table in tables)
    if data_map == "gather":
        assert any(table.wave < table.positions for table in tables)
        assert any(table.block < table.pitch for table in tables)
    elif data_map == "scatter":
        assert any(table.block < table.inputs for table in tables)
