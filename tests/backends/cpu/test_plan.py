"""_plan.pyx: what all plans tell, and that many groups are done in few rounds."""

import math

import numpy as np
import pytest
from engines import BEST, MAPS, SINGLE, TOLERANCE, computed, definition, operands, plan_of

from convt.backend import Problem
from convt_cpu._job import Job
from convt_cpu._plan import Plan
from convt_cpu.choice import ENGINES, choose

pytestmark = pytest.mark.usefixtures("one_machine")

FEW = 50  # rounds; each ends with all threads waiting for the last

ORDINARY = Problem(2, 1, 18, 20, (20, 22), (10, 11), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE)
WAVES = Problem(1, 1, 1300, 1000, (51, 52), (51, 52), (1, 1), (1, 1), (0, 0), (1, 1), SINGLE)


@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize("problem", [ORDINARY, WAVES], ids=["ordinary", "many weights"])
@pytest.mark.parametrize("engine", ENGINES)
def test_stages_add_up_to_the_plan(engine, problem, data_map):
    plan = plan_of(engine, problem, data_map)
    if plan is None:
        return
    assert isinstance(plan, Plan)
    assert 1 <= len(plan.stages) <= 3
    assert all(stage.name.startswith(f"{engine}_") for stage in plan.stages)
    assert all(stage.tasks >= 1 and stage.rounds in (1, plan.rounds) for stage in plan.stages)
    assert all(0 <= stage.cycles < math.inf for stage in plan.stages)
    assert plan.cycles == pytest.approx(sum(stage.cycles for stage in plan.stages))
    assert plan.cycles > 0
    assert plan.tasks == max(stage.tasks for stage in plan.stages)
    assert plan.multiply_adds > 0


@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize("engine", ENGINES)
def test_equal_jobs_have_equal_plans(engine, data_map):
    one, other = (plan_of(engine, ORDINARY, data_map) for _ in range(2))
    assert (one is None) == (other is None)
    if one is not None:
        assert one.stages == other.stages
        assert vars(one.tables) == vars(other.tables)


# Groups of one channel with 400 taps each have more weights than the caches hold, and hardly any work per group.
MANY = {
    "one position": Problem(1, 5300, 5300, 5300, (20, 20), (1, 1), (20, 20), (1, 1), (0, 0), (1, 1), SINGLE),
    "one axis": Problem(2, 5300, 5300, 5300, (413,), (2,), (400,), (13,), (0,), (1,), SINGLE),
    "some positions": Problem(1, 5300, 5300, 5300, (6, 6), (3, 3), (20, 20), (2, 2), (9, 9), (1, 1), SINGLE),
    "16 channels": Problem(1, 1000, 16000, 16000, (10, 10), (10, 10), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE),
}


def by_position(problem, data_map, arrays):
    """The definition for groups of one channel: all groups at once, one coarse position after the other; no bias."""
    fine, coarse, kernel, _bias = arrays.exact()
    kernel = np.nan_to_num(kernel[:, 0]) if data_map != "correlate" else np.zeros_like(kernel[:, 0])
    before = (np.array(problem.coarse_shape) - 1) * problem.stride + problem.kernel_shape
    room = np.zeros((*fine.shape[:2], *before + problem.padding + problem.fine_shape))
    inside = (..., *(slice(pad, pad + size) for pad, size in zip(problem.padding, problem.fine_shape, strict=True)))
    if data_map != "scatter":
        room[inside] = fine
    for position in np.ndindex(problem.coarse_shape):
        starts = zip(position, problem.stride, problem.kernel_shape, strict=True)
        window = room[(..., *(slice(q * step, q * step + size) for q, step, size in starts))]
        at = (slice(None), slice(None), *position)
        weight = coarse[at].reshape(*coarse.shape[:2], *(1,) * len(position))
        if data_map == "scatter":
            window += weight * kernel
        elif data_map == "gather":
            coarse[at] = (window * kernel).reshape(*coarse.shape[:2], -1).sum(-1)
        else:
            kernel += (window * weight).sum(0)
    return {"scatter": room[inside], "gather": coarse, "correlate": kernel[:, np.newaxis]}[data_map]


@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize("name", MANY)
def test_many_groups_are_done_in_few_rounds_and_right(name, data_map):
    problem = MANY[name]
    _engine, plan = choose(Job(problem, data_map, tuple(range(len(problem.stride))), BEST), None)
    assert plan.rounds < FEW
    assert plan.tasks >= 64
    if problem.groups == problem.fine_channels:
        arrays = operands(problem, data_map)._replace(bias=None)
        right = by_position(problem, data_map, arrays)
        np.testing.assert_allclose(computed(plan, data_map, arrays), right, rtol=0, atol=TOLERANCE[4] * abs(right).max())


@pytest.mark.parametrize("data_map", MAPS)
def test_the_definition_for_many_groups_is_the_definition(data_map):
    problem = Problem(2, 5, 5, 5, (6, 7), (3, 3), (4, 5), (2, 2), (1, 2), (1, 1), SINGLE)
    arrays = operands(problem, data_map)._replace(bias=None)
    np.testing.assert_allclose(by_position(problem, data_map, arrays), definition(problem, data_map, arrays), atol=1e-12)


@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize("problem", MANY.values(), ids=MANY)
@pytest.mark.parametrize("engine", ENGINES)
def test_no_engine_makes_a_round_of_each_of_many_groups(engine, problem, data_map):
    plan = plan_of(engine, problem, data_map)
    assert plan is None or plan.rounds < FEW


@pytest.mark.parametrize("groups", [63, 64, 65, 1023, 1024, 1025])
@pytest.mark.parametrize("data_map", MAPS)
def test_one_more_group_costs_what_a_group_costs(data_map, groups):
    def cycles(count):
        problem = Problem(2, count, 8 * count, 8 * count, (9, 9), (9, 9), (3, 3), (1, 1), (1, 1), (1, 1), np.dtype("f4"))
        return choose(Job(problem, data_map, (0, 1), BEST), None)[1].cycles

    assert cycles(groups) / groups == pytest.approx(cycles(groups - 1) / (groups - 1), rel=0.05)
