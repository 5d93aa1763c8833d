"""The worked examples of the tutorial give the textbook's numbers: its cells are run, and their values compared."""

import re
from pathlib import Path

import numpy as np
import pytest

import convt

TUTORIAL = Path(__file__).parents[1] / "docs" / "tutorial.md"


def test_convolution_of_a_4_x_4_image_is_a_matrix_of_shifted_filters():
    image, taps = np.arange(1.0, 17).reshape(4, 4), np.arange(1.0, 10).reshape(3, 3)
    matrix = convt.conv_matrix((4, 4), taps)
    first = [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0]
    np.testing.assert_array_equal(matrix.toarray(), [np.roll(first, by) for by in (0, 1, 4, 5)])
    np.testing.assert_array_equal(matrix @ image.ravel(), convt.conv(image[None], taps[None, None]).ravel())
    small = np.array([[1.0, 2], [3, 4]])
    np.testing.assert_array_equal(matrix.T @ small.ravel(), convt.conv_transpose(small[None], taps[None, None]).ravel())


def test_the_worked_example_of_overlapping_copies():
    y = convt.conv_transpose(np.array([[[1.0, 2], [3, 4]]]), np.full((1, 1, 2, 2), 5.0))
    np.testing.assert_array_equal(y[0], [[5, 15, 10], [20, 50, 30], [15, 35, 20]])


def test_upsampling_methods_on_two_by_two_pixels():
    x = np.array([[10.0, 20], [30, 40]])
    np.testing.assert_array_equal(convt.upsample(x, 2)[1], [10, 10, 20, 20])
    np.testing.assert_array_equal(convt.upsample(x, 2, mode="bilinear")[0], [10, 12.5, 17.5, 20])
    np.testing.assert_array_equal(convt.upsample(x, 2, mode="bed_of_nails")[:2], [[10, 0, 20, 0], [0, 0, 0, 0]])


def test_max_unpooling_puts_values_where_the_maxima_were():
    image = np.array([[1.0, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]])[None]
    pooled, indices = convt.max_pool(image, 2)
    np.testing.assert_array_equal(pooled[0], [[5, 6], [7, 8]])
    large = convt.max_unpool(np.array([[[1.0, 2], [3, 4]]]), indices, 2)
    np.testing.assert_array_equal(large[0], [[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 4]])


def test_the_pair_of_layers_returns_to_the_size():
    down, up = (
        convt.nn.Conv2D(10, kernel_size=4, strides=2, padding=1),
        convt.nn.Conv2DTranspose(3, kernel_size=4, strides=2, padding=1),
    )
    for layer in (down, up):
        layer.initialize()
    x = np.random.default_rng(0).random((1, 3, 64, 64))
    assert down(x).shape == (1, 10, 32, 32)
    assert up(down(x)).shape == (1, 3, 64, 64)


@pytest.mark.skipif(not TUTORIAL.is_file(), reason="only in a checkout")
def test_the_cells_of_the_tutorial_run_and_its_layer_learns_bilinear_interpolation():
    pytest.importorskip("skimage")
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    names = {}
    cells = re.findall(r"```\{code-cell\} ipython3\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), re.DOTALL)
    pictures = [cell.rstrip() for cell in cells if re.search(r"^draw\.", cell, re.MULTILINE)]
    assert len(pictures) == 6
    assert not any(cell.endswith(";") for cell in pictures), "a semicolon keeps the page from showing the picture"
    for cell in cells:
        exec(compile(cell, str(TUTORIAL), "exec"), names)
    np.testing.assert_allclose(names["layer"].weight.data, convt.filters.bilinear(2), atol=1e-3)
