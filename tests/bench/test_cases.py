"""cases and jobs: shapes and counts, against convt's own and against counting one by one."""

from itertools import product

import numpy as np
import pytest

import convt
from convt.bench.cases import CASES, layer
from convt.bench.jobs import BACKWARD, CONV, FORWARD, Job, Task

ALL = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@ALL
def test_shapes_are_those_of_convt(case):
    assert case.y_shape == convt.conv_transpose_shape(case.x_shape, case.w_shape, **case.options)


@ALL
def test_conv_takes_the_fine_array_to_the_coarse_one(case):
    assert convt.conv_shape(case.y_shape, case.w_shape, **case.conv_options) == case.x_shape


def test_names_are_family_and_variant():
    assert all(name == case.name and case.family and name != case.family for name, case in CASES.items())
    assert not {case.family for case in CASES.values()} & set(CASES)


def test_all_kinds_are_there():
    cases = CASES.values()
    assert {len(case.size) for case in cases} == {1, 2, 3}
    assert any(len(set(case.stride)) > 1 for case in cases)
    assert any(case.groups == case.channels > 1 for case in cases)
    assert any(max(case.dilation) > 1 for case in cases)
    assert any(max(case.output_padding) > 0 for case in cases)


@pytest.mark.parametrize(
    "case",
    [
        layer("a-1d", 2, 3, 4, (5,), 4, 2, 1),
        layer("a-2d", 1, 4, 6, (3, 5), (3, 2), (2, 1), (1, 0), output_padding=(1, 0), dilation=(2, 1), groups=2),
    ],
    ids=str,
)
def test_multiply_adds_are_those_that_are_not_cropped(case):
    inside = 0
    for place in product(*map(range, (*case.size, *case.kernel))):
        axes = len(case.size)
        fine = (
            q * s - p + tap * d
            for q, tap, s, p, d in zip(place[:axes], place[axes:], case.stride, case.padding, case.dilation, strict=True)
        )
        inside += all(0 <= index < size for index, size in zip(fine, case.y_shape[2:], strict=True))
    assert case.multiply_adds == inside * case.batch * case.channels * case.outputs // case.groups


def test_what_is_usual_is_left_out_of_the_description():
    case = layer("a-b", 1, 4, 6, (3, 5), (3, 2), (2, 1), (1, 0), output_padding=(1, 0), dilation=2, groups=2)
    assert str(case) == "1, 4>6, 3x5, 3x2 s2x1 p1x0 op1x0 d2 2 groups"


@pytest.mark.parametrize("task", [*FORWARD, *BACKWARD, *CONV], ids=str)
def test_the_arrays_fit_the_operator(task):
    job = Job(CASES["tiny-1d"], task, "float64")
    y = getattr(convt, task.operator)(job.x, job.w, job.bias, **job.options)
    assert y.shape == job.dy.shape
    assert {array.dtype for array in (job.x, job.w, job.dy, job.bias)} == {np.dtype("float64")}
    assert len({array.ravel()[0] for array in (job.x, job.w, job.dy, job.bias)}) == 4


def test_a_bias_is_there_where_the_network_has_one_or_its_gradient_is_wanted():
    assert Job(CASES["tiny-2d"], Task("conv_transpose"), "float32").bias is None
    assert Job(CASES["tiny-2d"], BACKWARD[0], "float32").bias.shape == (3,)


def test_operations_and_bytes():
    case = layer("a-b", 1, 2, 3, (4,), 2, 2)
    x, w, y = 8, 12, 24
    counted = {
        str(task): (Job(case, task, "float32").flops, Job(case, task, "float32").bytes) for task in (*FORWARD, *BACKWARD)
    }
    assert counted == {
        "conv_transpose": (96, 4 * (x + w + y)),
        "conv_transpose, gradients of x, w and bias": (192, 4 * (2 * x + 2 * w + y)),
        "conv_transpose, gradient of x": (96, 4 * (x + w + y)),
        "conv_transpose, gradient of w": (96, 4 * (x + w + y)),
    }
