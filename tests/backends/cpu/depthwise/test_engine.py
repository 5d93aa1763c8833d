"""The depthwise engine on problems of all kinds, for every instruction set, against the definition."""

from dataclasses import replace

import numpy as np
import pytest
from engines import MAPS, check, check_bits, computed, definition, operands, plan_of, spread
from engines import channels_last as last

from convt.testing import make_problem, random_problem
from convt_cpu._kernels import instruction_sets
from convt_cpu._runner import DONE, run

pytestmark = pytest.mark.usefixtures("one_machine")

DEPTHWISE = {"channels": (3, 3), "groups": 3}

KINDS = {
    "boxes along z and y": make_problem(  # slices have no halo, and share no rows
        (7, 7, 4), (2, 4, 3), stride=(2, 2, 3), crop=((0, 2), (1, 4), (1, 1)), channels=(3, 3), groups=3
    ),
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

LAYOUTS = pytest.mark.parametrize("layout", [np.asarray, last], ids=["channels first", "channels last"])


def depthwise_plan(problem, data_map, layout, *where):
    return plan_of("depthwise", problem, data_map, *where, channels_last=layout is last)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_each_kind_of_plan_computes_the_definition(problem, data_map, dtype, isa):
    problem = replace(problem, dtype=np.dtype(dtype))
    check(depthwise_plan(problem, data_map, np.asarray, isa), problem, data_map)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_channels_may_come_last(problem, data_map, isa):
    problem = replace(problem, dtype=np.dtype("f4"))
    check(depthwise_plan(problem, data_map, last, isa), problem, data_map, layout=last)
    check(depthwise_plan(problem, data_map, np.asarray, isa), problem, data_map, layout=last)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("seed", range(40))
def test_random_problems_compute_the_definition(seed, isa):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, rng.choice(["f4", "f8"]))
    order = tuple(int(axis) for axis in rng.permutation(len(problem.stride)))
    for data_map in MAPS:
        plan = depthwise_plan(problem, data_map, np.asarray, isa, order)
        if plan is not None:
            check(plan, problem, data_map, seed, threads=int(rng.integers(1, 4)))


@LAYOUTS
@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_the_bits_do_not_depend_on_the_number_of_threads(problem, data_map, layout):
    problem = replace(problem, dtype=np.dtype("f4"))
    check_bits(depthwise_plan(problem, data_map, layout), problem, data_map, layout)


@LAYOUTS
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("data_map", ["scatter", "gather"])
def test_weights_that_are_not_finite_are_left_to_others(data_map, bad, layout):
    problem = KINDS["k == 2s"]
    arrays = operands(problem, data_map)
    arrays.kernel[-1, -1, -1, -1] = bad
    assert run(depthwise_plan(problem, data_map, layout), *spread(arrays, layout), 2) != DONE


@LAYOUTS
@pytest.mark.parametrize("data_map", ["scatter", "gather"])
def test_values_that_are_not_finite_reach_only_what_they_should(data_map, layout):
    problem = KINDS["k == 2s"]
    arrays = operands(problem, data_map)
    given = arrays.coarse if data_map == "scatter" else arrays.fine
    given[0, 0, 0, 0], given[1, 1, 7, 7], given[1, 2, -1, -1] = np.inf, np.nan, -np.inf
    right = definition(problem, data_map, arrays)
    got = computed(depthwise_plan(problem, data_map, layout), data_map, spread(arrays, layout))
    np.testing.assert_allclose(got, right, atol=1e-12)


@pytest.mark.parametrize("data_map", ["scatter", "gather"])
def test_weights_that_are_not_finite_reach_only_what_they_should_where_lanes_are_channels(data_map):
    problem = KINDS["many groups"]
    plan, arrays = depthwise_plan(problem, data_map, last), operands(problem, data_map)
    assert [stage.name for stage in plan.stages] == ["depthwise_filters", "depthwise_channels"]
    arrays.kernel[-1, -1, -1, -1], arrays.kernel[5, 0, 0, 0], arrays.kernel[7, 0, 1, 1] = np.inf, np.nan, -np.inf
    right = definition(problem, data_map, arrays)
    np.testing.assert_allclose(computed(plan, data_map, spread(arrays, last)), right, atol=1e-12)


@LAYOUTS
@pytest.mark.parametrize("which", ["fine", "coarse"])
def test_a_filter_gradient_that_is_not_finite_is_left_to_others(which, layout):
    problem = KINDS["k == 2s"]
    arrays = operands(problem, "correlate")
    getattr(arrays, which)[0, 0, 0, 0] = np.inf
    assert run(depthwise_plan(problem, "correlate", layout), *spread(arrays, layout), 2) != DONE


def test_a_kind_has_boxes_that_share_rows_along_y_and_several_slices():
    for isa in instruction_sets():
        tables = depthwise_plan(KINDS["boxes along z and y"], "gather", np.asarray, isa).tables
        assert tables.slide == tables.count[1]
        assert min(tables.boxes[:2]) > 1


def test_the_kinds_reach_lanes_of_channels_and_several_splits():
    def stages(data_map, layout):
        plans = [depthwise_plan(problem, data_map, layout) for problem in KINDS.values()]
        return {tuple(stage.name for stage in plan.stages) for plan in plans}

    boxes, channels = ("depthwise_boxes",), ("depthwise_filters", "depthwise_channels")
    assert stages("scatter", np.asarray) == stages("gather", np.asarray) == {boxes}
    assert stages("scatter", last) == stages("gather", last) == {boxes, channels}
    assert stages("correlate", last) == {("depthwise_splits", "depthwise_totals")}
    assert any(depthwise_plan(problem, "correlate", last).tables.splits > 1 for problem in KINDS.values())


def test_filter_gradients_of_many_groups_are_done_in_rounds_of_groups():
    problem = make_problem(8, 4096, channels=(603, 603), groups=603)
    plan = plan_of("depthwise", problem, "correlate")
    assert plan.rounds > 1
    assert plan.shared_bytes <= 8 * 1024 * 1024
    check(plan, problem, "correlate")
    check_bits(plan, problem, "correlate")
