"""network: what it sees, and where it starts."""

import numpy as np

import convt
from convt.demo.network import MARGIN, build, enlarge

COARSE = np.random.default_rng(0).random((3, 9, 12), np.float32)


def test_a_fine_pixel_depends_on_the_margin_around_it_and_no_more():
    network = build(channels=4, dtype=np.float64)
    x = np.random.default_rng(0).standard_normal((1, 3, 21, 21))
    before = network.forward(x)
    x[:, :, 10, 10] += 1.0
    rows, columns = np.nonzero(np.abs(network.forward(x) - before).max(axis=(0, 1)))
    middle = 2 * (10 - MARGIN)
    for changed in (rows, columns):
        assert (changed.min(), changed.max()) == (middle - 2 * MARGIN, middle + 1 + 2 * MARGIN)


def test_the_same_seed_gives_the_same_network():
    for one, other in zip(build(seed=3).parameters(), build(seed=3).parameters(), strict=True):
        np.testing.assert_array_equal(one.data, other.data)
        assert one.data.dtype == np.float32


def test_enlarging_doubles_the_size_and_keeps_the_type():
    fine = enlarge(build(), COARSE)
    assert fine.shape == (3, 18, 24)
    assert fine.dtype == np.float32


def test_a_network_that_says_nothing_leaves_bilinear():
    silent = build()
    for parameter in silent[-1].parameters():
        parameter.data[...] = 0
    np.testing.assert_array_equal(enlarge(silent, COARSE), convt.upsample(COARSE, 2, mode="bilinear"))
