"""filters: the bilinear bank."""

import numpy as np
import pytest

import convt
from convt import filters


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 7])
def test_bilinear_has_the_documented_shape_and_phases_that_sum_to_1(scale):
    w = filters.bilinear(scale, channels=3)
    size = 2 * scale - scale % 2
    assert w.shape == (3, 1, size, size)
    assert w.dtype == np.float64
    for row in range(scale):
        for column in range(scale):
            np.testing.assert_allclose(w[:, 0, row::scale, column::scale].sum(axis=(1, 2)), 1.0)


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 7])
def test_bilinear_interpolates_between_pixel_centres(scale):
    centres = np.arange(6.0)
    x = np.broadcast_to(centres, (1, 6, 6))
    y = convt.conv_transpose(x, filters.bilinear(scale), stride=scale, padding=scale // 2)
    fine_centres = (np.arange(6 * scale) + 0.5) / scale - 0.5
    assert y.shape == (1, 6 * scale, 6 * scale)
    inside = slice(scale, -scale)
    np.testing.assert_allclose(y[0, 3 * scale, inside], fine_centres[inside])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0,), ValueError, "scale must be at least 1, got 0"),
        ((2, 0), ValueError, "channels must be at least 1, got 0"),
        ((1.5,), TypeError, "scale must be an integer, got 1.5"),
    ],
)
def test_bilinear_names_the_wrong_argument(arguments, error, message):
    with pytest.raises(error, match=message):
        filters.bilinear(*arguments)
