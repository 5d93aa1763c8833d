"""choice.py: the cheaper engine, or the one that was asked for."""

import numpy as np
import pytest

import convt
from convt.backend import Problem
from convt_cpu._job import Job
from convt_cpu.choice import ENGINES, choose, forced_engine
from convt_cpu.isa import available

SINGLE = np.dtype("f4")
ORDINARY = Problem(8, 1, 64, 64, (56, 56), (56, 56), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE)


def engine_of(problem, data_map="scatter"):
    name, _plan = choose(Job(problem, data_map, (0, 1), available()[0]), forced_engine())
    return name


def test_ordinary_layers_are_not_left_to_the_fallback():
    assert engine_of(ORDINARY, "scatter") != "im2col"
    assert engine_of(ORDINARY, "gather") != "im2col"
    assert engine_of(ORDINARY, "correlate") != "im2col"


@pytest.mark.parametrize("size", [1, 4])
def test_filter_gradients_of_few_positions_are_not_left_to_the_fallback(size):
    few = Problem(1, 1, 512, 512, (2 * size,) * 2, (size,) * 2, (4, 4), (2, 2), (1, 1), (1, 1), SINGLE)
    assert engine_of(few, "correlate") != "im2col"


def test_groups_of_one_channel_have_an_engine_of_their_own():
    layer = Problem(4, 64, 64, 64, (128, 128), (64, 64), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE)
    assert {engine_of(layer, data_map) for data_map in ("scatter", "gather", "correlate")} == {"depthwise"}


@pytest.mark.parametrize("data_map", ["scatter", "gather", "correlate"])
def test_a_tiny_problem_is_planned_by_engines_for_everything_alone(data_map):
    tiny = Problem(1, 1, 3, 3, (9, 9), (4, 4), (3, 3), (2, 2), (0, 0), (1, 1), SINGLE)
    job = Job(tiny, data_map, (0, 1), available()[0])
    suitable = {name for name, engine in ENGINES.items() if engine.suits(job)}
    assert suitable == {"direct", "correlate"}
    assert engine_of(tiny, data_map) == ("correlate" if data_map == "correlate" else "direct")


@pytest.mark.parametrize("data_map", ["scatter", "gather", "correlate"])
def test_the_cheapest_of_the_engines_that_suit_is_taken(data_map):
    job = Job(ORDINARY, data_map, (0, 1), available()[0])
    plans = {name: engine.plan(job) for name, engine in ENGINES.items() if engine.suits(job)}
    cycles = {name: plan.cycles for name, plan in plans.items() if plan is not None}
    assert len(cycles) > 1
    name, plan = choose(job, None)
    assert (name, plan.cycles) == min(cycles.items(), key=lambda item: item[1])


@pytest.mark.parametrize("data_map", ["scatter", "gather"])
def test_what_no_engine_can_do_is_left_to_the_fallback(data_map):
    beyond = Problem(1, 1, 1, 1, (5000,), (10,), (5000,), (1,), (0,), (2,), SINGLE)
    job = Job(beyond, data_map, (0,), available()[0])
    assert all(engine.plan(job) is None for engine in ENGINES.values() if engine.suits(job))
    assert choose(job, None)[0] == "im2col"


@pytest.mark.parametrize("data_map", ["scatter", "gather", "correlate"])
def test_work_beyond_64_bits_has_a_plan(data_map):
    vast = Problem(2**20, 1, 2**10, 2**20, (2**10, 1), (2**10, 1), (2**20, 1), (1, 1), (0, 0), (1, 1), SINGLE)
    _name, plan = choose(Job(vast, data_map, (0, 1), available()[0]), None)
    assert plan.multiply_adds >= 2**80


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_can_be_forced(monkeypatch, name):
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", name)
    for data_map in ("scatter", "gather", "correlate"):
        able = ENGINES[name].plan(Job(ORDINARY, data_map, (0, 1), available()[0])) is not None
        assert engine_of(ORDINARY, data_map) == (name if able else "im2col")


def test_all_engines_agree(monkeypatch):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 9, 30, 31)), rng.standard_normal((9, 5, 4, 3))
    results = []
    for name in ENGINES:
        monkeypatch.setenv("CONVT_CPU_ALGORITHM", name)
        results.append(convt.conv_transpose(x, w, stride=2, padding=1, backend="cpu"))
    for result in results:
        np.testing.assert_allclose(result, results[0], rtol=0, atol=1e-12)


def test_weights_that_are_not_finite_change_only_what_they_reach():
    x, w = np.ones((1, 1, 6, 6), "f4"), np.ones((1, 1, 3, 3), "f4")
    w[0, 0, 0, 0] = np.inf
    y = convt.conv_transpose(x, w, backend="cpu")
    assert np.isinf(y[0, 0, :6, :6]).all()
    assert np.isfinite(y[0, 0, 6:]).all()
    assert np.isfinite(y[0, 0, :, 6:]).all()


@pytest.mark.parametrize("isa", available())
@pytest.mark.parametrize("data_map", ["scatter", "gather", "correlate"])
@pytest.mark.parametrize("taps", [3, 400])
def test_one_more_group_costs_what_its_work_costs(isa, data_map, taps):
    cycles, names, regions = [], [], []
    for groups in (5_200, 5_300, 1_000_000):
        problem = Problem(1, groups, groups, groups, (63 + taps,), (64,), (taps,), (1,), (0,), (1,), np.dtype("f4"))
        name, plan = choose(Job(problem, data_map, (0,), isa), None)
        names.append(name)
        cycles.append(plan.cycles / groups)
        regions.append(sum(stage.rounds for stage in plan.stages) / groups)
    assert len(set(names)) == 1
    assert max(cycles) < 1.2 * min(cycles)
    assert max(regions) < 0.01  # none for each group


def test_an_unknown_engine_is_an_error(monkeypatch):
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", "fft")
    with pytest.raises(ValueError, match=r"CONVT_CPU_ALGORITHM must be one of direct, .*im2col.*, got 'fft'"):
        convt.conv_transpose(np.ones((1, 1, 2)), np.ones((1, 1, 2)), backend="cpu")
