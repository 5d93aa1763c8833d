"""The depthwise engine on problems of all kinds, for every instruction set, against the definition."""

import numpy as np
import pytest

from convt.problem import Problem
from convt.reference import backend as reference
from convt.testing import make_problem, random_problem
from convt_cpu._job import Job
from convt_cpu._kernels import instruction_sets
from convt_cpu.depthwise._engine import run
from convt_cpu.depthwise._plan import depthwise_plan

TOLERANCE = {4: 2e-5, 8: 4e-14}
MAPS = ["scatter", "gather", "correlate"]
DEPTHWISE = {"channels": (3, 3), "groups": 3}

KINDS = {
    "k == 2s": make_problem((19, 40), 4, stride=2, crop=(1, 1), batch=2, **DEPTHWISE),
    "k == s == 3": make_problem((9, 20), 3, stride=3, **DEPTHWISE),
    "stride 1": make_problem((20, 33), 7, crop=(3, 3), batch=3, **DEPTHWISE),
    "small images": make_problem((5, 5), 3, crop=(1, 1), channels=(40, 40), groups=40, batch=9),
    "long rows, many boxes": make_problem(20_000, 12, stride=2, crop=(5, 5), **DEPTHWISE),
    "a large image": make_problem((300, 280), 3, stride=2, crop=(1, 1), extra=1, channels=(1, 1)),
    "large stride": make_problem((9, 11), 16, stride=8, crop=(4, 4), **DEPTHWISE),
    "phases without a tap": make_problem((9, 20), 2, stride=(3, 4), extra=(2, 3), **DEPTHWISE),
    "dilation beyond the stride": make_problem((9, 20), (3, 2), stride=(2, 3), dilation=(5, 4), crop=(-2, 1), **DEPTHWISE),
    "many taps": make_problem((30, 30), 17, crop=(8, 8), **DEPTHWISE),
    "three dimensions": make_problem((9, 10, 13), 4, stride=2, crop=(1, 1), **DEPTHWISE),
    "many groups": make_problem((9, 12), (4, 3), stride=(2, 1), crop=(1, 1), channels=(83, 83), groups=83, batch=2),
    "many groups, three dimensions": make_problem((3, 4, 5), 3, stride=2, dilation=3, channels=(16, 16), groups=16),
    "several fine channels": make_problem((9, 20), 3, stride=2, channels=(3, 12), groups=3, batch=2),
    "several coarse channels": make_problem((9, 20), 3, stride=2, channels=(15, 3), groups=3, batch=2),
    "several channels on both sides": make_problem((9, 20), 4, stride=2, channels=(4, 6), groups=2),
    "padding beyond the filter": make_problem((9, 20), 3, stride=2, crop=((5, 6), (-7, -3)), **DEPTHWISE),
}


def arrays_of(problem, seed=0):
    rng = np.random.default_rng(seed)
    shapes = problem.coarse_array_shape, problem.kernel_array_shape, problem.fine_array_shape
    return [rng.standard_normal(shape).astype(problem.dtype) for shape in shapes]


def operands(problem, data_map, seed=0):
    """The two given arrays, the bias if any, and a result that is not yet right."""
    coarse, kernel, fine = arrays_of(problem, seed)
    if data_map == "correlate":
        return fine, coarse, np.full_like(kernel, np.nan)
    given, result = (coarse, fine) if data_map == "scatter" else (fine, coarse)
    bias = np.arange(result.shape[1]).astype(problem.dtype)
    return given, kernel, bias, np.full_like(result, np.nan)


def check(problem, data_map, order, isa, seed=0, threads=2, spread=lambda array: array):
    plan = depthwise_plan(Job(problem, data_map, order, isa))
    assert plan is not None
    *given, got = map(spread, operands(problem, data_map, seed))
    right = np.zeros(got.shape)
    getattr(reference, data_map)(problem, *(array.astype("f8") for array in given), right)
    assert run(plan, *given, got, threads)
    np.testing.assert_allclose(got, right, rtol=0, atol=TOLERANCE[problem.dtype.itemsize] * abs(right).max())


def typed(problem, dtype):
    return Problem(**{**vars_of(problem), "dtype": np.dtype(dtype)})


def vars_of(problem):
    return {name: getattr(problem, name) for name in Problem.__dataclass_fields__}


def last(array):
    """The same values, the channels densest in memory."""
    if array.ndim < 3:
        return array
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 1, -1)), -1, 1)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_each_kind_of_plan_computes_the_definition(problem, data_map, dtype, isa):
    check(typed(problem, dtype), data_map, tuple(range(len(problem.stride))), isa)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_channels_may_come_last(problem, data_map, isa):
    check(typed(problem, "f4"), data_map, tuple(range(len(problem.stride))), isa, spread=last)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("seed", range(40))
def test_random_problems_compute_the_definition(seed, isa):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, rng.choice(["f4", "f8"]))
    order = tuple(int(axis) for axis in rng.permutation(len(problem.stride)))
    for data_map in MAPS:
        if depthwise_plan(Job(problem, data_map, order, isa)) is not None:
            check(problem, data_map, order, isa, seed, threads=int(rng.integers(1, 4)))


@pytest.mark.parametrize("spread", [np.asarray, last], ids=["channels first", "channels last"])
@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_the_bits_do_not_depend_on_the_number_of_threads(problem, data_map, spread):
    plan = depthwise_plan(Job(typed(problem, "f4"), data_map, tuple(range(len(problem.stride))), instruction_sets()[0]))
    results = set()
    for threads in (1, 2, 3, 7):
        arrays = [*map(spread, operands(typed(problem, "f4"), data_map))]
        assert run(plan, *arrays, threads)
        results.add(arrays[-1].tobytes())
    assert len(results) == 1


@pytest.mark.parametrize("spread", [np.asarray, last], ids=["channels first", "channels last"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("data_map", ["scatter", "gather"])
def test_weights_that_are_not_finite_are_left_to_others(data_map, bad, spread):
    problem = KINDS["k == 2s"]
    given, kernel, bias, result = operands(problem, data_map)
    kernel[-1, -1, -1, -1] = bad
    plan = depthwise_plan(Job(problem, data_map, (0, 1), instruction_sets()[0]))
    assert not run(plan, *map(spread, (given, kernel, bias, result)), 2)


@pytest.mark.parametrize("spread", [np.asarray, last], ids=["channels first", "channels last"])
@pytest.mark.parametrize("data_map", ["scatter", "gather"])
def test_values_that_are_not_finite_reach_only_what_they_should(data_map, spread):
    problem = KINDS["k == 2s"]
    given, kernel, bias, result = operands(problem, data_map)
    given[0, 0, 0, 0], given[1, 1, 7, 7], given[1, 2, -1, -1] = np.inf, np.nan, -np.inf
    right = np.empty_like(result)
    getattr(reference, data_map)(problem, given, kernel, bias, right)
    got = spread(result)
    assert run(depthwise_plan(Job(problem, data_map, (0, 1), instruction_sets()[0])), spread(given), kernel, bias, got, 2)
    np.testing.assert_allclose(got, right, atol=1e-12)


@pytest.mark.parametrize("spread", [np.asarray, last], ids=["channels first", "channels last"])
@pytest.mark.parametrize("which", [0, 1])
def test_a_filter_gradient_that_is_not_finite_is_left_to_others(which, spread):
    problem = KINDS["k == 2s"]
    arrays = operands(problem, "correlate")
    arrays[which][0, 0, 0, 0] = np.inf
    assert not run(depthwise_plan(Job(problem, "correlate", (0, 1), instruction_sets()[0])), *map(spread, arrays), 2)
