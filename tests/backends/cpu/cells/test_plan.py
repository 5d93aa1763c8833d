"""cells/_plan.pyx: what the engine cannot do is refused, and cells outside are left out."""

import numpy as np
import pytest

from convt.backend import Problem
from convt_cpu._job import Job
from convt_cpu.cells._plan import cells_plan


def test_dilation_and_the_other_maps_are_refused():
    problem = Problem(1, 1, 1, 1, (19,), (3,), (4,), (3,), (0,), (3,), np.dtype("f4"))
    assert cells_plan(Job(problem, "scatter", (0,), "portable")) is None
    problem = Problem(1, 1, 1, 1, (18,), (3,), (4,), (3,), (0,), (1,), np.dtype("f4"))
    assert cells_plan(Job(problem, "scatter", (0,), "portable")) is not None
    assert cells_plan(Job(problem, "gather", (0,), "portable")) is None
    assert cells_plan(Job(problem, "correlate", (0,), "portable")) is None


def test_cells_outside_of_the_fine_array_are_left_out():
    problem = Problem(1, 1, 1, 1, (10,), (6,), (8,), (4,), (9,), (1,), np.dtype("f4"))
    tables = cells_plan(Job(problem, "scatter", (0,), "portable")).tables
    assert (tables.first[2], tables.cells[2]) == (2, 3)  # elements 9 to 18 of the uncropped ones lie in cells 2 to 4


@pytest.mark.parametrize(("channels", "size"), [(1, 2**28), (2**54, 2)])
def test_more_positions_or_lanes_than_memory_has_are_refused(channels, size):
    fine, coarse, step = (2 * size, 2 * size), (size, size), (2, 2)
    problem = Problem(1, 1, channels, 1, fine, coarse, step, step, (0, 0), (1, 1), np.dtype("f4"))
    assert cells_plan(Job(problem, "scatter", (0, 1), "portable")) is None
