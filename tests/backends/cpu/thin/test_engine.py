"""The thin engine on problems of all kinds, for every instruction set, against the definition."""

import numpy as np
import pytest
from engines import (
    DOUBLE,
    MAPS,
    SINGLE,
    channels_last,
    check,
    check_bits,
    check_runs,
    computed,
    definition,
    operands,
    plan_of,
)

from convt.backend import Problem
from convt.testing import random_problem
from convt_cpu._kernels import instruction_sets
from convt_cpu._runner import DONE, run

pytestmark = pytest.mark.usefixtures("one_machine")

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
    "uneven": Problem(3, 1, 157, 150, (14, 12), (7, 6), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "uneven groups": Problem(2, 3, 249, 270, (9, 7), (5, 4), (3, 3), (2, 2), (1, 1), (1, 1), SINGLE),
    "uneven, long filters": Problem(2, 1, 13, 271, (1620,), (31,), (1024,), (20,), (3,), (1,), SINGLE),
    "three dimensions": Problem(2, 1, 20, 17, (6, 4, 9), (3, 2, 3), (4, 4, 3), (2, 2, 3), (1, 1, 0), (1, 1, 1), SINGLE),
}

# The last of the runs, parts, tiles and blocks are smaller.
UNEVEN = {kind: problem for kind, problem in KINDS.items() if kind.startswith("uneven")}

# The columns of the large ones outgrow the caches in the other two maps.
CASES = [
    pytest.param(problem, data_map, id=f"{kind}, {data_map}")
    for kind, problem in KINDS.items()
    for data_map in (MAPS if kind != "several waves" else ["gather"])
]


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("layout", [np.asarray, channels_last], ids=["channels first", "channels last"])
@pytest.mark.parametrize(("problem", "data_map"), CASES)
def test_each_kind_of_plan_computes_the_definition(problem, data_map, layout, isa):
    check(plan_of("thin", problem, data_map, isa), problem, data_map, layout=layout)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("seed", range(40))
def test_random_problems_compute_the_definition(seed, isa):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, rng.choice(["f4", "f8"]))
    order = tuple(int(axis) for axis in rng.permutation(len(problem.stride)))
    for data_map in MAPS:
        plan = plan_of("thin", problem, data_map, isa, order)
        if plan is not None:
            check(plan, problem, data_map, seed, threads=int(rng.integers(1, 4)))


@pytest.mark.parametrize(("problem", "data_map"), CASES)
def test_the_bits_do_not_depend_on_the_number_of_threads(problem, data_map):
    check_bits(plan_of("thin", problem, data_map), problem, data_map)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize("problem", UNEVEN.values(), ids=UNEVEN)
def test_runs_of_every_length_have_the_same_bits(problem, data_map, isa):
    check_runs(plan_of("thin", problem, data_map, isa), problem, data_map)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("data_map", "which"), [("gather", "kernel"), ("correlate", "coarse")])
def test_what_would_meet_zeros_outside_is_left_to_others(data_map, which, bad):
    problem = KINDS["some positions of some images"]
    arrays = operands(problem, data_map)
    getattr(arrays, which)[-1, -1, -1, -1] = bad
    assert run(plan_of("thin", problem, data_map), *arrays, 2) != DONE


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", ["coarse", "kernel"])
def test_scatter_treats_what_is_not_finite_as_the_definition(which, bad):
    problem = KINDS["several tiles"]
    arrays = operands(problem, "scatter")
    getattr(arrays, which)[-1, -1, -1, -1] = bad
    right = definition(problem, "scatter", arrays)
    np.testing.assert_allclose(computed(plan_of("thin", problem, "scatter"), "scatter", arrays), right, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("data_map", MAPS)
def test_the_plans_reach_several_tasks_tiles_and_waves(data_map):
    plans = [plan_of("thin", problem, data_map, "portable") for problem in KINDS.values()]
    tables = [plan.tables for plan in plans if plan is not None]
    assert any(stage.tasks > 1 for plan in plans if plan is not None for stage in plan.stages[1:])
    assert any(table.waves["wave"] > 1 for table in tables)
    assert any(table.waves["groups"] > 1 for table in tables)
    if data_map == "gather":
        assert any(table.waves["wave"] < table.positions for table in tables)
        assert any(table.block < table.pitch for table in tables)
    elif data_map == "scatter":
        assert any(table.block < table.inputs for table in tables)


@pytest.mark.parametrize("isa", instruction_sets())
def test_the_uneven_kinds_are_uneven(isa):
    scatters, correlates, gathers = (
        [plan_of("thin", problem, data_map, isa).tables for problem in UNEVEN.values()]
        for data_map in ("scatter", "correlate", "gather")
    )
    for tables in (scatters, correlates):
        assert any(table.outputs % table.part and table.parts > 1 for table in tables)
        assert any(table.outputs * table.taps % table.width for table in tables)
        assert any(table.waves["groups"] > 1 and table.outputs % table.parts for table in tables)
    assert any(table.positions % table.unit and table.block < table.inputs for table in scatters)
    assert any(table.inputs % table.unit for table in correlates)
    assert any(table.inputs % table.channels and table.run < table.positions for table in gathers)
    assert any(table.outputs * table.taps % table.block and table.block < table.pitch for table in gathers)
