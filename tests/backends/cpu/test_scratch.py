"""Scratch memory is bounded whatever the sizes: what would need more is refused by the engine's plan."""

import numpy as np
import pytest
from engines import MAPS_OF, plan_of
from families import FAMILIES, family
from hypothesis import given, settings
from strategies import vast_problems

from convt_cpu.choice import ENGINES
from convt_cpu.isa import available

pytestmark = pytest.mark.usefixtures("one_machine")

MOST = 30 * 1024 * 1024
SOME = 5  # of 200 problems

CASES = [(engine, data_map) for engine in ENGINES for data_map in MAPS_OF[engine]]
GUARDED = [(engine, data_map) for engine, data_map in CASES if engine in FAMILIES]


def bytes_of(plan):
    return plan.scratch_bytes + plan.shared_bytes


@pytest.mark.parametrize("isa", available())
@pytest.mark.parametrize(("engine", "data_map"), GUARDED)
def test_of_what_an_engine_is_made_for_it_refuses_what_is_too_large(engine, data_map, isa):
    plans = [plan_of(engine, family(engine, np.random.default_rng(seed)), data_map, isa) for seed in range(200)]
    accepted = [plan for plan in plans if plan is not None]
    assert SOME <= len(accepted) <= len(plans) - SOME
    assert max(map(bytes_of, accepted)) < MOST


@pytest.mark.parametrize("isa", available())
@pytest.mark.parametrize(("engine", "data_map"), GUARDED)
def test_it_refuses_them_for_nothing_else(engine, data_map, isa):
    for seed in range(200):
        assert plan_of(engine, family(engine, np.random.default_rng(seed), small=True), data_map, isa) is not None


@pytest.mark.parametrize("isa", available())
@pytest.mark.parametrize(("engine", "data_map"), CASES)
@settings(max_examples=30)
@given(problem=vast_problems())
def test_no_size_of_any_problem_needs_more(engine, data_map, isa, problem):
    plan = plan_of(engine, problem, data_map, isa)
    assert plan is None or bytes_of(plan) < MOST


def test_the_engine_for_everything_refuses_nothing():
    assert set(ENGINES) - set(FAMILIES) == {"im2col"}
