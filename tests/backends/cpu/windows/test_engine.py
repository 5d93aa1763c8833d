"""The windows engine on problems of all kinds, for every instruction set, against the definition."""

import numpy as np
import pytest
from engines import DOUBLE, SINGLE, channels_last, check, check_bits, operands, plan_of

from convt.backend import Problem
from convt_cpu._kernels import instruction_sets
from convt_cpu._runner import DONE, run

pytestmark = pytest.mark.usefixtures("one_machine")

KINDS = {
    "one fine channel": Problem(2, 1, 1, 70, (1600,), (30,), (1024,), (20,), (3,), (1,), SINGLE),
    "whole vectors": Problem(1, 1, 3, 5, (264, 256), (16, 16), (40, 32), (16, 16), (8, 8), (1, 1), SINGLE),
    "many channels": Problem(3, 1, 37, 45, (50,), (12,), (16,), (4,), (6,), (1,), SINGLE),
    "parts of vectors": Problem(2, 1, 5, 9, (60, 70), (12, 13), (3, 21), (5, 4), (1, 2), (1, 1), DOUBLE),
    "groups": Problem(2, 3, 12, 15, (40,), (9,), (17,), (3,), (0,), (1,), DOUBLE),
    "dilation beside the rows": Problem(1, 1, 4, 6, (40, 33), (12, 9), (3, 18), (3, 2), (-2, 1), (3, 1), SINGLE),
    "an extended output": Problem(1, 1, 4, 8, (30, 30), (3, 3), (2, 16), (3, 3), (-7, -5), (1, 1), SINGLE),
    "windows apart": Problem(1, 1, 2, 4, (9, 400), (2, 9), (2, 16), (5, 40), (1, 3), (1, 1), SINGLE),
    "three dimensions": Problem(2, 1, 3, 5, (6, 7, 40), (3, 3, 11), (3, 2, 20), (2, 3, 2), (1, 1, 0), (1, 1, 1), SINGLE),
}


def columns_first(array):
    """The last two axes in the other order in memory, as a view."""
    return np.swapaxes(np.swapaxes(array, -1, -2).copy(), -1, -2)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("layout", [np.asarray, channels_last], ids=["channels first", "channels last"])
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_each_kind_of_plan_computes_the_definition(problem, layout, isa):
    check(plan_of("windows", problem, "gather", isa), problem, "gather", layout=layout)


def long_problem(rng):
    """A random one that the engine takes along its last axis."""
    axes = int(rng.integers(1, 4))
    kernel = (*rng.integers(1, 4, axes - 1), rng.integers(8, 50))
    stride, dilation = rng.integers(1, 6, axes), (*rng.integers(1, 3, axes - 1), 1)
    length = (np.array(kernel) - 1) * dilation + 1
    padding, coarse = rng.integers(-2, length), rng.integers(1, 9, axes)
    fine = np.maximum(1, (coarse - 1) * stride + length - padding - rng.integers(0, length))
    groups = int(rng.integers(1, 3))
    channels = (int(each) * groups for each in rng.integers(1, 40, 2))
    shapes = (tuple(map(int, each)) for each in (fine, coarse, kernel, stride, padding, dilation))
    return Problem(int(rng.integers(1, 4)), groups, *channels, *shapes, rng.choice([SINGLE, DOUBLE]))


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("seed", range(40))
def test_random_problems_compute_the_definition(seed, isa):
    rng = np.random.default_rng(seed)
    problem = long_problem(rng)
    check(plan_of("windows", problem, "gather", isa), problem, "gather", seed, threads=int(rng.integers(1, 4)))


def test_axes_may_be_walked_in_any_order():
    problem = Problem(1, 1, 3, 5, (40, 12), (9, 5), (18, 3), (2, 2), (1, 0), (1, 1), SINGLE)
    check(plan_of("windows", problem, "gather", order=(1, 0)), problem, "gather", layout=columns_first)


@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_the_bits_do_not_depend_on_the_number_of_threads(problem):
    check_bits(plan_of("windows", problem, "gather"), problem, "gather")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", ["fine", "kernel"])
def test_what_would_meet_zeros_outside_is_left_to_others(which, bad):
    problem = KINDS["parts of vectors"]
    arrays = operands(problem, "gather")
    getattr(arrays, which)[0, 0, 1, 1] = bad
    assert run(plan_of("windows", problem, "gather"), *arrays, 2) != DONE


def test_the_kinds_reach_several_boxes_parts_and_chunks():
    tables = [plan_of("windows", problem, "gather", "portable").tables for problem in KINDS.values()]
    assert any(max(table.boxes) > 1 for table in tables)
    assert any(table.part < table.outputs for table in tables)
    assert any(1 < table.chunk < table.inputs for table in tables)
    assert any(table.block < table.chunk * table.steps for table in tables)
