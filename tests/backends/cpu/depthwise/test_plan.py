"""depthwise/_plan.pyx: boxes cover the output, groups of many channels are refused."""

import numpy as np
import pytest
from hypothesis import given
from strategies import vast_problems

from convt.backend import Problem
from convt.testing import make_problem
from convt_cpu._job import Job
from convt_cpu.depthwise._plan import depthwise_plan


@given(problem=vast_problems())
def test_boxes_cover_all_positions(problem):
    plan = depthwise_plan(Job(problem, "gather", tuple(range(len(problem.stride))), "portable"))
    if plan is not None:
        sizes = (*(1,) * (3 - len(problem.stride)), *problem.coarse_shape)
        for size, count, boxes in zip(sizes, plan.tables.count, plan.tables.boxes, strict=True):
            assert count * (boxes - 1) < size <= count * boxes


@pytest.mark.parametrize("data_map", ["scatter", "gather", "correlate"])
def test_few_channels_and_images_still_give_several_tasks(data_map):
    problem = make_problem((256, 256), 3, crop=(1, 1), channels=(1, 1), dtype="f4")
    assert depthwise_plan(Job(problem, data_map, (0, 1), "portable")).tasks >= 8


@pytest.mark.parametrize("data_map", ["scatter", "gather", "correlate"])
def test_groups_of_many_channels_are_refused(data_map):
    problem = Problem(1, 1, 16, 16, (9, 9), (9, 9), (3, 3), (1, 1), (1, 1), (1, 1), np.dtype("f4"))
    assert depthwise_plan(Job(problem, data_map, (0, 1), "portable")) is None


@pytest.mark.parametrize("data_map", ["scatter", "gather", "correlate"])
def test_a_halo_beyond_all_buffers_is_refused(data_map):
    vast = 2**40  # a box would have 2**80 elements, more than 64 bits count
    problem = Problem(1, 1, 1, 1, (1, 1), (1, 1), (2, 2), (1, 1), (vast, vast), (vast, vast), np.dtype("f4"))
    assert depthwise_plan(Job(problem, data_map, (0, 1), "portable")) is None
