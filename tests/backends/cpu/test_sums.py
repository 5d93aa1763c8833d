"""_sums.pyx: sums per channel, of arrays that lie in memory in any way."""

import numpy as np
import pytest
from scratch import bytes_asked, most_scratch

from convt_cpu._sums import channel_sums

SHAPES = [(4, 3, 33), (1, 1, 65, 70), (2, 37, 9, 40), (0, 3, 4), (3, 5, 4, 6, 7)]


def sums_of(array, threads):
    sums = np.full(array.shape[1], np.nan, array.dtype)
    channel_sums(array, sums, threads)
    return sums


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("shape", SHAPES)
def test_each_channel_is_summed_whatever_the_layout(shape, dtype):
    array = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    right = array.astype("f8").sum(axis=(0, *range(2, array.ndim)))
    layouts = [array, np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 1, -1)), -1, 1), np.asfortranarray(array)]
    for layout in layouts:
        np.testing.assert_allclose(sums_of(layout, 2), right, rtol=0, atol=1e-12 if dtype == "f8" else 1e-5)
    np.testing.assert_allclose(sums_of(array[..., ::-1], 2), right, rtol=0, atol=1e-12 if dtype == "f8" else 1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_any_number_of_threads_gives_the_same_bits(shape):
    array = np.random.default_rng(0).standard_normal(shape).astype("f4")
    for layout in (array, np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 1, -1)), -1, 1)):
        for threads in (2, 3, 7):
            np.testing.assert_array_equal(sums_of(layout, threads), sums_of(layout, 1))


@pytest.mark.parametrize("threads", [1, 8, 1024])
@pytest.mark.parametrize("channels", [1, 1000, 2**20, 2**26])
@pytest.mark.parametrize("strides", [(0, 0, 0), (0, 4, 0)])
def test_scratch_memory_is_bounded_whatever_the_number_of_channels(strides, channels, threads):
    array = np.lib.stride_tricks.as_strided(np.zeros(1, "f4"), (40, channels, 1), strides)  # is not read
    sums = np.empty(0, "f4")
    assert bytes_asked(lambda: channel_sums(array, sums, threads)) <= most_scratch(1)


@pytest.mark.parametrize("dense", [False, True])
def test_channels_that_are_done_in_rounds(dense):
    numbers = np.random.default_rng(0).standard_normal((3, 2**16 + 77, 2)).astype("f4")
    array = np.moveaxis(np.ascontiguousarray(np.moveaxis(numbers, 1, -1)), -1, 1) if dense else numbers
    got = sums_of(array, 2)
    np.testing.assert_allclose(got, numbers.astype("f8").sum(axis=(0, 2)), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(got[2**16 - 5 :], sums_of(array[:, 2**16 - 5 :], 1))
