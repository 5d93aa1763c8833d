"""methods: the three ways to enlarge."""

import numpy as np

from convt.demo import methods
from convt.demo.network import build

COARSE = np.random.default_rng(0).random((3, 9, 12), np.float32)


def test_nearest_repeats_pixels():
    np.testing.assert_array_equal(methods.nearest(COARSE), COARSE.repeat(2, axis=1).repeat(2, axis=2))


def test_all_methods_double_the_size_and_keep_the_type():
    for fine in (methods.nearest(COARSE), methods.bilinear(COARSE), methods.learned(build(), COARSE)):
        assert fine.shape == (3, 18, 24)
        assert fine.dtype == np.float32


def test_a_network_that_says_nothing_leaves_bilinear():
    silent = build()
    for parameter in silent[-1].parameters():
        parameter.data[...] = 0
    np.testing.assert_array_equal(methods.learned(silent, COARSE), methods.bilinear(COARSE))
