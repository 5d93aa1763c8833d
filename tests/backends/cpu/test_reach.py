"""Taps that reach nothing leave the problem, and nobody sees it."""

from itertools import product

import numpy as np
import pytest

import convt
from convt import Filters
from convt.backend import Problem
from convt.numpy_backend import NumpyBackend
from convt.testing import random_problem
from convt_cpu import CpuBackend
from convt_cpu.reach import some_taps, without_idle_taps

RNG = np.random.default_rng(0)


def problem_of(coarse, fine, kernel, stride, before, dilation=1):
    return Problem(1, 1, 3, 2, (fine,), (coarse,), (kernel,), (stride,), (before,), (dilation,), np.dtype("f4"))


def meeting(problem, axis):
    """The taps that meet a fine element."""
    fine, coarse, kernel = problem.fine_shape[axis], problem.coarse_shape[axis], problem.kernel_shape[axis]
    stride, before, dilation = problem.stride[axis], problem.padding[axis], problem.dilation[axis]
    return {t for t in range(kernel) for q in range(coarse) if 0 <= q * stride - before + t * dilation < fine}


@pytest.mark.parametrize(
    ("problem", "taps"),
    [
        (problem_of(1, 2, 4, 2, 1), (1, 3)),
        (problem_of(3, 1, 9, 1, 4), (2, 5)),
        (problem_of(1, 1, 3, 5, 1), (1, 2)),
        (problem_of(2, 2, 7, 1, 6, 2), (3, 4)),
        (problem_of(4, 8, 4, 2, 1), None),
        (problem_of(2, 3, 3, 1, 9), (2, 3)),  # nothing but padding: one stays
        (problem_of(2, 3, 3, 1, -9), (0, 1)),
    ],
)
def test_which_taps_stay(problem, taps):
    smaller, found = without_idle_taps(problem)
    assert found == (None if taps is None else (taps,))
    if taps is None:
        assert smaller is problem
    else:
        assert smaller.kernel_shape == (taps[1] - taps[0],)
        assert smaller.padding == (problem.padding[0] - taps[0] * problem.dilation[0],)


@pytest.mark.parametrize("seed", range(200))
def test_all_that_meet_an_element_stay(seed):
    problem = random_problem(np.random.default_rng(seed))
    smaller, taps = without_idle_taps(problem)
    for axis, size in enumerate(problem.kernel_shape):
        first, last = (0, size) if taps is None else taps[axis]
        met = meeting(problem, axis)
        assert met <= set(range(first, last))
        assert smaller.kernel_shape[axis] == last - first >= 1
        if met and problem.stride[axis] <= problem.fine_shape[axis]:
            assert {first, last - 1} <= met


@pytest.mark.parametrize("data_map", ["scatter", "gather", "correlate"])
@pytest.mark.parametrize("bad", [0, np.nan])
def test_the_maps_are_those_of_all_taps(data_map, bad):
    """Idle taps are not read, and their gradients are zero."""
    problem = Problem(2, 1, 3, 2, (2, 5), (1, 3), (4, 7), (2, 1), (1, 4), (1, 1), np.dtype("f8"))
    _smaller, taps = without_idle_taps(problem)
    kernel = RNG.standard_normal(problem.kernel_array_shape)
    fine, coarse = (RNG.standard_normal(shape) for shape in (problem.fine_array_shape, problem.coarse_array_shape))
    idle = np.ones(problem.kernel_shape, bool)
    some_taps(idle, taps)[...] = False
    assert idle.any()
    kernel[..., idle] = bad
    arrays = {"fine": fine, "coarse": coarse, "kernel": kernel}
    left, right = {"scatter": ("coarse", "kernel"), "gather": ("fine", "kernel"), "correlate": ("fine", "coarse")}[data_map]
    result = ({"fine", "coarse", "kernel"} - {left, right}).pop()
    results = [np.full_like(arrays[result], np.nan) for _ in range(2)]
    for backend, out in zip((NumpyBackend(), CpuBackend()), results, strict=True):
        bias = () if data_map == "correlate" else (None,)
        getattr(backend, data_map)(problem, arrays[left], arrays[right], *bias, out)
    np.testing.assert_allclose(results[1], results[0], rtol=1e-12, atol=1e-13)
    assert data_map != "correlate" or not results[1][..., idle].any()


def test_constant_filters_are_seen_by_several_sizes_at_once():
    """Taps of the same number, but at other places, are not taken for each other."""
    w = RNG.standard_normal((3, 2, 5, 5))
    filters = Filters(w)
    for _ in range(2):
        for size, padding in product([(1, 1), (1, 2), (2, 1)], [((0, 3), (3, 0)), ((3, 0), (0, 3)), ((1, 2), (2, 1))]):
            x = RNG.standard_normal((1, 3, *size))
            np.testing.assert_allclose(
                convt.conv_transpose(x, filters, padding=padding),
                convt.conv_transpose(x, w, padding=padding, backend="numpy"),
                rtol=1e-12,
                atol=1e-13,
            )
