"""The direct engine on problems of all kinds, for every instruction set, against the definition."""

import numpy as np
import pytest
from engines import DOUBLE, SINGLE, check, check_bits, check_runs, operands, plan_of

from convt.backend import Problem
from convt.testing import random_problem
from convt_cpu._kernels import instruction_sets
from convt_cpu._runner import DONE, run

pytestmark = pytest.mark.usefixtures("one_machine")

KINDS = {
    "k == s, tiles of positions": Problem(2, 1, 20, 30, (40, 44), (20, 22), (2, 2), (2, 2), (0, 0), (1, 1), SINGLE),
    "k == 2s": Problem(1, 1, 30, 7, (38, 38), (19, 19), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "planes per shift": Problem(9, 1, 70, 20, (8, 8), (4, 4), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "many weights": Problem(3, 1, 260, 600, (7, 7), (7, 7), (4, 4), (1, 1), (2, 1), (1, 1), SINGLE),
    "several waves": Problem(1, 1, 1300, 1300, (51, 52), (51, 52), (1, 1), (1, 1), (0, 0), (1, 1), SINGLE),
    "several passes": Problem(1, 1, 500, 40, (30, 30), (15, 15), (3, 3), (2, 2), (1, 1), (1, 1), DOUBLE),
    "several rounds, together": Problem(1, 1, 60, 690, (10240,), (5240,), (3,), (1,), (0,), (2500,), SINGLE),
    "many strips": Problem(1, 8, 1760, 96, (60, 72), (60, 72), (1, 3), (1, 1), (0, 1), (1, 1), SINGLE),
    "groups of few strips": Problem(1, 3, 36, 48, (56, 56), (56, 56), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "groups in rounds": Problem(4, 300, 3000, 21000, (4, 4), (4, 4), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
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
    "uneven, by strips": Problem(1, 1, 250, 47, (30, 60), (30, 60), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "uneven, together": Problem(1, 1, 200, 115, (24, 25), (24, 25), (3, 3), (1, 1), (1, 1), (1, 1), DOUBLE),
    "uneven, by outputs": Problem(1, 1, 610, 121, (20, 45), (20, 45), (1, 3), (1, 1), (0, 1), (1, 1), SINGLE),
    "three dimensions": Problem(2, 1, 9, 11, (12, 14, 9), (6, 7, 9), (2, 2, 3), (2, 2, 1), (0, 0, 1), (1, 1, 1), SINGLE),
}

# The last unit has fewer outputs, the inputs are several blocks, and there are several strips.
UNEVEN = {kind: problem for kind, problem in KINDS.items() if kind.startswith("uneven")}

# A strip of the coarse channels of some would be too large.
CASES = [
    pytest.param(problem, data_map, id=f"{kind}, {data_map}")
    for kind, problem in KINDS.items()
    for data_map in (("scatter", "gather") if kind != "several rounds, together" else ["gather"])
]


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize(("problem", "data_map"), CASES)
def test_each_kind_of_plan_computes_the_definition(problem, data_map, isa):
    check(plan_of("direct", problem, data_map, isa), problem, data_map)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("seed", range(25))
def test_random_problems_compute_the_definition(seed, isa):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, rng.choice(["f4", "f8"]))
    order = tuple(int(axis) for axis in rng.permutation(len(problem.stride)))
    for data_map in ("scatter", "gather"):
        check(plan_of("direct", problem, data_map, isa, order), problem, data_map, seed, threads=int(rng.integers(1, 4)))


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("outputs", range(1, 46))
def test_any_number_of_outputs_reads_a_strip_that_is_packed_tile_by_tile(outputs, isa):
    problem = Problem(2, 1, outputs, 9, (40, 44), (20, 22), (2, 2), (2, 2), (0, 0), (1, 1), SINGLE)
    plan = plan_of("direct", problem, "scatter", isa)
    assert plan.tables.span_size
    check(plan, problem, "scatter")


@pytest.mark.parametrize(("problem", "data_map"), CASES)
def test_the_bits_do_not_depend_on_the_number_of_threads(problem, data_map):
    check_bits(plan_of("direct", problem, data_map), problem, data_map)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("data_map", ["scatter", "gather"])
@pytest.mark.parametrize("problem", UNEVEN.values(), ids=UNEVEN)
def test_runs_of_every_length_have_the_same_bits(problem, data_map, isa):
    check_runs(plan_of("direct", problem, data_map, isa), problem, data_map)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["many strips", "k == 2s", "several passes", "many weights"])
def test_weights_that_are_not_finite_are_left_to_others(name, bad):
    problem = KINDS[name]
    arrays = operands(problem, "scatter")
    arrays.kernel[-1, -1, -1, -1] = bad
    assert run(plan_of("direct", problem, "scatter"), *arrays, 2) != DONE


def test_the_kinds_reach_all_schedules_and_layouts():
    tables = [plan_of("direct", *case.values, "portable").tables for case in CASES]
    by = {name: [table for table in tables if table.schedule == name] for name in ("by strips", "together", "by outputs")}
    assert sum(map(len, by.values())) == len(tables)
    assert any(table.span_size for table in tables)
    assert not all(table.span_size for table in tables)
    assert any(np.ptp(table.in_shift, axis=0).any() for table in tables)
    for some in by.values():
        assert {table.slices > 1 for table in some} == {False, True}
        assert any(table.pass_ < table.outputs for table in some)
    for some in (by["together"], by["by outputs"]):
        assert any(table.waves["wave"] < table.all_strips for table in some)
        assert any(table.waves["groups"] > 1 for table in some)
    assert any(table.units > 1 and table.waves["groups"] > 1 for table in by["together"])
    assert any(1 < table.waves["groups"] < table.groups for table in by["by outputs"])
    assert any(0 < table.slab < table.count[0] * table.rows[0] * table.rows[1] for table in by["by strips"])


@pytest.mark.parametrize("isa", instruction_sets())
def test_the_uneven_kinds_are_uneven_in_all_schedules(isa):
    plans = [plan_of("direct", problem, data_map, isa) for problem in UNEVEN.values() for data_map in ("scatter", "gather")]
    tables = [plan.tables for plan in plans]
    uneven = [
        table for table in tables if table.outputs % table.unit and table.block < table.inputs and table.all_strips > 1
    ]
    assert {table.schedule for table in uneven} == {"by strips", "together", "by outputs"}
