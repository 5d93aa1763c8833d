"""windows/_plan.pyx: boxes cover the positions; what has short rows is refused."""

from dataclasses import replace
from math import prod

import numpy as np
import pytest

from convt.backend import Problem
from convt_cpu._job import Job
from convt_cpu._kernels import instruction_sets
from convt_cpu.windows._plan import windows_plan

ORDINARY = Problem(3, 1, 4, 50, (300, 400), (32, 47), (16, 64), (9, 8), (3, 5), (2, 1), np.dtype("f4"))


@pytest.mark.parametrize("isa", instruction_sets())
def test_boxes_cover_the_positions(isa):
    plan = windows_plan(Job(ORDINARY, "gather", (0, 1), isa))
    tables = plan.tables
    for coarse, count, boxes in zip(tables.coarse, tables.count, tables.boxes, strict=True):
        assert (boxes - 1) * count < coarse <= boxes * count
    assert 1 < prod(tables.count) <= 128
    assert plan.tasks == ORDINARY.batch * prod(tables.boxes) * 2 * 7  # 50 channels in two parts of up to 28, by four


@pytest.mark.parametrize(
    "change", [{"kernel_shape": (64, 1)}, {"dilation": (1, 2)}, {"kernel_shape": (2048, 64), "fine_shape": (9000, 400)}]
)
def test_what_has_no_long_rows_or_too_many_is_refused(change):
    isa = instruction_sets()[0]
    assert windows_plan(Job(ORDINARY, "gather", (0, 1), isa)) is not None
    assert windows_plan(Job(ORDINARY, "scatter", (0, 1), isa)) is None
    assert windows_plan(Job(ORDINARY, "correlate", (0, 1), isa)) is None
    assert windows_plan(Job(replace(ORDINARY, **change), "gather", (0, 1), isa)) is None
