"""Winograd's filter gradient on problems of all kinds, for every instruction set, against the definition."""

import numpy as np
import pytest

from convt.problem import Problem
from convt.reference import backend as reference
from convt_cpu._job import Job
from convt_cpu._kernels import instruction_sets
from convt_cpu.correlate._engine import run as run_correlate
from convt_cpu.correlate._plan import correlate_plan
from convt_cpu.winograd_correlate._engine import run
from convt_cpu.winograd_correlate._plan import winograd_correlate_plan

TOLERANCE = {4: 2e-5, 8: 4e-14}
SINGLE, DOUBLE = np.dtype("f4"), np.dtype("f8")
BEST = instruction_sets()[0]

KINDS = {
    "3 x 3": Problem(2, 1, 33, 17, (23, 19), (23, 19), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "4 x 4 in phases": Problem(2, 1, 20, 30, (40, 44), (20, 22), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "3 x 3 in phases": Problem(2, 1, 64, 48, (20, 20), (10, 10), (3, 3), (2, 2), (1, 1), (1, 1), DOUBLE),
    "many images": Problem(20, 1, 64, 48, (17, 17), (17, 17), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "groups": Problem(3, 2, 64, 96, (20, 22), (10, 11), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "one axis": Problem(3, 1, 30, 100, (100,), (50,), (4,), (2,), (1,), (1,), SINGLE),
    "one dilated axis": Problem(1, 1, 30, 100, (500,), (500,), (3,), (1,), (8,), (8,), SINGLE),
    "dilated": Problem(2, 1, 20, 30, (32, 36), (32, 36), (3, 3), (1, 1), (2, 3), (2, 3), SINGLE),
    "one tap along the last axis": Problem(1, 1, 20, 30, (32, 30), (8, 30), (8, 1), (4, 1), (2, 0), (1, 1), SINGLE),
    "one tap with a stride": Problem(1, 1, 40, 50, (20, 41), (10, 40), (1, 3), (2, 1), (0, -1), (1, 1), SINGLE),
    "first and last axis": Problem(
        1, 1, 20, 30, (12, 14, 18), (12, 14, 9), (3, 1, 4), (1, 1, 2), (1, 0, 1), (1,) * 3, SINGLE
    ),
    "three unlike axes": Problem(1, 1, 20, 30, (9, 14, 18), (9, 7, 18), (1, 4, 3), (1, 2, 1), (0, 1, 1), (1,) * 3, DOUBLE),
    "many weights": Problem(3, 1, 300, 260, (16, 16), (8, 8), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "many weights, several strips": Problem(2, 1, 200, 100, (80, 80), (40, 40), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
}


def random_problem(rng):
    """One that the engine takes: at most two axes with more taps than one, and no tap that meets nothing."""
    axes = int(rng.integers(1, 4))
    stride = rng.integers(1, 4 if axes < 3 else 3, axes)
    kernel = np.maximum(stride * rng.integers(2, 4, axes) - rng.integers(0, stride), 2)
    kernel[rng.random(axes) < 0.2] = 1
    kernel[0] = kernel[0] if (kernel > 1).any() else 2 * stride[0]
    if axes == 3:
        kernel[rng.integers(3)] = 1  # the others may have more taps
    dilation = np.where(stride == 1, rng.integers(1, 4, axes), 1)
    length = (kernel - 1) * dilation + 1
    padding = rng.integers(-2, length)
    coarse = rng.integers(5, 24 if axes < 3 else 10, axes) + -(-np.maximum(padding, 0) // stride)
    fine = np.maximum((coarse - 1) * stride - padding + rng.integers(1, length + 1), length)
    groups = int(rng.integers(1, 3))
    fine_channels, coarse_channels = (int(each) * groups for each in rng.integers(16, 60, 2))
    shapes = (tuple(map(int, each)) for each in (fine, coarse, kernel, stride, padding, dilation))
    return Problem(int(rng.integers(1, 4)), groups, fine_channels, coarse_channels, *shapes, rng.choice([SINGLE, DOUBLE]))


def arrays_of(problem, seed=0):
    rng = np.random.default_rng(seed)
    shapes = problem.fine_array_shape, problem.coarse_array_shape
    return [rng.standard_normal(shape).astype(problem.dtype) for shape in shapes]


def plan_of(problem, isa=BEST, order=None):
    plan = winograd_correlate_plan(Job(problem, "correlate", order or tuple(range(len(problem.stride))), isa))
    assert plan is not None
    return plan


def definition(problem, fine, coarse):
    right = np.empty(problem.kernel_array_shape)
    reference.correlate(problem, fine.astype("f8"), coarse.astype("f8"), right)
    return right


def computed(problem, fine, coarse, plan=None, threads=2, engine=run):
    got = np.full(problem.kernel_array_shape, np.nan, problem.dtype)
    assert engine(plan or plan_of(problem), fine, coarse, got, threads)
    return got


def check(problem, plan, seed=0, threads=2):
    fine, coarse = arrays_of(problem, seed)
    right = definition(problem, fine, coarse)
    # by the length of the sums: where padding hides most of them, the results may be as small as their errors
    scale = max(abs(right).max(), np.sqrt(problem.batch * np.prod(problem.coarse_shape)))
    got = computed(problem, fine, coarse, plan, threads)
    np.testing.assert_allclose(got, right, rtol=0, atol=TOLERANCE[problem.dtype.itemsize] * scale)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_each_kind_of_plan_computes_the_definition(problem, isa):
    check(problem, plan_of(problem, isa))


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("seed", range(30))
def test_random_problems_compute_the_definition(isa, seed):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng)
    order = tuple(int(axis) for axis in rng.permutation(len(problem.stride)))
    plan = winograd_correlate_plan(Job(problem, "correlate", order, isa))
    if plan is None:
        assert problem.batch * np.prod(problem.coarse_shape) < 16 * 9  # too few tiles
    else:
        check(problem, plan, seed, threads=int(rng.integers(1, 4)))


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("axes", [(0, 2, 3, 1), (2, 3, 1, 0), (1, 0, 3, 2)])
@pytest.mark.parametrize("name", ["3 x 3", "many weights"])
def test_arrays_may_lie_in_memory_in_any_way(isa, axes, name):
    problem = KINDS[name]
    arrays = arrays_of(problem)
    fine, coarse = (np.ascontiguousarray(array.transpose(axes)).transpose(np.argsort(axes)) for array in arrays)
    kernel = np.full(np.array(problem.kernel_array_shape)[list(axes)], np.nan, SINGLE).transpose(np.argsort(axes))
    backwards = np.full(problem.kernel_array_shape, np.nan, SINGLE)[::-1, :, ::-1]
    right = computed(problem, *arrays, plan_of(problem, isa))
    for result in (kernel, backwards):
        assert run(plan_of(problem, isa), fine, coarse, result, 2)
        np.testing.assert_array_equal(result, right)


@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_any_number_of_threads_gives_the_same_bits(problem):
    fine, coarse = arrays_of(problem)
    results = [computed(problem, fine, coarse, threads=threads) for threads in (1, 2, 3, 7)]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("array", [0, 1], ids=["fine", "coarse"])
@pytest.mark.parametrize("name", ["3 x 3", "4 x 4 in phases", "many weights"])
def test_numbers_that_make_results_infinite_are_left_to_others(name, array, bad):
    problem = KINDS[name]
    arrays = arrays_of(problem)
    arrays[1 - array][0, 0, 0, 0] = arrays[array][0, 0, 0, 0] = bad
    assert not run(plan_of(problem), *arrays, np.empty(problem.kernel_array_shape, SINGLE), 2)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_it_is_about_as_accurate_as_plain_sums(problem, isa):
    order = tuple(range(len(problem.stride)))
    arrays = arrays_of(problem)
    right = definition(problem, *arrays)
    plain = computed(problem, *arrays, correlate_plan(Job(problem, "correlate", order, isa)), engine=run_correlate)
    error = abs(computed(problem, *arrays, plan_of(problem, isa)) - right)
    assert error.max() < 4 * abs(plain - right).max()


def test_the_kinds_reach_both_schedules():
    tables = [plan_of(problem, isa).tables for problem in KINDS.values() for isa in instruction_sets()]
    assert {table.together for table in tables} == {False, True}
    assert any(table.strips > 1 for table in tables if table.together)
    assert any(1 < table.splits < table.strips for table in tables)
    assert any(table.fine_blocks > 1 for table in tables)
    assert any(table.coarse_blocks > 1 for table in tables)
    assert any(table.unit[0] > 1 and table.units[1] > 1 for table in tables)
