"""The cells engine on problems of all kinds, for every instruction set, against the definition."""

import numpy as np
import pytest
from engines import DOUBLE, SINGLE, channels_last, check, check_bits, check_runs, operands, plan_of

from convt.backend import Problem
from convt.testing import random_problem
from convt_cpu._kernels import instruction_sets
from convt_cpu._runner import DONE, LEFT, run

pytestmark = pytest.mark.usefixtures("one_machine")

KINDS = {
    "k == 2s, cropped by half a cell": Problem(1, 1, 5, 6, (80, 80), (5, 5), (32, 32), (16, 16), (8, 8), (1, 1), SINGLE),
    "one dimension": Problem(2, 1, 70, 40, (240,), (30,), (16,), (8,), (4,), (1,), SINGLE),
    "one output, several blocks": Problem(1, 1, 1, 600, (5000,), (20,), (1024,), (256,), (0,), (1,), SINGLE),
    "several waves": Problem(1, 1, 2, 40, (320, 320), (160, 160), (4, 4), (2, 2), (1, 1), (1, 1), DOUBLE),
    "several blocks and parts": Problem(4, 1, 3, 300, (60, 60), (20, 20), (6, 6), (3, 3), (0, 0), (1, 1), DOUBLE),
    "groups in rounds": Problem(2, 200, 400, 8000, (40, 58), (10, 12), (7, 3), (4, 5), (1, 0), (1, 1), SINGLE),
    "k no multiple of s": Problem(2, 1, 3, 9, (40, 58), (10, 12), (7, 3), (4, 5), (1, 0), (1, 1), SINGLE),
    "k below s": Problem(1, 1, 3, 9, (40, 58), (10, 12), (1, 3), (4, 5), (0, 0), (1, 1), DOUBLE),
    "padding beyond a cell": Problem(1, 1, 3, 4, (31, 31), (10, 10), (13, 13), (4, 4), (9, 11), (1, 1), SINGLE),
    "an extended output": Problem(1, 2, 4, 4, (60, 70), (10, 10), (5, 5), (5, 5), (-7, -11), (1, 1), SINGLE),
    "uneven": Problem(2, 1, 11, 310, (61, 47), (21, 16), (6, 6), (3, 3), (0, 0), (1, 1), SINGLE),
    "uneven groups": Problem(1, 3, 114, 810, (43, 50), (14, 16), (6, 6), (3, 3), (0, 0), (1, 1), SINGLE),
    "three dimensions": Problem(2, 1, 9, 11, (12, 14, 27), (6, 7, 9), (2, 2, 5), (2, 2, 3), (0, 0, 1), (1, 1, 1), SINGLE),
}


# The last of the panels, tiles, parts and blocks are smaller.
UNEVEN = {kind: problem for kind, problem in KINDS.items() if kind.startswith("uneven")}


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("layout", [np.asarray, channels_last], ids=["channels first", "channels last"])
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_each_kind_of_plan_computes_the_definition(problem, layout, isa):
    check(plan_of("cells", problem, "scatter", isa), problem, "scatter", layout=layout)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("seed", range(40))
def test_random_problems_compute_the_definition(seed, isa):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, rng.choice(["f4", "f8"]))
    order = tuple(int(axis) for axis in rng.permutation(len(problem.stride)))
    plan = plan_of("cells", problem, "scatter", isa, order)
    if plan is not None:
        check(plan, problem, "scatter", seed, threads=int(rng.integers(1, 4)))


@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_the_bits_do_not_depend_on_the_number_of_threads(problem):
    check_bits(plan_of("cells", problem, "scatter"), problem, "scatter")


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("problem", UNEVEN.values(), ids=UNEVEN)
def test_runs_of_every_length_have_the_same_bits(problem, isa):
    check_runs(plan_of("cells", problem, "scatter", isa), problem, "scatter")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", ["coarse", "kernel"])
@pytest.mark.parametrize("name", ["k no multiple of s", "several waves"])
def test_what_would_meet_zeros_is_left_undone_if_it_is_not_finite(name, which, bad):
    problem = KINDS[name]
    plan, arrays = plan_of("cells", problem, "scatter"), operands(problem, "scatter")
    getattr(arrays, which)[-1, -1, -1, -1] = bad
    fills_its_cells = name == "several waves"  # then there are zeros around the coarse array alone
    assert plan.exact == fills_its_cells
    assert run(plan, *arrays, 2) == (DONE if fills_its_cells and which == "coarse" else LEFT)


def test_the_kinds_reach_several_waves_parts_and_blocks():
    tables = [plan_of("cells", problem, "scatter", "portable").tables for problem in KINDS.values()]
    assert any(table.waves["wave"] * table.unit < table.positions for table in tables)
    assert any(1 < table.waves["groups"] < table.groups for table in tables)
    assert any(table.block < table.inputs for table in tables)
    assert any(table.parts > 1 and table.block < table.inputs for table in tables)
    assert any(table.panels > 1 for table in tables)


@pytest.mark.parametrize("isa", instruction_sets())
def test_the_uneven_kinds_are_uneven(isa):
    tables = [plan_of("cells", problem, "scatter", isa).tables for problem in UNEVEN.values()]
    assert all(table.lanes % table.width and table.block < table.inputs for table in tables)
    assert any(table.parts > 1 for table in tables)
    assert any(table.positions % table.unit for table in tables)
    assert any(table.panels > 1 and -(-table.lanes // table.width) % table.panels for table in tables)
    assert any(table.waves["groups"] > 1 for table in tables)
