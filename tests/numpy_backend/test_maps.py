"""The NumPy backend against the definition, written as loops, and the contract's corners."""

import itertools

import numpy as np
import pytest
from fakes import Recorder

import convt
from convt.numpy_backend import backend
from convt.testing import make_problem, random_problem


def loops(problem, coarse, kernel):
    """Scatter, one product at a time."""
    fine = np.zeros(problem.fine_array_shape)
    coarse_group, fine_group = problem.coarse_channels // problem.groups, problem.fine_channels // problem.groups
    for n, c, f in itertools.product(range(problem.batch), range(problem.coarse_channels), range(fine_group)):
        channel = c // coarse_group * fine_group + f
        for q in np.ndindex(problem.coarse_shape):
            for tap in np.ndindex(problem.kernel_shape):
                at = tuple(
                    i * s - p + t * d
                    for i, s, p, t, d in zip(q, problem.stride, problem.padding, tap, problem.dilation, strict=True)
                )
                if all(0 <= i < size for i, size in zip(at, problem.fine_shape, strict=True)):
                    fine[(n, channel, *at)] += coarse[(n, c, *q)] * kernel[(c, f, *tap)]
    return fine


@pytest.mark.parametrize(
    "problem",
    [
        make_problem(5, 3, stride=2, crop=(1, -1), channels=(4, 2), groups=2, batch=2),
        make_problem((2, 3), (3, 2), stride=(3, 1), dilation=(1, 2), extra=(2, 0)),
        make_problem((2, 1, 2), (1, 2, 3), stride=2, crop=((1, 0), (0, 0), (2, -3))),
        make_problem((3, 3), 2, crop=(9, -12)),
    ],
    ids=str,
)
def test_the_numpy_backend_is_the_definition(rng, problem):
    coarse, kernel = rng.standard_normal(problem.coarse_array_shape), rng.standard_normal(problem.kernel_array_shape)
    fine = np.empty(problem.fine_array_shape)
    backend.scatter(problem, coarse, kernel, None, fine)
    np.testing.assert_allclose(fine, loops(problem, coarse, kernel), rtol=1e-13, atol=1e-14)


def test_the_numpy_backend_does_everything_and_owns_nothing(rng):
    assert backend.why_not(random_problem(rng)) is None
    assert backend.owns(np.zeros(1)) is False
    assert (backend.name, backend.priority) == ("numpy", 0)


@pytest.mark.parametrize("channels", [1, 2])
def test_zero_times_infinity_is_nan(channels):
    x, w = np.zeros((1, channels, 2)), np.zeros((channels, channels, 2))
    x[0, 0, 0] = np.inf
    with np.errstate(invalid="ignore"):
        y = convt.conv_transpose(x, w, stride=2)
    np.testing.assert_array_equal(np.isnan(y), np.broadcast_to([True, True, False, False], y.shape))


def test_the_core_promises_aligned_native_arrays_and_a_contiguous_bias():
    recorder = Recorder()
    x = np.ndarray((1, 2, 3), ">f4", bytearray(25), offset=1)
    bias = np.ones(8, "f4")[::2]
    convt.conv(x, np.ones((4, 2, 1), "f4"), bias, backend=recorder)
    fine, kernel, bias_seen, coarse = recorder.arrays[0]
    assert all(array.dtype.isnative and array.flags.aligned for array in (fine, kernel, bias_seen, coarse))
    assert bias_seen.flags.c_contiguous
