"""What every engine promises about numbers: rounding, values that are not finite, denormal ones, and far-apart memory."""

import mmap
import sys

import numpy as np
import pytest

import convt
from convt.backend import Problem
from convt.numpy_backend import backend as reference
from convt.testing import random_problem
from convt_cpu import CpuBackend
from convt_cpu.choice import ENGINES
from convt_cpu.isa import available

MAPS = ("scatter", "gather", "correlate")
cpu = CpuBackend()


@pytest.fixture(params=ENGINES)
def engine(request, monkeypatch):
    """Forced for all that it can do."""
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", request.param)
    return request.param


@pytest.fixture(params=available())
def isa(request, monkeypatch):
    monkeypatch.setenv("CONVT_CPU_ISA", request.param)
    return request.param


def arrays_of(problem, rng):
    shapes = problem.fine_array_shape, problem.coarse_array_shape, problem.kernel_array_shape
    return [rng.standard_normal(shape).astype(problem.dtype) for shape in shapes]


def compute(backend, data_map, problem, fine, coarse, kernel, dtype=None):
    """One map of given arrays; without a bias."""
    with np.errstate(invalid="ignore", over="ignore"):
        if data_map == "correlate":
            result = np.empty(kernel.shape, dtype or kernel.dtype)
            backend.correlate(problem, fine, coarse, result)
        elif data_map == "scatter":
            result = np.empty(fine.shape, dtype or fine.dtype)
            backend.scatter(problem, coarse, kernel, None, result)
        else:
            result = np.empty(coarse.shape, dtype or coarse.dtype)
            backend.gather(problem, fine, kernel, None, result)
    return result


def terms(data_map, problem):
    """At least as many products as any element of the result sums up."""
    taps = int(np.prod(problem.kernel_shape))
    return {
        "scatter": taps * problem.coarse_channels // problem.groups,
        "gather": taps * problem.fine_channels // problem.groups,
        "correlate": problem.batch * int(np.prod(problem.coarse_shape)),
    }[data_map]


@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize("seed", range(8))
def test_rounding_stays_within_the_bound_of_a_dot_product(engine, isa, data_map, seed):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, "f4")
    arrays = arrays_of(problem, rng)
    got = compute(cpu, data_map, problem, *arrays)
    right = compute(reference, data_map, problem, *(array.astype("f8") for array in arrays), "f8")
    sizes = compute(reference, data_map, problem, *(abs(array).astype("f8") for array in arrays), "f8")
    unit = np.finfo("f4").eps / 2
    assert (abs(got - right) <= (terms(data_map, problem) + 1) * unit * sizes).all()


@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize("seed", range(8))
def test_values_that_are_not_finite_reach_what_the_definition_says(engine, isa, data_map, seed):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, rng.choice(["f4", "f8"]))
    arrays = arrays_of(problem, rng)
    bad = arrays[seed % 3]
    bad.flat[rng.integers(bad.size)] = (np.nan, np.inf, -np.inf)[seed % 3 if seed < 6 else 0]
    got = compute(cpu, data_map, problem, *arrays)
    right = compute(reference, data_map, problem, *arrays)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(right))
    np.testing.assert_array_equal(np.isposinf(got), np.isposinf(right))
    np.testing.assert_array_equal(np.isneginf(got), np.isneginf(right))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("data_map", MAPS)
def test_denormal_numbers_are_not_flushed_to_zero(engine, isa, data_map, dtype):
    problem = Problem(2, 1, 3, 4, (11, 9), (5, 4), (3, 3), (2, 2), (1, 0), (1, 1), np.dtype(dtype))
    tiny = np.finfo(dtype).smallest_subnormal
    fine, coarse, kernel = (np.ones(array.shape, dtype) for array in arrays_of(problem, np.random.default_rng(0)))
    if data_map == "gather":
        fine *= tiny
    else:
        coarse *= tiny
    got = compute(cpu, data_map, problem, fine, coarse, kernel)
    right = compute(reference, data_map, problem, fine, coarse, kernel)
    assert right.any()
    np.testing.assert_array_equal(got, right)  # sums of few times the smallest number are exact


FAR = 2**31 + 12345  # elements


@pytest.fixture(scope="module")
def vast():
    """A buffer of 52 GB of which only the pages that are touched take memory."""
    if sys.platform != "linux" or sys.maxsize < 2**32:
        pytest.skip("needs memory that is not reserved")
    no_reserve = 0x4000
    try:
        return mmap.mmap(-1, 6 * FAR * 4, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | no_reserve)
    except OSError as error:
        pytest.skip(f"no such address space: {error}")


def spread(vast, shape, start, axis):
    """An array whose neighbours along an axis lie FAR elements apart, and the others together."""
    strides = [0] * len(shape)
    step = 4
    for each in reversed(range(len(shape))):
        if each != axis:
            strides[each] = step
            step *= shape[each]
    strides[axis] = FAR * 4
    return np.ndarray(shape, "f4", buffer=vast, offset=start * 4, strides=strides)


@pytest.mark.parametrize("axis", range(4))
def test_elements_may_lie_more_than_two_to_the_31_apart(engine, vast, axis):
    rng = np.random.default_rng(axis)
    x_shape, w_shape = [2, 4, 5, 6], [4, 4, 3, 3]
    x_shape[axis] = 3 if axis != 1 else 4
    x, w = rng.standard_normal(x_shape).astype("f4"), rng.standard_normal(w_shape).astype("f4")
    far = spread(vast, x.shape, 0, axis)
    far[...] = x
    # Axes are walked in the order of memory, so that sums may round otherwise.
    np.testing.assert_allclose(
        convt.conv_transpose(far, w, backend="cpu"), convt.conv_transpose(x, w, backend="cpu"), rtol=0, atol=1e-4
    )
    y = convt.conv_transpose(x, w, padding=1, backend="cpu")
    out = spread(vast, y.shape, 100_000, axis)
    convt.conv_transpose(x, w, padding=1, out=out, backend="cpu")
    np.testing.assert_allclose(out, y, rtol=0, atol=1e-4)
    far_gradients = convt.conv_transpose_backward(far, w, None, out, padding=1, backend="cpu")
    gradients = convt.conv_transpose_backward(x, w, None, y, padding=1, backend="cpu")
    np.testing.assert_allclose(far_gradients.x, gradients.x, rtol=0, atol=1e-4)
    np.testing.assert_allclose(far_gradients.w, gradients.w, rtol=0, atol=1e-4)


def test_arrays_may_have_more_than_two_to_the_32_elements():
    x = np.broadcast_to(np.float32(2), (1, 1, 2**32 + 5))
    y = convt.conv(x, np.ones((1, 1, 5), "f4"), stride=2**28, backend="cpu")
    np.testing.assert_array_equal(y, np.full((1, 1, 17), 10, "f4"))
