"""correlate/_plan.pyx: strips and blocks cover everything, what does not fit is refused."""

import numpy as np
import pytest
from hypothesis import given
from strategies import vast_problems

from convt.backend import Problem
from convt_cpu._job import Job
from convt_cpu._kernels import instruction_sets
from convt_cpu.correlate._plan import correlate_plan


def plan_of(problem, isa="portable"):
    return correlate_plan(Job(problem, "correlate", tuple(range(len(problem.stride))), isa))


@given(problem=vast_problems())
def test_strips_cover_all_images_and_positions(problem):
    plan = plan_of(problem)
    if plan is not None:
        sizes = (problem.batch, *(1,) * (3 - len(problem.stride)), *problem.coarse_shape)
        for size, count, strips in zip(sizes, plan.tables.count, plan.tables.strips, strict=True):
            assert count * (strips - 1) < size <= count * strips


@pytest.mark.parametrize("data_map", ["scatter", "gather"])
def test_other_maps_are_refused(data_map):
    problem = Problem(1, 1, 4, 4, (8,), (4,), (2,), (2,), (0,), (1,), np.dtype("f4"))
    assert correlate_plan(Job(problem, data_map, (0,), "portable")) is None


@pytest.mark.parametrize("isa", instruction_sets())
def test_few_positions_with_many_channels_are_cut_into_many_tasks(isa):
    problem = Problem(1, 1, 512, 512, (2, 2), (1, 1), (4, 4), (2, 2), (1, 1), (1, 1), np.dtype("f4"))
    assert plan_of(problem, isa).tasks >= 16


def test_cycles_grow_with_the_work():
    def cycles(batch, size):
        problem = Problem(batch, 1, 64, 64, (2 * size,) * 2, (size,) * 2, (4, 4), (2, 2), (1, 1), (1, 1), np.dtype("f4"))
        return plan_of(problem).cycles

    assert cycles(1, 16) < cycles(2, 16) < cycles(2, 32)


def test_a_filter_beyond_all_buffers_is_refused():
    vast = 2**40  # a strip would have 2**80 elements, more than 64 bits count
    problem = Problem(1, 1, 1, 1, (1, 1), (1, 1), (2, 2), (1, 1), (vast, vast), (vast, vast), np.dtype("f4"))
    assert plan_of(problem) is None
