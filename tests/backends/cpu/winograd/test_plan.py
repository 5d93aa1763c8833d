"""winograd/_plan.pyx: tiles cover the output, what the transforms do not fit is refused."""

from dataclasses import replace

import numpy as np
import pytest

from convt.backend import Problem
from convt_cpu._job import Job
from convt_cpu._kernels import instruction_sets
from convt_cpu.winograd._plan import winograd_plan

ORDINARY = Problem(2, 1, 16, 16, (9, 9), (9, 9), (3, 3), (1, 1), (1, 1), (1, 1), np.dtype("f4"))


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("data_map", ["scatter", "gather"])
@pytest.mark.parametrize("channels", [1, 3, 64, 300, 1024])
@pytest.mark.parametrize("size", [1, 7, 32, 500])
@pytest.mark.parametrize("stride", [1, 2])
def test_the_arrays_of_a_block_have_room(isa, data_map, channels, size, stride):
    shape = (size, size), (size // stride or 1,) * 2
    problem = Problem(3, 1, channels, channels, *shape, (stride + 2,) * 2, (stride,) * 2, (1, 1), (1, 1), np.dtype("f8"))
    plan = winograd_plan(Job(problem, data_map, (0, 1), isa))
    if plan is not None:
        assert 0 < plan.tables.block_tiles <= 96
        assert plan.tables.pitch >= plan.tables.block_tiles
        assert plan.scratch_bytes + plan.shared_bytes < 30 * 1024 * 1024


@pytest.mark.parametrize("data_map", ["scatter", "gather"])
@pytest.mark.parametrize("padding", [0, 1, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_the_places_inside_are_those_all_of_whose_taps_meet_the_array(data_map, padding, dilation):
    fine = 23 - padding, 19 - 2 + 3 * dilation - dilation
    problem = Problem(1, 1, 16, 16, fine, (11, 19), (4, 3), (2, 1), (padding, 1), (1, dilation), np.dtype("f4"))
    table = winograd_plan(Job(problem, data_map, (0, 1), "portable")).tables
    for axis in range(2):
        met = np.zeros((table.places[axis], table.taps[axis]), bool)
        for place, element in np.ndindex(met.shape):
            first = table.in_first[axis] + table.in_stride[axis] * (place + table.lattices[axis] * element)
            met[place, element] = first >= 0 and first + table.in_stride[axis] <= table.in_size[axis]
        inside = np.flatnonzero(met.all(axis=1))
        assert (table.low[axis], table.high[axis]) == (inside[0], inside[-1] + 1)
        assert len(inside) == table.high[axis] - table.low[axis]
        assert table.lattices[axis] * 2 * table.tiles[axis] >= len(inside)
        assert table.out_first[axis] <= 0
        end = table.out_first[axis] + table.out_stride[axis] * table.places[axis]
        assert end - table.out_stride[axis] < table.out_size[axis] <= end


@pytest.mark.parametrize(
    "change",
    [
        {"kernel_shape": (5, 3)},
        {"kernel_shape": (4, 3)},
        {"kernel_shape": (1, 3)},
        {"kernel_shape": (3, 3), "stride": (2, 1), "fine_shape": (18, 9)},  # a phase with one tap less
        {"fine_shape": (3, 9), "coarse_shape": (3, 9)},  # one place inside
        {"dilation": (10, 1), "padding": (10, 1)},
        {"stride": (2, 1), "dilation": (2, 1), "fine_shape": (19, 9)},
        {"stride": (3, 3), "kernel_shape": (6, 6)},
        {"padding": (-1, 1)},
        {"fine_shape": (12, 9)},
        {"fine_channels": 15},
    ],
)
def test_what_the_transforms_do_not_fit_is_refused(change):
    assert winograd_plan(Job(ORDINARY, "gather", (0, 1), "portable")) is not None
    assert winograd_plan(Job(ORDINARY, "correlate", (0, 1), "portable")) is None
    assert winograd_plan(Job(replace(ORDINARY, **change), "gather", (0, 1), "portable")) is None


def test_other_numbers_of_axes_are_refused():
    problem = Problem(1, 1, 8, 8, (9,), (9,), (3,), (1,), (1,), (1,), np.dtype("f4"))
    assert winograd_plan(Job(problem, "gather", (0,), "portable")) is None
