"""Winograd's filter gradient on problems of all kinds, for every instruction set, against the definition."""

import numpy as np
import pytest
from engines import DOUBLE, SINGLE, check, check_bits, check_runs, computed, exact_result, length_of_sums, operands, plan_of

from convt.backend import Problem
from convt_cpu._kernels import instruction_sets
from convt_cpu._runner import DONE, run

pytestmark = pytest.mark.usefixtures("one_machine")

KINDS = {
    "3 x 3": Problem(2, 1, 33, 17, (23, 19), (23, 19), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "4 x 4 in phases": Problem(2, 1, 20, 30, (40, 44), (20, 22), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "3 x 3 in phases": Problem(2, 1, 64, 48, (20, 20), (10, 10), (3, 3), (2, 2), (1, 1), (1, 1), DOUBLE),
    "many images": Problem(20, 1, 64, 48, (17, 17), (17, 17), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "groups": Problem(3, 2, 64, 96, (20, 22), (10, 11), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "groups in rounds": Problem(1, 16, 1280, 1280, (10, 10), (10, 10), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
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
    "uneven": Problem(2, 1, 203, 131, (82, 80), (41, 40), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "uneven, one axis": Problem(1, 1, 203, 137, (1801,), (900,), (4,), (2,), (1,), (1,), SINGLE),
}

# The last of the panels, blocks and strips are smaller.
UNEVEN = {kind: problem for kind, problem in KINDS.items() if kind.startswith("uneven")}


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


def winograd_plan(problem, *where):
    return plan_of("winograd_correlate", problem, "correlate", *where)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_each_kind_of_plan_computes_the_definition(problem, isa):
    check(winograd_plan(problem, isa), problem, "correlate", least=length_of_sums(problem))


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("seed", range(30))
def test_random_problems_compute_the_definition(isa, seed):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng)
    order = tuple(int(axis) for axis in rng.permutation(len(problem.stride)))
    plan = winograd_plan(problem, isa, order)
    if plan is None:
        assert problem.batch * np.prod(problem.coarse_shape) < 16 * 9  # too few tiles
    else:
        check(plan, problem, "correlate", seed, threads=int(rng.integers(1, 4)), least=length_of_sums(problem))


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("axes", [(0, 2, 3, 1), (2, 3, 1, 0), (1, 0, 3, 2)])
@pytest.mark.parametrize("name", ["3 x 3", "many weights"])
def test_arrays_may_lie_in_memory_in_any_way(isa, axes, name):
    problem = KINDS[name]
    plan, arrays = winograd_plan(problem, isa), operands(problem, "correlate")
    right = computed(plan, "correlate", arrays).copy()
    fine, coarse, kernel = (np.ascontiguousarray(array.transpose(axes)).transpose(np.argsort(axes)) for array in arrays[:3])
    backwards = np.empty(problem.kernel_array_shape, SINGLE)[::-1, :, ::-1]
    for result in (kernel, backwards):
        result[...] = np.nan
        assert run(plan, fine, coarse, result, None, 2)
        np.testing.assert_array_equal(result, right)


@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_the_bits_do_not_depend_on_the_number_of_threads(problem):
    check_bits(winograd_plan(problem), problem, "correlate")


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("problem", UNEVEN.values(), ids=UNEVEN)
def test_runs_of_every_length_have_the_same_bits(problem, isa):
    check_runs(winograd_plan(problem, isa), problem, "correlate")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("name", ["3 x 3", "4 x 4 in phases", "many weights"])
def test_numbers_that_make_results_infinite_are_left_to_others(name, bad):
    problem = KINDS[name]
    arrays = operands(problem, "correlate")
    arrays.fine[0, 0, 0, 0] = arrays.coarse[0, 0, 0, 0] = bad
    assert run(winograd_plan(problem), *arrays, 2) != DONE


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", ["fine", "coarse"])
@pytest.mark.parametrize("name", ["3 x 3", "4 x 4 in phases", "many weights"])
def test_what_is_not_finite_in_one_array_is_left_to_others(name, which, bad):
    problem = KINDS[name]
    arrays = operands(problem, "correlate")
    getattr(arrays, which)[0, 0, 0, 0] = bad
    assert run(winograd_plan(problem), *arrays, 2) != DONE


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_it_is_about_as_accurate_as_plain_sums(problem, isa):
    arrays = operands(problem, "correlate")
    right = exact_result(problem, "correlate")
    plain = abs(computed(plan_of("correlate", problem, "correlate", isa), "correlate", arrays) - right).max()
    assert abs(computed(winograd_plan(problem, isa), "correlate", arrays) - right).max() < 4 * plain


def test_the_kinds_reach_both_schedules():
    plans = [winograd_plan(problem, isa) for problem in KINDS.values() for isa in instruction_sets()]
    tables = [plan.tables for plan in plans]
    assert {table.together for table in tables} == {False, True}
    assert any(plan.rounds > 1 and plan.tables.round_groups > 1 for plan in plans)
    assert any(table.strips > 1 for table in tables if table.together)
    assert any(1 < table.splits < table.strips for table in tables)
    assert any(table.round_groups > 1 and table.splits > 1 for table in tables)
    assert any(table.fine_blocks > 1 for table in tables)
    assert any(table.coarse_blocks > 1 for table in tables)
    assert any(table.unit[0] > 1 and table.units[1] > 1 for table in tables)


@pytest.mark.parametrize("isa", instruction_sets())
def test_the_uneven_kinds_are_uneven(isa):
    tables = [winograd_plan(problem, isa).tables for problem in UNEVEN.values()]
    for table in tables:
        assert table.together
        assert table.fine_blocks > 1
        assert table.coarse["channels"] % table.coarse["panel"]
    assert any(table.coarse_blocks > 1 for table in tables)
    assert any(table.coarse["block"] % table.coarse["panel"] for table in tables)
    assert any(table.fine["channels"] % table.fine["block"] for table in tables)
    assert any(table.strips > 1 for table in tables)
