"""The Winograd engine on problems of all kinds, for every instruction set, against the definition."""

import numpy as np
import pytest

from convt.problem import Problem
from convt.reference import backend as reference
from convt_cpu._job import Job
from convt_cpu._kernels import instruction_sets
from convt_cpu.direct._engine import run as run_direct
from convt_cpu.direct._plan import direct_plan
from convt_cpu.winograd._engine import run
from convt_cpu.winograd._plan import winograd_plan

TOLERANCE = {4: 2e-5, 8: 4e-14}
SINGLE, DOUBLE = np.dtype("f4"), np.dtype("f8")

KINDS = {
    "3 x 3": Problem(2, 1, 17, 18, (9, 10), (9, 10), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "3 x 3, several passes": Problem(1, 1, 150, 130, (70, 40), (70, 40), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "4 x 4 in phases": Problem(1, 1, 30, 17, (38, 38), (19, 19), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "small images": Problem(9, 1, 70, 20, (8, 8), (4, 4), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "groups": Problem(9, 2, 70, 40, (17, 18), (8, 8), (4, 4), (2, 2), (1, 0), (1, 1), DOUBLE),
    "unlike axes": Problem(2, 1, 19, 17, (22, 11), (11, 11), (3, 3), (2, 1), (1, 1), (1, 1), DOUBLE),
    "dilated": Problem(2, 1, 17, 18, (31, 20), (29, 20), (3, 3), (1, 1), (1, 3), (2, 3), SINGLE),
    "dilated along one axis": Problem(1, 2, 34, 32, (22, 30), (11, 29), (4, 2), (2, 1), (1, 3), (1, 4), DOUBLE),
    "many weights": Problem(3, 1, 260, 600, (7, 7), (7, 7), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "many weights in phases": Problem(3, 1, 300, 300, (14, 14), (7, 7), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "several waves": Problem(1, 1, 16, 1000, (90, 90), (45, 45), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
}
PAIR = [KINDS["3 x 3"], KINDS["many weights"]]
PAIR_NAMES = ["by tiles", "by outputs"]


def random_problem(rng):
    """One that the engine takes: two or three taps per phase, and nothing that meets nothing."""
    stride = rng.integers(1, 3, 2)
    kernel = stride * rng.integers(2, 4, 2) - rng.integers(0, stride)
    dilation = np.where(stride == 1, rng.integers(1, 4, 2), 1)
    length = (kernel - 1) * dilation + 1
    padding = rng.integers(0, length)
    coarse = rng.integers(0, 20, 2) + padding + dilation
    fine = (coarse - 1) * stride - padding + rng.integers(1, length + 1)
    groups = int(rng.integers(1, 3))
    fine_channels, coarse_channels = (int(each) * groups for each in rng.integers(16, 60, 2))
    shapes = (tuple(map(int, each)) for each in (fine, coarse, kernel, stride, padding, dilation))
    return Problem(int(rng.integers(1, 4)), groups, fine_channels, coarse_channels, *shapes, rng.choice([SINGLE, DOUBLE]))


def arrays_of(problem, data_map="scatter", seed=0):
    rng = np.random.default_rng(seed)
    shapes = problem.coarse_array_shape, problem.kernel_array_shape, problem.fine_array_shape
    coarse, kernel, fine = (rng.standard_normal(shape).astype(problem.dtype) for shape in shapes)
    return (coarse, kernel, fine) if data_map == "scatter" else (fine, kernel, coarse)


def definition(problem, data_map, given, kernel, bias):
    right = np.empty(problem.fine_array_shape if data_map == "scatter" else problem.coarse_array_shape)
    getattr(reference, data_map)(problem, *(array.astype("f8") for array in (given, kernel, bias)), right)
    return right


def check(plan, problem, data_map, seed=0, threads=2):
    given, kernel, result = arrays_of(problem, data_map, seed)
    bias = np.arange(result.shape[1]).astype(problem.dtype)
    right = definition(problem, data_map, given, kernel, bias)
    got = np.full_like(result, np.nan)
    assert run(plan, given, kernel, bias, got, threads)
    np.testing.assert_allclose(got, right, rtol=0, atol=TOLERANCE[problem.dtype.itemsize] * max(1, abs(right).max()))


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("data_map", ["scatter", "gather"])
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_each_kind_of_plan_computes_the_definition(problem, data_map, isa):
    plan = winograd_plan(Job(problem, data_map, (0, 1), isa))
    assert plan is not None
    check(plan, problem, data_map)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("data_map", ["scatter", "gather"])
@pytest.mark.parametrize("seed", range(20))
def test_random_problems_compute_the_definition(isa, data_map, seed):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng)
    order = tuple(int(axis) for axis in rng.permutation(2))
    check(winograd_plan(Job(problem, data_map, order, isa)), problem, data_map, seed, threads=int(rng.integers(1, 4)))


@pytest.mark.parametrize("data_map", ["scatter", "gather"])
def test_any_strides_are_read_and_written(data_map):
    problem = KINDS["4 x 4 in phases"]
    given, kernel, result = arrays_of(problem, data_map)
    plan = winograd_plan(Job(problem, data_map, (0, 1), instruction_sets()[0]))
    assert run(plan, given, kernel, None, result, 2)
    last = np.moveaxis(np.ascontiguousarray(np.moveaxis(given, 1, -1)), -1, 1)
    turned = np.empty((*result.shape[:2], *result.shape[:1:-1]), result.dtype).transpose(0, 1, 3, 2)[..., ::-1]
    assert run(plan, last, np.asfortranarray(kernel), None, turned, 2)
    np.testing.assert_array_equal(turned, result)


@pytest.mark.parametrize("data_map", ["scatter", "gather"])
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_the_bits_do_not_depend_on_the_number_of_threads(problem, data_map):
    given, kernel, result = arrays_of(problem, data_map)
    plan = winograd_plan(Job(problem, data_map, (0, 1), instruction_sets()[0]))
    results = []
    for threads in (1, 2, 3, 7):
        assert run(plan, given, kernel, None, result, threads)
        results.append(result.tobytes())
    assert len(set(results)) == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("index", [0, 1], ids=["input", "weights"])
@pytest.mark.parametrize("problem", PAIR, ids=PAIR_NAMES)
def test_numbers_that_are_huge_or_not_finite_are_left_to_others(problem, index, bad):
    arrays = arrays_of(problem)
    arrays[index][-1, -1, -1, -1] = bad
    assert not run(winograd_plan(Job(problem, "scatter", (0, 1), instruction_sets()[0])), *arrays[:2], None, arrays[2], 2)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("data_map", ["scatter", "gather"])
@pytest.mark.parametrize("name", ["3 x 3, several passes", "many weights in phases"])
def test_it_is_about_as_accurate_as_the_direct_engine(name, data_map, isa):
    problem = KINDS[name]
    given, kernel, result = arrays_of(problem, data_map)
    bias = np.zeros(result.shape[1], problem.dtype)
    right = definition(problem, data_map, given, kernel, bias)
    errors = []
    for plan_of, compute in ((winograd_plan, run), (direct_plan, run_direct)):
        assert compute(plan_of(Job(problem, data_map, (0, 1), isa)), given, kernel, bias, result, 2)
        errors.append(abs(result - right).max())
    assert errors[0] < 3 * errors[1]
    assert errors[0] < 2e-6 * abs(right).max()


def test_the_kinds_reach_both_schedules():
    tables = [winograd_plan(Job(problem, "scatter", (0, 1), "portable")).tables for problem in KINDS.values()]
    assert {table.by_outputs for table in tables} == {False, True}
    assert any(table.waves > 1 for table in tables)
    assert any(table.pass_ * table.unit < table.outputs for table in tables if not table.by_outputs)
