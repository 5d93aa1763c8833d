"""compare: five ways to enlarge a picture."""

import numpy as np
import pytest

import convt

pytest.importorskip("matplotlib")

from convt import draw
from convt.draw import methods

needs_the_others = pytest.mark.skipif(
    not all(hasattr(convt, name) for name in ("upsample", "max_pool", "max_unpool")),
    reason="there is no upsample or max_pool",
)


@pytest.fixture
def picture(rng):
    """Smooth, with something along both axes; (48, 60, 3)."""
    rows, columns = np.mgrid[:48, :60] / 10
    waves = [np.sin(rows * a + columns * b) for a, b in rng.uniform(-1, 1, (3, 2))]
    return np.stack(waves, axis=-1) * 0.4 + 0.5


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_learned_filter_is_the_best_of_its_size(picture, scale):
    fine = methods._planes(picture, scale)
    coarse = methods._means(fine, scale)
    w = methods.learned_filter(coarse, fine, scale)
    assert w.shape == (4 * scale, 4 * scale)

    def error(filter_):
        return np.sum((methods._by_filter(coarse, scale, filter_) - fine) ** 2)

    least = error(w)
    assert least < 1e-3 * np.sum(fine**2)
    for index in [(0, 0), (2 * scale, 2 * scale), (scale, 3 * scale - 1), (4 * scale - 1, 1)]:
        for step in (-1e-2, 1e-2):
            other = w.copy()
            other[index] += step
            assert error(other) > least


@pytest.mark.parametrize("scale", [2, 3])
def test_a_filter_of_ones_repeats_pixels(picture, scale):
    coarse = methods._means(methods._planes(picture, scale), scale)
    enlarged = methods._by_filter(coarse, scale, np.ones((scale, scale)))
    np.testing.assert_allclose(enlarged, coarse.repeat(scale, axis=1).repeat(scale, axis=2))


@needs_the_others
def test_the_picture_shows_what_each_method_makes(picture):
    figure = draw.compare(picture, 3)
    titles = {axes.get_title().split(",")[0]: axes for axes in figure.axes}
    fine = methods._planes(picture, 3)
    coarse = methods._means(fine, 3)
    shown = {
        name: np.asarray(axes.images[0].get_array()).transpose(2, 0, 1)
        for name, axes in titles.items()
        if "filter" not in name
    }
    np.testing.assert_array_equal(shown["the original"], fine)
    np.testing.assert_allclose(shown["nearest"], coarse.repeat(3, axis=1).repeat(3, axis=2))
    np.testing.assert_allclose(shown["bed of nails"][:, ::3, ::3], coarse)
    assert np.count_nonzero(shown["bed of nails"]) == np.count_nonzero(shown["max-unpooling"]) == coarse.size
    places = shown["max-unpooling"].any(axis=0)
    blocks = fine.mean(axis=0).reshape(16, 3, 20, 3)
    np.testing.assert_allclose(np.sort(fine.mean(axis=0)[places]), np.sort(blocks.max(axis=(1, 3)).ravel()))
    decibels = {
        name: float(axes.get_title().split(", ")[1].split()[0]) for name, axes in titles.items() if " dB" in axes.get_title()
    }
    assert max(decibels, key=decibels.get) == "transposed convolution"
    assert decibels["nearest"] == pytest.approx(-10 * np.log10(np.mean((shown["nearest"] - fine) ** 2)), abs=0.06)


@needs_the_others
def test_grey_bytes_and_a_filter_of_ones(rng):
    image = rng.integers(256, size=(33, 40), dtype=np.uint8)
    figure = draw.compare(image, 2, w=np.ones((2, 2)))
    arrays = {axes.get_title().split(",")[0]: np.asarray(axes.images[0].get_array()) for axes in figure.axes}
    assert arrays["the original"].shape == (32, 40)
    np.testing.assert_allclose(arrays["transposed convolution"], arrays["nearest"])


@pytest.mark.parametrize(
    ("image", "scale", "w", "error", "message"),
    [
        (np.zeros((64, 64)), 1, None, ValueError, "scale must be at least 2, got 1"),
        (np.zeros((64, 64)), 2.0, None, TypeError, "scale must be an integer, got 2.0"),
        (np.zeros((3, 64, 64)), 2, None, ValueError, r"image must have shape \(H, W\) or \(H, W, 3\), got \(3, 64, 64\)"),
        (np.zeros((15, 64)), 2, None, ValueError, r"image must have at least 16 pixels along each side, got \(15, 64\)"),
        (np.full((64, 64), 2), 2, None, ValueError, "image must lie between 0 and 1, got 2 to 2"),
        (np.full((64, 64), np.nan), 2, None, ValueError, "image must lie between 0 and 1, got nan to nan"),
        (np.zeros((64, 64), complex), 2, None, TypeError, "image must hold real numbers, got complex128"),
        (
            np.zeros((64, 64)),
            2,
            np.ones((3, 3)),
            ValueError,
            r"w must be square, of at least 2 x 2 and an even number more",
        ),
    ],
)
def test_a_wrong_argument_is_told(image, scale, w, error, message):
    with pytest.raises(error, match=message):
        draw.compare(image, scale, w=w)
