"""plan.py: tiles fit the caches, tasks cover the work, and neither knows the number of threads."""

from math import prod

import numpy as np
import pytest
from hypothesis import given
from strategies import vast_problems

from convt.problem import Problem
from convt_cpu.im2col.plan import correlate_plan, gather_plan, scatter_plan

PLANS = [scatter_plan, gather_plan, correlate_plan]
COLUMNS = 256 * 1024
OPERAND = 512 * 1024


@pytest.mark.parametrize("plan", PLANS)
@given(problem=vast_problems())
def test_a_tiles_columns_stay_in_the_cache(plan, problem):
    tiling = plan(problem, tuple(range(len(problem.stride)))).tiling
    size = problem.dtype.itemsize
    assert min(tiling[:4]) >= 1
    assert tiling.rows * tiling.pixels * size <= COLUMNS
    assert tiling.channels * tiling.pixels * size <= OPERAND
    assert tiling.channels * tiling.rows * size <= OPERAND


@pytest.mark.parametrize("plan", PLANS)
@given(problem=vast_problems())
def test_scratch_memory_is_bounded_whatever_the_sizes(plan, problem):
    made = plan(problem, tuple(range(len(problem.stride))))
    assert made.scratch_bytes + made.shared_bytes < 32 * 1024 * 1024


@given(problem=vast_problems())
def test_scatter_parts_do_not_outnumber_what_they_cut(problem):
    order = tuple(range(len(problem.stride)))
    tiling = scatter_plan(problem, order).tiling
    axis = order[tiling.part_axis]
    assert 1 <= tiling.parts <= problem.fine_shape[axis]
    assert tiling.parts <= problem.coarse_shape[axis]


def test_a_small_batch_of_small_images_shares_a_tile():
    problem = Problem(16, 1, 512, 1024, (8, 8), (4, 4), (4, 4), (2, 2), (1, 1), (1, 1), np.dtype("f4"))
    assert scatter_plan(problem, (0, 1)).tiling.images == 16


def test_multiply_adds_counts_every_tap_of_every_position():
    problem = Problem(2, 3, 6, 9, (8, 8), (4, 5), (3, 2), (2, 2), (0, 0), (1, 1), np.dtype("f4"))
    assert gather_plan(problem, (0, 1)).multiply_adds == 2 * 9 * (6 // 3) * prod((4, 5)) * prod((3, 2))
