"""The correlate engine on problems of all kinds, for every instruction set, against the definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convt.problem import Problem
from convt.reference import backend as reference
from convt.testing import random_problem
from convt_cpu._job import Job
from convt_cpu._kernels import instruction_sets
from convt_cpu.correlate._engine import run
from convt_cpu.correlate._plan import correlate_plan

TOLERANCE = {4: 2e-5, 8: 4e-14}
SINGLE, DOUBLE = np.dtype("f4"), np.dtype("f8")
BEST = instruction_sets()[0]

KINDS = {
    "k == s": Problem(2, 1, 20, 30, (40, 44), (20, 22), (2, 2), (2, 2), (0, 0), (1, 1), SINGLE),
    "k == 2s": Problem(1, 1, 30, 7, (38, 38), (19, 19), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "one fine channel": Problem(1, 1, 1, 56, (90, 90), (30, 30), (9, 9), (3, 3), (4, 4), (1, 1), SINGLE),
    "one coarse channel": Problem(2, 1, 40, 1, (31, 30), (31, 30), (3, 3), (1, 1), (1, 1), (1, 1), DOUBLE),
    "several blocks of fine channels": Problem(2, 1, 70, 20, (24, 8), (12, 4), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "one position": Problem(1, 1, 130, 300, (2, 2), (1, 1), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "many weights": Problem(3, 1, 260, 300, (7, 7), (7, 7), (4, 4), (1, 1), (2, 1), (1, 1), SINGLE),
    "many weights, several strips": Problem(1, 1, 300, 700, (76, 76), (76, 76), (2, 2), (1, 1), (1, 1), (1, 1), SINGLE),
    "several waves": Problem(1, 1, 1300, 1000, (51, 52), (51, 52), (1, 1), (1, 1), (0, 0), (1, 1), SINGLE),
    "many weights, few coarse channels": Problem(1, 1, 200, 8, (20, 20), (5, 5), (16, 16), (1, 1), (0, 0), (1, 1), SINGLE),
    "long filter": Problem(1, 1, 1, 33, (2900,), (20,), (1024,), (100,), (12,), (1,), SINGLE),
    "groups": Problem(3, 4, 20, 12, (13, 12), (6, 6), (3, 3), (2, 2), (1, 1), (1, 1), DOUBLE),
    "depthwise": Problem(2, 40, 40, 40, (16, 16), (8, 8), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "dilation": Problem(2, 1, 4, 33, (30, 29), (11, 13), (3, 2), (2, 3), (1, -2), (5, 4), SINGLE),
    "dilation like the stride": Problem(1, 1, 5, 9, (28, 28), (14, 14), (3, 3), (2, 2), (2, 2), (2, 2), DOUBLE),
    "three dimensions": Problem(2, 1, 9, 11, (12, 14, 9), (6, 7, 9), (2, 2, 3), (2, 2, 1), (0, 0, 1), (1, 1, 1), SINGLE),
}


def arrays_of(problem, seed=0):
    rng = np.random.default_rng(seed)
    shapes = problem.fine_array_shape, problem.coarse_array_shape
    return [rng.standard_normal(shape).astype(problem.dtype) for shape in shapes]


def plan_of(problem, isa=BEST, order=None):
    plan = correlate_plan(Job(problem, "correlate", order or tuple(range(len(problem.stride))), isa))
    assert plan is not None
    return plan


def definition(problem, fine, coarse):
    right = np.empty(problem.kernel_array_shape)
    reference.correlate(problem, fine.astype("f8"), coarse.astype("f8"), right)
    return right


def check(problem, isa, order=None, seed=0, threads=2):
    fine, coarse = arrays_of(problem, seed)
    got = np.full(problem.kernel_array_shape, np.nan, problem.dtype)
    assert run(plan_of(problem, isa, order), fine, coarse, got, threads)
    right = definition(problem, fine, coarse)
    # by the length of the sums: where padding hides most of them, the results may be as small as their errors
    scale = max(abs(right).max(initial=0), np.sqrt(problem.batch * np.prod(problem.coarse_shape)))
    np.testing.assert_allclose(got, right, rtol=0, atol=TOLERANCE[problem.dtype.itemsize] * scale)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_each_kind_of_plan_computes_the_definition(problem, isa):
    check(problem, isa)


@pytest.mark.parametrize("isa", instruction_sets())
@given(seed=st.integers(0, 2**32), dtype=st.sampled_from(["f4", "f8"]), threads=st.integers(1, 3))
def test_random_problems_compute_the_definition(isa, seed, dtype, threads):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, dtype)
    order = tuple(int(axis) for axis in rng.permutation(len(problem.stride)))
    check(problem, isa, order, seed, threads)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("axes", [(0, 2, 3, 1), (2, 3, 1, 0), (1, 0, 3, 2)])
def test_arrays_may_lie_in_memory_in_any_way(isa, axes):
    problem = KINDS["several blocks of fine channels"]
    arrays = arrays_of(problem)
    fine, coarse = (np.ascontiguousarray(array.transpose(axes)).transpose(np.argsort(axes)) for array in arrays)
    kernel = np.full(np.array(problem.kernel_array_shape)[list(axes)], np.nan, SINGLE).transpose(np.argsort(axes))
    backwards = np.full(problem.kernel_array_shape, np.nan, SINGLE)[::-1, :, ::-1]
    right = definition(problem, *arrays)
    for result in (kernel, backwards):
        assert run(plan_of(problem, isa), fine, coarse, result, 2)
        np.testing.assert_allclose(result, right, rtol=0, atol=2e-5 * abs(right).max())


@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_any_number_of_threads_gives_the_same_bits(problem):
    fine, coarse = arrays_of(problem)
    results = []
    for threads in (1, 2, 3, 7):
        results.append(np.full(problem.kernel_array_shape, np.nan, problem.dtype))
        assert run(plan_of(problem), fine, coarse, results[-1], threads)
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("array", [0, 1], ids=["fine", "coarse"])
@pytest.mark.parametrize("name", ["k == 2s", "many weights", "one fine channel"])
def test_values_that_are_not_finite_are_left_to_others(name, array, bad):
    problem = KINDS[name]
    arrays = arrays_of(problem)
    arrays[array][0, 0, 0, 0] = bad
    assert not run(plan_of(problem), *arrays, np.empty(problem.kernel_array_shape, SINGLE), 2)


def test_the_kinds_reach_both_schedules_and_all_layouts():
    tables = [plan_of(problem, isa).tables for problem in KINDS.values() for isa in instruction_sets()]
    assert {table.together for table in tables} == {False, True}
    assert {table.fine_lanes for table in tables} == {False, True}
    blocks = [-(-table.fine // table.fine_block) for table in tables]
    assert max(blocks) > 1
    assert any(table.wave < count for table, count in zip(tables, blocks, strict=True) if table.together)
    assert any(np.prod(table.strips) > 1 for table in tables if table.together)
    assert any(table.splits > 1 for table in tables)
    assert any(table.block_coarse < table.coarse for table in tables)
    assert any(table.block_runs < table.runs for table in tables)
