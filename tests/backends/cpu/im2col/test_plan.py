"""plan.py: tiles fit the caches, tasks cover the work, and neither knows the number of threads."""

from math import prod

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from convt.problem import Problem
from convt_cpu.im2col.plan import correlate_plan, gather_plan, multiply_adds, scatter_plan

PLANS = [scatter_plan, gather_plan, correlate_plan]
COLUMNS = 256 * 1024
OPERAND = 512 * 1024


@st.composite
def problems(draw):
    """Problems of all sizes, also far beyond memory: planning sees no data."""
    axes = draw(st.integers(1, 3))
    sizes = st.sampled_from([1, 2, 3, 7, 64, 1000, 2**20])
    groups = draw(st.sampled_from([1, 2, 64]))

    def per_axis(values):
        return tuple(draw(values) for _ in range(axes))

    problem = Problem(
        batch=draw(sizes),
        groups=groups,
        fine_channels=groups * draw(sizes),
        coarse_channels=groups * draw(sizes),
        fine_shape=per_axis(sizes),
        coarse_shape=per_axis(sizes),
        kernel_shape=per_axis(st.sampled_from([1, 2, 3, 16, 1024])),
        stride=per_axis(st.integers(1, 40)),
        padding=per_axis(st.integers(-9, 9)),
        dilation=per_axis(st.integers(1, 5)),
        dtype=np.dtype(draw(st.sampled_from(["f4", "f8"]))),
    )
    arrays = (problem.fine_array_shape, problem.coarse_array_shape, problem.kernel_array_shape)
    assume(max(prod(shape) for shape in arrays) * problem.dtype.itemsize < 2**63)
    return problem


@pytest.mark.parametrize("plan", PLANS)
@given(problem=problems())
def test_a_tiles_columns_stay_in_the_cache(plan, problem):
    tiling = plan(problem, tuple(range(len(problem.stride)))).tiling
    size = problem.dtype.itemsize
    assert min(tiling[:4]) >= 1
    assert tiling.rows * tiling.pixels * size <= COLUMNS
    assert tiling.channels * tiling.pixels * size <= OPERAND
    assert tiling.channels * tiling.rows * size <= OPERAND


@pytest.mark.parametrize("plan", PLANS)
@given(problem=problems())
def test_scratch_memory_is_bounded_whatever_the_sizes(plan, problem):
    made = plan(problem, tuple(range(len(problem.stride))))
    assert made.scratch_bytes + made.shared_bytes < 32 * 1024 * 1024


@given(problem=problems())
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
    assert multiply_adds(problem) == 2 * 9 * (6 // 3) * prod((4, 5)) * prod((3, 2))
