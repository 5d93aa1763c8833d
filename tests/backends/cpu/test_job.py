"""_job.pyx: what every plan starts from."""

import numpy as np
import pytest

from convt.backend import Problem
from convt_cpu._job import Job
from convt_cpu._kernels import instruction_sets
from convt_cpu.choice import ENGINES

SIZES = {"fine", "coarse", "in_size", "out_size", "fine_size"}
PROBLEM = Problem(2, 3, 6, 9, (24, 40), (5, 7), (8, 9), (4, 5), (0, 0), (1, 1), np.dtype("f8"))


@pytest.mark.parametrize("name", ["direct", "cells", "thin", "windows", "correlate"])
@pytest.mark.parametrize("isa", instruction_sets())
def test_plans_have_the_axes_in_the_order_in_which_they_are_walked(name, isa):
    reached = 0
    for data_map in ("scatter", "gather", "correlate"):
        plans = [ENGINES[name].plan(Job(PROBLEM, data_map, order, isa)) for order in ((0, 1), (1, 0))]
        if None not in plans:
            one, other = (vars(plan.tables) for plan in plans)
            axes = [key for key in one if key in SIZES and np.ndim(one[key])]
            assert axes
            assert all(one[key][1:] == other[key][:0:-1] and one[key][0] == other[key][0] == 1 for key in axes)
            reached += 1
    assert reached


def test_the_instruction_set_must_be_one_of_this_build():
    with pytest.raises(LookupError, match=r"instruction set must be one of .*, got 'avx9'"):
        Job(PROBLEM, "scatter", (0, 1), "avx9")
