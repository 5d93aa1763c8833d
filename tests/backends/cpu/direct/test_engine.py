"""The direct engine on problems of all kinds, for every instruction set, against the definition."""

import numpy as np
import pytest

from convt.problem import Problem
from convt.reference import backend as reference
from convt.testing import random_problem
from convt_cpu._job import Job
from convt_cpu._kernels import instruction_sets
from convt_cpu.direct._engine import run
from convt_cpu.direct._plan import direct_plan

TOLERANCE = {4: 2e-5, 8: 4e-14}
SINGLE, DOUBLE = np.dtype("f4"), np.dtype("f8")

KINDS = {
    "k == s, tiles of positions": Problem(2, 1, 20, 30, (40, 44), (20, 22), (2, 2), (2, 2), (0, 0), (1, 1), SINGLE),
    "k == 2s": Problem(1, 1, 30, 7, (38, 38), (19, 19), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "planes per shift": Problem(9, 1, 70, 20, (8, 8), (4, 4), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "many weights": Problem(3, 1, 260, 600, (7, 7), (7, 7), (4, 4), (1, 1), (2, 1), (1, 1), SINGLE),
    "several waves": Problem(1, 1, 1300, 1300, (51, 52), (51, 52), (1, 1), (1, 1), (0, 0), (1, 1), SINGLE),
    "several passes": Problem(1, 1, 500, 40, (30, 30), (15, 15), (3, 3), (2, 2), (1, 1), (1, 1), DOUBLE),
    "long rows": Problem(1, 1, 3, 5, (9000,), (3000,), (7,), (3,), (2,), (1,), SINGLE),
    "phases without a tap": Problem(1, 2, 6, 4, (30, 31), (10, 8), (2, 2), (3, 4), (0, 0), (1, 1), DOUBLE),
    "dilation beyond the stride": Problem(2, 1, 4, 3, (30, 29), (11, 13), (3, 2), (2, 3), (1, -2), (5, 4), SINGLE),
    "slices without the halos between": Problem(
        1, 1, 9, 20, (20, 22, 24), (10, 11, 12), (4, 4, 4), (2, 2, 2), (1, 1, 1), (1, 1, 1), SINGLE
    ),
    "images without the halos between": Problem(20, 1, 5, 6, (7, 6), (7, 6), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "the same, many weights": Problem(6, 1, 450, 450, (9, 9), (9, 9), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "one output, slab by slab": Problem(2, 1, 1, 300, (60, 62), (30, 31), (5, 4), (2, 2), (2, 1), (1, 1), SINGLE),
    "one output of gather": Problem(1, 1, 200, 1, (41, 43), (21, 22), (4, 3), (2, 2), (2, 1), (1, 1), DOUBLE),
    "two outputs of a volume": Problem(
        1, 1, 2, 150, (22, 20, 24), (11, 10, 12), (4, 4, 4), (2, 2, 2), (1, 1, 1), (1, 1, 1), SINGLE
    ),
    "one output of several rows": Problem(5, 1, 1, 500, (90,), (90,), (9,), (1,), (4,), (1,), SINGLE),
    "three dimensions": Problem(2, 1, 9, 11, (12, 14, 9), (6, 7, 9), (2, 2, 3), (2, 2, 1), (0, 0, 1), (1, 1, 1), SINGLE),
}


def arrays_of(problem, seed=0):
    rng = np.random.default_rng(seed)
    shapes = problem.coarse_array_shape, problem.kernel_array_shape, problem.fine_array_shape
    return [rng.standard_normal(shape).astype(problem.dtype) for shape in shapes]


def check(problem, data_map, order, isa, seed=0, threads=2):
    plan = direct_plan(Job(problem, data_map, order, isa))
    assert plan is not None
    coarse, kernel, fine = arrays_of(problem, seed)
    given, result = (coarse, fine) if data_map == "scatter" else (fine, coarse)
    bias = np.arange(result.shape[1]).astype(problem.dtype)
    right = np.empty(result.shape)
    getattr(reference, data_map)(problem, given.astype("f8"), kernel.astype("f8"), bias.astype("f8"), right)
    got = np.full_like(result, np.nan)
    assert run(plan, given, kernel, bias, got, threads)
    np.testing.assert_allclose(got, right, rtol=0, atol=TOLERANCE[problem.dtype.itemsize] * abs(right).max())


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("data_map", ["scatter", "gather"])
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_each_kind_of_plan_computes_the_definition(problem, data_map, isa):
    check(problem, data_map, tuple(range(len(problem.stride))), isa)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("seed", range(25))
def test_random_problems_compute_the_definition(seed, isa):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, rng.choice(["f4", "f8"]))
    order = tuple(int(axis) for axis in rng.permutation(len(problem.stride)))
    for data_map in ("scatter", "gather"):
        check(problem, data_map, order, isa, seed, threads=int(rng.integers(1, 4)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("problem", [KINDS["k == 2s"], KINDS["many weights"]], ids=["by strips", "by outputs"])
def test_weights_that_are_not_finite_are_left_to_others(problem, bad):
    coarse, kernel, fine = arrays_of(problem)
    kernel[-1, -1, -1, -1] = bad
    assert not run(direct_plan(Job(problem, "scatter", (0, 1), instruction_sets()[0])), coarse, kernel, None, fine, 2)


def test_the_kinds_reach_both_schedules_and_all_layouts():
    tables = [
        direct_plan(Job(problem, "scatter", tuple(range(len(problem.stride))), "portable")).tables
        for problem in KINDS.values()
    ]
    assert {table.by_outputs for table in tables} == {False, True}
    assert any(table.span_size for table in tables)
    assert not all(table.span_size for table in tables)
    assert any(np.ptp(table.in_shift, axis=0).any() for table in tables)
    assert any(table.wave < np.prod(table.strips) for table in tables if table.by_outputs)
    assert {table.slices > 1 for table in tables if table.by_outputs} == {False, True}
    assert {table.slices > 1 for table in tables if not table.by_outputs} == {False, True}
    assert any(0 < table.slab < table.count[0] * table.rows[0] * table.rows[1] for table in tables)
