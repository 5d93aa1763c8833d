"""_sums.pyx: sums per channel, of arrays that lie in memory in any way."""

import numpy as np
import pytest

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
