"""winograd_correlate/_plan.pyx: tiles cover the coarse array, what does not fit is refused."""

from dataclasses import replace

import numpy as np
import pytest

from convt.backend import Problem
from convt_cpu._job import Job
from convt_cpu._kernels import instruction_sets, vector_length
from convt_cpu.winograd_correlate._plan import winograd_correlate_plan

ORDINARY = Problem(2, 1, 16, 16, (19, 19), (19, 19), (3, 3), (1, 1), (1, 1), (1, 1), np.dtype("f4"))


def plan_of(problem, isa="portable"):
    return winograd_correlate_plan(Job(problem, "correlate", tuple(range(len(problem.stride))), isa))


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("fine_channels", [16, 48, 64, 300, 1024])
@pytest.mark.parametrize("coarse_channels", [16, 100, 1000])
@pytest.mark.parametrize("size", [7, 32, 500])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_blocks_and_panels_hold_all_channels(isa, fine_channels, coarse_channels, size, stride, dtype):
    shapes = (size * stride, size * stride), (size, size), (stride + 2,) * 2
    problem = Problem(3, 1, fine_channels, coarse_channels, *shapes, (stride,) * 2, (1, 1), (1, 1), np.dtype(dtype))
    plan = plan_of(problem, isa)
    if plan is None:
        return
    table, lanes = plan.tables, vector_length(isa, np.dtype(dtype).itemsize)
    for side, blocks in ((table.fine, table.fine_blocks), (table.coarse, table.coarse_blocks)):
        assert (blocks - 1) * side["block"] < side["channels"] <= blocks * side["block"]
        assert side["width"] % lanes == 0
        assert side["panel"] <= side["width"]
        panels = -(-side["block"] // side["panel"])
        assert panels * side["width"] == side["pitch"]
    assert table.rows == table.coarse["panel"] <= lanes
    assert 0 < table.unit_tiles == table.unit[0] * table.unit[1] <= 64
    assert plan.scratch_bytes + plan.shared_bytes < 30 * 1024 * 1024


def summed(table, axis):
    """The coarse elements of each tile of each lattice, the way ``plan.h`` has it: (elements, whether it is of the edge)."""
    d, m = table.dilation[axis], table.points[axis]
    before, inner, behind = table.before[axis], table.inner[axis], table.behind[axis]
    for tile in range(table.units[axis] * (table.unit[axis - 1] if axis else 1)):
        t, lattice = divmod(tile, d)
        at = t - before
        if at < 0 or at >= inner:
            yield [d * (t if at < 0 else behind + at - inner) + lattice], m > 1
        else:
            yield [d * k + lattice for k in range(before + m * at, min(before + m * at, behind - m) + m)], False


@pytest.mark.parametrize("kernel", [(3, 3), (4, 2), (1, 3), (6, 3)])
@pytest.mark.parametrize("dilation", [(1, 1), (1, 2)])
@pytest.mark.parametrize("padding", [(0, 0), (1, 1), (3, 2)])
def test_each_coarse_element_is_summed_once_and_those_inside_meet_the_array(kernel, dilation, padding):
    stride = tuple(2 if size in (4, 6) else 1 for size in kernel)
    problem = replace(
        ORDINARY,
        kernel_shape=kernel,
        stride=stride,
        dilation=dilation,
        padding=padding,
        fine_shape=(50, 41),
        coarse_shape=(23, 40),
    )
    table = plan_of(problem).tables
    for axis in (1, 2):
        size = problem.coarse_shape[axis - 1]
        tiles = list(summed(table, axis))
        elements = [element for each, _edge in tiles for element in each if element < size]
        assert sorted(elements) == list(range(size))
        for each, edge in tiles:
            if not edge and table.taps[axis] > 1:
                first = np.array(each) * table.fine["stride"][axis] + table.fine["first"][axis]
                assert first.min() >= 0
                assert first.max() + (kernel[axis - 1] - 1) * table.dilation[axis] < table.fine["size"][axis]
        assert table.fine["elements"][axis] == table.points[axis] + table.taps[axis] - 1


@pytest.mark.parametrize(
    "change",
    [
        {"kernel_shape": (5, 3)},
        {"kernel_shape": (1, 1)},
        {"dilation": (10, 1), "padding": (1, 1)},
        {"dilation": (3, 1), "padding": (3, 1)},  # tiles that reach far
        {"padding": (19, 1)},
        {"stride": (2, 1), "dilation": (2, 1), "fine_shape": (39, 19)},
        {"stride": (9, 9), "kernel_shape": (18, 18)},
        {"stride": (5, 5), "kernel_shape": (10, 10), "fine_shape": (95, 95)},
        {"fine_channels": 15},
        {"coarse_channels": 15},
        {"batch": 1, "fine_shape": (5, 5), "coarse_shape": (5, 5)},
        {"fine_shape": (5, 19), "coarse_shape": (5, 19)},  # no room inside
        {"batch": 0},
    ],
)
def test_what_the_transforms_do_not_fit_is_refused(change):
    assert plan_of(ORDINARY) is not None
    assert winograd_correlate_plan(Job(ORDINARY, "gather", (0, 1), "portable")) is None
    assert plan_of(replace(ORDINARY, **change)) is None


def test_three_axes_with_more_taps_than_one_are_refused():
    problem = Problem(1, 1, 16, 16, (9, 9, 9), (9, 9, 9), (3, 3, 1), (1, 1, 1), (1, 1, 0), (1, 1, 1), np.dtype("f4"))
    assert plan_of(problem) is not None
    assert plan_of(replace(problem, kernel_shape=(3, 3, 3), padding=(1, 1, 1))) is None
