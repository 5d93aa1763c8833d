"""im2col/_plan.pyx: tiles fit the caches, tasks cover the work, and neither knows the number of threads."""

from math import prod

import numpy as np
import pytest
from hypothesis import given
from strategies import vast_problems

from convt.backend import Problem
from convt_cpu._job import Job
from convt_cpu.im2col import im2col_plan

MAPS = ["scatter", "gather", "correlate"]
COLUMNS = 256 * 1024
OPERAND = 512 * 1024


def plan_of(problem, data_map):
    return im2col_plan(Job(problem, data_map, tuple(range(len(problem.stride))), "portable"))


@pytest.mark.parametrize("data_map", MAPS)
@given(problem=vast_problems())
def test_a_tiles_columns_stay_in_the_cache(data_map, problem):
    made = plan_of(problem, data_map).tables
    size = problem.dtype.itemsize
    assert min(made.rows, made.pixels, made.channels, made.tasks) >= 1
    assert made.rows * made.pixels * size <= COLUMNS
    assert made.channels * made.pixels * size <= OPERAND
    assert made.channels * made.rows * size <= OPERAND


@given(problem=vast_problems())
def test_scatter_parts_do_not_outnumber_what_they_cut(problem):
    made = plan_of(problem, "scatter").tables
    axis = made.part_axis - 3 + len(problem.stride)
    assert 1 <= made.parts <= problem.fine_shape[axis]
    assert made.parts <= problem.coarse_shape[axis]


@pytest.mark.parametrize(
    ("coarse", "axis"), [((40,), 2), ((40, 40), 1), ((1, 40), 2), ((40, 40, 40), 0), ((1, 40, 40), 1), ((40, 1, 1), 0)]
)
def test_scatter_cuts_the_first_axis_of_several_elements(coarse, axis):
    kernel, ones = (3,) * len(coarse), (1,) * len(coarse)
    made = plan_of(Problem(1, 1, 8, 8, coarse, coarse, kernel, ones, ones, ones, np.dtype("f4")), "scatter").tables
    assert made.part_axis == axis
    assert made.parts > 1


def test_a_dilation_beyond_all_arrays_leaves_scatter_whole():
    problem = Problem(1, 1, 1, 1, (64,), (64,), (2,), (1,), (2**59,), (2**61,), np.dtype("f4"))
    assert plan_of(problem, "scatter").tables.parts == 1


def test_a_small_batch_of_small_images_shares_a_tile():
    problem = Problem(16, 1, 512, 1024, (8, 8), (4, 4), (4, 4), (2, 2), (1, 1), (1, 1), np.dtype("f4"))
    assert plan_of(problem, "scatter").tables.images == 16


def test_multiply_adds_counts_every_tap_of_every_position():
    problem = Problem(2, 3, 6, 9, (8, 8), (4, 5), (3, 2), (2, 2), (0, 0), (1, 1), np.dtype("f4"))
    assert plan_of(problem, "gather").multiply_adds == 2 * 9 * (6 // 3) * prod((4, 5)) * prod((3, 2))


def test_multiply_adds_may_be_more_than_64_bits_hold():
    problem = Problem(2**20, 1, 2**10, 2**20, (2**10,), (2**10,), (2**20,), (1,), (0,), (1,), np.dtype("f4"))
    assert plan_of(problem, "gather").multiply_adds == 2**80
