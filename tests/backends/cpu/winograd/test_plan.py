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


@pytest.mark.parametrize("data_map", ["scatter", "gather"])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation", "less"),
    [(4, 2, padding, 1, 0) for padding in range(4)]
    + [(4, 2, padding, 1, 1) for padding in range(3)]
    + [(6, 2, padding, 1, 0) for padding in range(6)]
    + [(6, 2, padding, 1, 1) for padding in range(5)]
    + [(3, 1, padding, 1, 0) for padding in range(3)]
    + [(3, 1, padding, 3, 0) for padding in range(4)]
    + [(2, 1, 0, 1, 0), (2, 1, 1, 1, 0), (2, 1, 0, 1, 1)],
)
def test_the_bands_of_an_axis_tell_what_its_places_reach(data_map, kernel, stride, padding, dilation, less):
    fine = 14 * stride - 2 * padding + (kernel - 1) * dilation + 1 - less
    shape, options = (fine, fine), ((each, each) for each in (kernel, stride, padding, dilation))
    plan = winograd_plan(Job(Problem(2, 1, 16, 16, shape, (15, 15), *options, np.dtype("f4")), data_map, (0, 1), "portable"))
    table, bands = plan.tables, plan.tables.band[0][: plan.tables.bands[0]]
    assert table.band[1][: table.bands[1]] == bands
    assert [band["low"] for band in bands] == [0, *(band["high"] for band in bands[:-1])]
    assert bands[-1]["high"] == table.places[0]
    assert (table.low[0], table.high[0]) in [(band["low"], band["high"]) for band in bands]
    for band in bands:
        for place in range(band["low"], band["high"]):
            out = table.out_first[0] + table.out_stride[0] * place
            phases = [phase for phase in range(table.out_stride[0]) if 0 <= out + phase < table.out_size[0]]
            starts = [table.in_first[0] + table.in_stride[0] * (place + dilation * each) for each in range(table.taps[0])]
            met = [
                each
                for each, at in enumerate(starts)
                if set(range(at, at + table.in_stride[0])) & set(range(table.in_size[0]))
            ]
            if band["low"] == table.low[0]:
                met, phases = range(table.taps[0]), range(table.out_stride[0])
            assert (band["elements"], band["phases"]) == (sum(1 << each for each in met), sum(1 << each for each in phases))
            assert met
            assert phases


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
