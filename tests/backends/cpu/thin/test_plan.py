"""thin/_plan.pyx: what the engine is for, to the last position and weight."""

import numpy as np
import pytest

from convt.backend import Problem
from convt_cpu._job import Job
from convt_cpu.thin._plan import thin_suits


def suits(data_map, positions, fine=512, coarse=512, groups=1):
    channels = groups * fine, groups * coarse
    problem = Problem(1, groups, *channels, (positions,), (positions,), (1,), (1,), (0,), (1,), np.dtype("f4"))
    return thin_suits(Job(problem, data_map, (0,), "portable"))


@pytest.mark.parametrize(("data_map", "most"), [("scatter", 128), ("gather", 1024), ("correlate", 256)])
def test_it_is_for_few_positions_many_weights_and_one_group(data_map, most):
    assert suits(data_map, most)
    assert not suits(data_map, most + 1)
    assert not suits(data_map, most, fine=3, coarse=87381)  # one weight less
    assert not suits(data_map, most, groups=2)
