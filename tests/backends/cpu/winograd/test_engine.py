"""The Winograd engine on problems of all kinds, for every instruction set, against the definition."""

import numpy as np
import pytest
from engines import (
    DOUBLE,
    RESULT,
    SINGLE,
    channels_last,
    check,
    check_bits,
    check_runs,
    computed,
    exact_result,
    operands,
    plan_of,
    spread,
)

from convt.backend import Problem
from convt_cpu._kernels import instruction_sets
from convt_cpu._runner import DONE, run

pytestmark = pytest.mark.usefixtures("one_machine")

KINDS = {
    "3 x 3": Problem(2, 1, 17, 18, (9, 10), (9, 10), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "3 x 3, several passes": Problem(1, 1, 150, 130, (70, 40), (70, 40), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "4 x 4 in phases": Problem(1, 1, 30, 17, (38, 38), (19, 19), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "small images": Problem(9, 1, 70, 20, (8, 8), (4, 4), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "groups": Problem(9, 2, 70, 40, (17, 18), (8, 8), (4, 4), (2, 2), (1, 0), (1, 1), DOUBLE),
    "unlike axes": Problem(2, 1, 19, 17, (22, 11), (11, 11), (3, 3), (2, 1), (1, 1), (1, 1), DOUBLE),
    "dilated": Problem(2, 1, 17, 18, (31, 20), (29, 20), (3, 3), (1, 1), (1, 3), (2, 3), SINGLE),
    "dilated along one axis": Problem(1, 2, 34, 32, (22, 30), (11, 29), (4, 2), (2, 1), (1, 3), (1, 4), DOUBLE),
    "many blocks": Problem(1, 8, 480, 192, (57, 56), (57, 56), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "several rounds, together": Problem(1, 1, 250, 40, (70, 70), (70, 70), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "groups in rounds, together": Problem(1, 12, 3000, 204, (20, 20), (20, 20), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "groups in rounds, by outputs": Problem(1, 100, 10000, 4800, (10, 10), (10, 10), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "many weights": Problem(3, 1, 260, 600, (7, 7), (7, 7), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "many weights in phases": Problem(3, 1, 300, 300, (14, 14), (7, 7), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "several rounds, by outputs": Problem(1, 1, 90, 1900, (21, 21), (21, 21), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "uneven, by tiles": Problem(1, 1, 150, 45, (80, 80), (80, 80), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
    "uneven, together": Problem(2, 1, 150, 45, (40, 44), (20, 22), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE),
    "uneven, by outputs": Problem(1, 1, 93, 1900, (21, 21), (21, 21), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
}

# The last unit has fewer outputs, and there are several blocks of tiles and, where that is possible, of channels.
UNEVEN = {kind: problem for kind, problem in KINDS.items() if kind.startswith("uneven")}


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


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("data_map", ["scatter", "gather"])
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_each_kind_of_plan_computes_the_definition(problem, data_map, isa):
    check(plan_of("winograd", problem, data_map, isa), problem, data_map, least=1)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("data_map", ["scatter", "gather"])
@pytest.mark.parametrize("seed", range(20))
def test_random_problems_compute_the_definition(isa, data_map, seed):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng)
    order = tuple(int(axis) for axis in rng.permutation(2))
    plan = plan_of("winograd", problem, data_map, isa, order)
    check(plan, problem, data_map, seed, threads=int(rng.integers(1, 4)), least=1)


@pytest.mark.parametrize("data_map", ["scatter", "gather"])
@pytest.mark.parametrize("name", ["4 x 4 in phases", "many blocks", "many weights in phases"])
def test_any_strides_are_read_and_written(data_map, name):
    problem = KINDS[name]
    plan, arrays = plan_of("winograd", problem, data_map), operands(problem, data_map)
    right = computed(plan, data_map, arrays)
    last = spread(arrays, channels_last)._replace(kernel=np.asfortranarray(arrays.kernel))
    turned = np.empty((*right.shape[:2], *right.shape[:1:-1]), right.dtype).transpose(0, 1, 3, 2)[..., ::-1]
    last = last._replace(**{RESULT[data_map]: turned})
    np.testing.assert_array_equal(computed(plan, data_map, last), right)


@pytest.mark.parametrize("data_map", ["scatter", "gather"])
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_the_bits_do_not_depend_on_the_number_of_threads(problem, data_map):
    check_bits(plan_of("winograd", problem, data_map), problem, data_map)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("data_map", ["scatter", "gather"])
@pytest.mark.parametrize("problem", UNEVEN.values(), ids=UNEVEN)
def test_runs_of_every_length_have_the_same_bits(problem, data_map, isa):
    check_runs(plan_of("winograd", problem, data_map, isa), problem, data_map)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("which", ["coarse", "kernel"])
@pytest.mark.parametrize("name", ["many blocks", "3 x 3", "many weights", "several rounds, by outputs"])
def test_numbers_that_are_huge_or_not_finite_are_left_to_others(name, which, bad):
    problem = KINDS[name]
    arrays = operands(problem, "scatter")
    getattr(arrays, which)[-1, -1, -1, -1] = bad
    assert run(plan_of("winograd", problem, "scatter"), *arrays, 2) != DONE


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("data_map", ["scatter", "gather"])
@pytest.mark.parametrize("name", ["3 x 3, several passes", "many weights in phases"])
def test_it_is_about_as_accurate_as_the_direct_engine(name, data_map, isa):
    problem = KINDS[name]
    arrays = operands(problem, data_map)
    right = exact_result(problem, data_map)
    error, plain = (
        abs(computed(plan_of(engine, problem, data_map, isa), data_map, arrays) - right).max()
        for engine in ("winograd", "direct")
    )
    assert error < 3 * plain
    assert error < 2e-6 * abs(right).max()


def test_the_kinds_reach_all_schedules():
    tables = [
        plan_of("winograd", problem, data_map, isa).tables
        for problem in KINDS.values()
        for data_map in ("scatter", "gather")
        for isa in instruction_sets()
    ]
    by = {name: [table for table in tables if table.schedule == name] for name in ("by tiles", "together", "by outputs")}
    assert sum(map(len, by.values())) == len(tables)
    for name in ("together", "by outputs"):
        assert any(table.waves["wave"] < table.blocks for table in by[name])
        assert any(1 < table.waves["groups"] < table.groups for table in by[name])
    for some in by.values():
        assert any(table.pass_ < table.units for table in some)
        assert any(table.blocks > 1 for table in some)


def test_the_uneven_kinds_are_uneven_in_all_schedules():
    for isa in instruction_sets():
        tables = [
            plan_of("winograd", problem, data_map, isa).tables
            for problem in UNEVEN.values()
            for data_map in ("scatter", "gather")
        ]
        uneven = [table for table in tables if table.outputs % table.unit and table.blocks > 1]
        assert {table.schedule for table in uneven} == {"by tiles", "together", "by outputs"}
        several = {table.schedule for table in uneven if table.block_channels < table.inputs}
        assert {"together", "by outputs"} <= several
