"""thin/_plan.pyx: buffers are bounded whatever the sizes."""

import pytest
from hypothesis import given, settings
from strategies import vast_problems

from convt_cpu._job import Job
from convt_cpu._kernels import instruction_sets
from convt_cpu.thin._plan import thin_plan


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("data_map", ["scatter", "gather", "correlate"])
@settings(max_examples=30)
@given(problem=vast_problems())
def test_scratch_memory_is_bounded_whatever_the_sizes(data_map, isa, problem):
    plan = thin_plan(Job(problem, data_map, tuple(range(len(problem.stride))), isa))
    if plan is not None:
        assert plan.scratch_bytes + plan.shared_bytes < 30 * 1024 * 1024
