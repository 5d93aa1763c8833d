"""The correlate engine on problems of all kinds, for every instruction set, against the definition."""

import numpy as np
import pytest
from engines import DOUBLE, SINGLE, check, check_bits, definition, length_of_sums, operands, plan_of
from hypothesis import given
from hypothesis import strategies as st

from convt.backend import Problem
from convt.testing import random_problem
from convt_cpu._kernels import instruction_sets
from convt_cpu._runner import DONE, run

pytestmark = pytest.mark.usefixtures("one_machine")

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
    "groups, each in several tasks": Problem(9, 3, 450, 450, (9, 9), (8, 8), (2, 2), (1, 1), (0, 0), (1, 1), SINGLE),
    "groups in rounds": Problem(1, 30, 1920, 1920, (2, 2), (1, 1), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "groups together": Problem(1, 2, 300, 300, (2, 2), (1, 1), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "groups": Problem(3, 4, 20, 12, (13, 12), (6, 6), (3, 3), (2, 2), (1, 1), (1, 1), DOUBLE),
    "depthwise": Problem(2, 40, 40, 40, (16, 16), (8, 8), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "dilation": Problem(2, 1, 4, 33, (30, 29), (11, 13), (3, 2), (2, 3), (1, -2), (5, 4), SINGLE),
    "dilation like the stride": Problem(1, 1, 5, 9, (28, 28), (14, 14), (3, 3), (2, 2), (2, 2), (2, 2), DOUBLE),
    "three dimensions": Problem(2, 1, 9, 11, (12, 14, 9), (6, 7, 9), (2, 2, 3), (2, 2, 1), (0, 0, 1), (1, 1, 1), SINGLE),
}


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_each_kind_of_plan_computes_the_definition(problem, isa):
    check(plan_of("correlate", problem, "correlate", isa), problem, "correlate", least=length_of_sums(problem))


@pytest.mark.parametrize("isa", instruction_sets())
@given(seed=st.integers(0, 2**32), dtype=st.sampled_from(["f4", "f8"]), threads=st.integers(1, 3))
def test_random_problems_compute_the_definition(isa, seed, dtype, threads):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, dtype)
    order = tuple(int(axis) for axis in rng.permutation(len(problem.stride)))
    plan = plan_of("correlate", problem, "correlate", isa, order)
    check(plan, problem, "correlate", seed, threads, least=length_of_sums(problem))


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("axes", [(0, 2, 3, 1), (2, 3, 1, 0), (1, 0, 3, 2)])
@pytest.mark.parametrize("name", ["several blocks of fine channels", "one position"])
def test_arrays_may_lie_in_memory_in_any_way(isa, axes, name):
    problem = KINDS[name]
    plan, arrays = plan_of("correlate", problem, "correlate", isa), operands(problem, "correlate")
    right = definition(problem, "correlate", arrays)
    fine, coarse, kernel = (np.ascontiguousarray(array.transpose(axes)).transpose(np.argsort(axes)) for array in arrays[:3])
    backwards = np.full(problem.kernel_array_shape, np.nan, SINGLE)[::-1, :, ::-1]
    for result in (kernel, backwards):
        assert run(plan, fine, coarse, result, None, 2)
        np.testing.assert_allclose(result, right, rtol=0, atol=2e-5 * abs(right).max())


@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_the_bits_do_not_depend_on_the_number_of_threads(problem):
    check_bits(plan_of("correlate", problem, "correlate"), problem, "correlate")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", ["fine", "coarse"])
@pytest.mark.parametrize("name", ["k == 2s", "many weights", "one fine channel"])
def test_values_that_are_not_finite_are_left_to_others(name, which, bad):
    problem = KINDS[name]
    arrays = operands(problem, "correlate")
    getattr(arrays, which)[0, 0, 0, 0] = bad
    assert run(plan_of("correlate", problem, "correlate"), *arrays, 2) != DONE


def test_the_kinds_reach_both_schedules_and_all_layouts():
    tables = [
        plan_of("correlate", problem, "correlate", isa).tables for problem in KINDS.values() for isa in instruction_sets()
    ]
    assert {table.together for table in tables} == {False, True}
    assert {table.fine_lanes for table in tables} == {False, True}
    blocks = [-(-table.fine // table.fine_block) for table in tables]
    assert max(blocks) > 1
    assert any(table.wave < count for table, count in zip(tables, blocks, strict=True) if table.together)
    assert any(np.prod(table.strips) > 1 for table in tables if table.together)
    assert any(table.splits > 1 for table in tables)
    assert {table.together for table in tables if table.round_groups > 1} == {False, True}
    assert any(1 < table.round_groups < table.groups for table in tables)
    assert any(table.splits > 1 and table.round_groups > 1 for table in tables)
    assert any(table.block_coarse < table.coarse for table in tables)
    assert any(table.block_runs < table.runs for table in tables)
