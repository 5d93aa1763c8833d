"""direct/_plan.pyx: strips cover the output, what does not fit is refused."""

import numpy as np
import pytest
from hypothesis import given
from strategies import vast_problems

from convt.backend import Problem
from convt_cpu._job import Job
from convt_cpu._kernels import instruction_sets
from convt_cpu.direct._plan import direct_plan


@given(problem=vast_problems())
def test_strips_cover_all_images_and_positions(problem):
    plan = direct_plan(Job(problem, "gather", tuple(range(len(problem.stride))), "portable"))
    if plan is not None:
        sizes = (problem.batch, *(1,) * (3 - len(problem.stride)), *problem.coarse_shape)
        for size, count, strips in zip(sizes, plan.tables.count, plan.tables.strips, strict=True):
            assert count * (strips - 1) < size <= count * strips


def test_a_filter_of_many_taps_is_refused():
    problem = Problem(1, 1, 1, 1, (5000,), (10,), (5000,), (1,), (0,), (1,), np.dtype("f4"))
    assert direct_plan(Job(problem, "scatter", (0,), "portable")) is None


def test_the_work_counts_the_positions_of_halos():
    problem = Problem(1, 1, 1, 1, (16, 16), (16, 16), (3, 3), (1, 1), (1, 1), (1, 1), np.dtype("f4"))
    plan = direct_plan(Job(problem, "gather", (0, 1), "portable"))
    assert 16 * 16 * 9 < plan.multiply_adds <= 18 * 18 * 9


@pytest.mark.parametrize("data_map", ["scatter", "gather"])
def test_a_halo_beyond_all_buffers_is_refused(data_map):
    vast = 2**40  # a strip would have 2**80 elements, more than 64 bits count
    problem = Problem(1, 1, 1, 1, (1, 1), (1, 1), (2, 2), (1, 1), (vast, vast), (vast, vast), np.dtype("f4"))
    assert direct_plan(Job(problem, data_map, (0, 1), "portable")) is None


def test_strides_of_more_phases_than_64_bits_count_are_refused():
    problem = Problem(1, 1, 1, 1, (1, 1), (1, 1), (1, 1), (2**32, 2**32), (0, 0), (1, 1), np.dtype("f4"))
    assert direct_plan(Job(problem, "scatter", (0, 1), "portable")) is None


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("record", ["zen4,l2=512K", "zen4", "zen4,l2=2M", "zen4,l2=8M"])
@pytest.mark.parametrize("channels", [64, 256, 512])
@pytest.mark.parametrize("data_map", ["scatter", "gather"])
def test_weights_that_few_strips_meet_are_packed_where_they_are_used(monkeypatch, data_map, channels, record, isa):
    monkeypatch.setenv("CONVT_CPU_MACHINE", record)
    fine, coarse = (channels, 512) if data_map == "gather" else (512, channels)
    problem = Problem(4, 1, fine, coarse, (16, 16), (8, 8), (2, 2), (2, 2), (0, 0), (1, 1), np.dtype("f4"))
    assert direct_plan(Job(problem, data_map, (0, 1), isa)).tables.schedule == "by outputs"


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize(("data_map", "schedule"), [("scatter", "together"), ("gather", "by outputs")])
def test_weights_that_several_strips_meet_are_packed_once_if_they_lie_apart(monkeypatch, data_map, schedule, isa):
    monkeypatch.setenv("CONVT_CPU_MACHINE", "zen4,l2=2M")
    problem = Problem(4, 1, 256, 256, (32, 32), (16, 16), (2, 2), (2, 2), (0, 0), (1, 1), np.dtype("f4"))
    assert direct_plan(Job(problem, data_map, (0, 1), isa)).tables.schedule == schedule


@pytest.mark.parametrize(
    ("channels", "fine", "coarse", "kernel", "stride", "padding", "scatter", "gather"),
    [
        ((64, 64), 56, 56, 1, 1, 0, ("together", 8), ("by outputs", 4)),
        ((21, 21), 112, 28, 8, 4, 2, ("together", 1), ("by strips", 7)),
        ((256, 512), 16, 8, 2, 2, 0, ("by outputs", 4), ("by outputs", 8)),
        ((256, 512), 8, 4, 4, 2, 1, ("by outputs", 2), ("by outputs", 4)),
    ],
)
def test_rows_of_a_strip(monkeypatch, channels, fine, coarse, kernel, stride, padding, scatter, gather):
    monkeypatch.setenv("CONVT_CPU_MACHINE", "zen4")
    sizes = ((each, each) for each in (fine, coarse, kernel, stride, padding, 1))
    problem = Problem(1, 1, *channels, *sizes, np.dtype("f4"))
    for data_map, (schedule, rows) in (("scatter", scatter), ("gather", gather)):
        cut = direct_plan(Job(problem, data_map, (0, 1), "portable")).tables
        assert (cut.schedule, cut.count[2]) == (schedule, rows)


@pytest.mark.parametrize("kernel", [3, 5, 9])
@pytest.mark.parametrize(("data_map", "coarse"), [("gather", (1, 100)), ("scatter", (7, 7))])
def test_a_strip_of_many_weights_is_not_halved_where_that_computes_much_more(monkeypatch, data_map, coarse, kernel):
    monkeypatch.setenv("CONVT_CPU_MACHINE", "zen4")
    fine = coarse[0], coarse[1] + kernel - 1
    problem = Problem(1, 1, 256, 256, fine, coarse, (1, kernel), (1, 1), (0, 0), (1, 1), np.dtype("f4"))
    cut = direct_plan(Job(problem, data_map, (0, 1), "portable")).tables
    assert cut.schedule == "by outputs"
    assert tuple(cut.count[2:]) == (coarse if data_map == "gather" else fine)


@pytest.mark.parametrize(("kernel", "rows"), [((3, 3), [1, 4, 10]), ((5, 3), [1, 8, 10]), ((3, 5), [1, 6, 14])])
def test_planes_hold_no_halo_that_64_outputs_pay_for(kernel, rows):
    fine = tuple(size + k - 1 for size, k in zip((4, 10), kernel, strict=True))
    problem = Problem(1, 1, 64, 64, fine, (4, 10), kernel, (1, 1), (0, 0), (1, 1), np.dtype("f4"))
    assert direct_plan(Job(problem, "gather", (0, 1), "portable")).tables.rows == rows
