"""pooling/_windows.pyx: windows, planes and rows of any size, with bounded scratch memory."""

from functools import lru_cache
from math import prod

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scratch import bytes_asked, most_scratch

import convt
from convt_cpu.isa import available
from convt_cpu.pooling._windows import Windows, run

NAMES = ["pool", "pool_backward", "unpool", "unpool_backward"]
THREADS = [1, 2, 3, 7, 8, 9, 12, 13, 40, 1024]
SIZES = st.sampled_from([1, 2, 3, 7, 64, 1000, 2**16, 2**20, 2**24])


@st.composite
def vast_windows(draw):
    fine, size, stride = (tuple(draw(SIZES) for _ in range(3)) for _ in range(3))
    before, after = (tuple(draw(st.integers(0, each - 1)) for each in size) for _ in range(2))
    spans = [sum(each) for each in zip(fine, before, after, strict=True)]
    coarse = tuple((n - k) // s + 1 for n, k, s in zip(spans, size, stride, strict=True))
    outer, inner = draw(SIZES), draw(SIZES)
    assume(min(coarse) > 0 and max(prod(fine), prod(coarse), prod(size)) * outer * inner < 2**60)
    isa, itemsize = draw(st.sampled_from(available())), draw(st.sampled_from([4, 8]))
    return Windows(fine, coarse, size, stride, before, outer, inner, isa, itemsize)


def scratch_of(windows, name, threads):
    """Bytes that a call asks for, which does not look at its arrays before."""
    array = np.empty(0)
    return bytes_asked(lambda: run(windows, name, array, array, array, threads))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=50, suppress_health_check=[HealthCheck.filter_too_much])  # of vast ones, few are no error
@given(windows=vast_windows(), threads=st.sampled_from(THREADS))
def test_scratch_memory_is_bounded_whatever_the_sizes_and_the_number_of_threads(name, windows, threads):
    assert scratch_of(windows, name, threads) <= most_scratch(threads)


def by_slices(x, size, stride, padding):
    """Maxima of an image and their places, each window by itself; of equals the first one, and the first NaN."""
    values, places = [], []
    for y in range((x.shape[0] + 2 * padding[0] - size[0]) // stride[0] + 1):
        for column in range((x.shape[1] + 2 * padding[1] - size[1]) // stride[1] + 1):
            top, left = (each * step - before for each, step, before in zip((y, column), stride, padding, strict=True))
            window = x[max(0, top) : top + size[0], max(0, left) : left + size[1]]
            row, at = np.unravel_index(window.argmax(), window.shape)
            values.append(window[row, at])
            places.append((max(0, top) + row) * x.shape[1] + max(0, left) + at)
    return np.array(values), np.array(places)


@lru_cache(maxsize=1)
def images(shape, dtype, size, stride, padding):
    """Images, and the maxima of their windows with their places."""
    numbers = np.random.default_rng(0).integers(-50, 50, shape)  # many that are equal: the first one counts
    numbers[..., ::10_001] = 99
    x = numbers.astype(dtype)
    some = x, np.full_like(x, -np.inf), np.where(numbers == 99, np.nan, x)
    return [(array, *by_slices(array, size, stride, padding)) for array in some]


@pytest.mark.parametrize("isa", available())
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(
    ("shape", "size", "stride", "padding"),
    [
        ((2, 70_000), (2, 70_000), (2, 2**20), (0, 0)),
        ((3, 70_000), (3, 3001), (1, 1500), (1, 1500)),
        ((1, 200_000), (1, 40_000), (1, 40_000), (0, 20_000)),
        ((1, 200_000), (1, 2001), (1, 150), (0, 1000)),
        ((1, 140_000), (1, 66_000), (1, 30_000), (0, 0)),
        ((2, 70_000), (1, 66_000), (1, 100), (0, 33_000)),
    ],
)
def test_windows_that_are_done_by_some_taps_after_the_other(monkeypatch, isa, dtype, shape, size, stride, padding):
    monkeypatch.setenv("CONVT_CPU_ISA", isa)
    for array, values, places in images(shape, dtype, size, stride, padding):
        got = convt.max_pool(array[None, None], size, stride, padding, backend="cpu")
        np.testing.assert_array_equal(got[0].ravel(), values)
        np.testing.assert_array_equal(got[1].ravel(), places)


@pytest.mark.parametrize("inner", [1, 3])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_planes_whose_winners_are_remembered_by_segments(dtype, inner):
    rng = np.random.default_rng(0)
    fine = rng.standard_normal((2, 900, 800, inner)).astype(dtype)
    indices = rng.integers(0, 900 * 800, (2, 300, 400, inner))
    right = convt.max_unpool_backward(np.moveaxis(fine, -1, 1), np.moveaxis(indices, -1, 1), (3, 2), backend="numpy")
    assert (right == 0).any()
    windows = Windows((1, 900, 800), (1, 300, 400), (1, 3, 2), (1, 3, 2), (0, 0, 0), 2, inner, available()[0], fine.itemsize)
    scratch = set()
    for threads in (1, 40):
        coarse = np.empty(indices.shape, dtype)
        assert run(windows, "unpool_backward", fine, indices, coarse, threads)
        np.testing.assert_array_equal(np.moveaxis(coarse, -1, 1), right)
        scratch.add(scratch_of(windows, "unpool_backward", threads) / threads)
    assert len(scratch) == 2
    indices.flat[-1] = 900 * 800
    assert not run(windows, "unpool_backward", fine, indices, coarse, 40)


def test_strides_and_windows_beyond_all_arrays():
    x = np.arange(16, dtype="f4").reshape(1, 1, 2, 2, 4)
    for stride in ((2**32, 2**32, 1), (2**61, 2**61, 2**61)):
        y, indices = convt.max_pool(x, (2, 2, 4), stride, backend="cpu")
        assert (y.item(), indices.item()) == (15, 15)
    for dtype in ("f4", "f8"):
        x = np.zeros((1, 1, 1, 4096), dtype)
        x[..., 5] = 1
        y, indices = convt.max_pool(x, (2**20, 4096), 1, ((2**20 - 1, 0), (0, 0)), backend="cpu")  # of 2**32 elements
        assert (y.item(), indices.item()) == (1, 5)
    x = np.ones((1, 1, 1, 1, 2), "f4")
    for size, before in (((2**37, 2**20, 2), (2**37 - 1, 2**20 - 1, 0)), ((2**29, 2**29, 1), (0, 0, 0))):
        padding = [(each, size[axis] - 1 - each) for axis, each in enumerate(before)]
        y, indices = convt.max_pool(x, size, 2**40, padding, backend="cpu")
        assert (y.ravel()[0], indices.ravel()[0]) == (1, 0)
