"""overlap: the map of the checkerboard."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from convt import draw


def drawn(figure):
    (image,) = [image for axes in figure.axes for image in axes.images if image.get_gid() == "contributions"]
    return np.asarray(image.get_array())


def words(figure):
    return [text.get_text() for text in figure.texts]


def test_a_kernel_of_3_at_stride_2_makes_a_checkerboard():
    figure = draw.overlap(3, 2, size=3)
    row = np.array([1, 1, 2, 1, 2, 1, 1])
    np.testing.assert_array_equal(drawn(figure), np.outer(row, row))
    assert "A checkerboard: each output adds up 1 to 4 products" in words(figure)
    assert "kernel 3, stride 2" in words(figure)


def test_a_kernel_of_4_at_stride_2_is_even_inside():
    figure = draw.overlap(4, 2)
    np.testing.assert_array_equal(drawn(figure)[2:-2, 2:-2], 4)
    assert "Even inside: each output adds up 4 products" in words(figure)


def test_axes_may_differ_and_dilation_counts():
    figure = draw.overlap((3, 2), (1, 2), dilation=(2, 1), size=(4, 2))
    np.testing.assert_array_equal(drawn(figure), np.outer([1, 1, 2, 2, 2, 2, 1, 1][:8], [1, 1, 1, 1]))
    assert "kernel 3 × 2, stride 1 × 2, dilation 2 × 1" in words(figure)
    assert "Even inside: each output adds up 3 products" in words(figure)


def test_holes_are_counted_as_0():
    figure = draw.overlap(1, 2, size=2)
    np.testing.assert_array_equal(drawn(figure), [[1, 0, 1], [0, 0, 0], [1, 0, 1]])
    assert "A checkerboard: each output adds up 0 to 1 products" in words(figure)


@pytest.mark.parametrize("size", range(2, 9))
def test_rows_and_columns_are_counted_in_whole_numbers(size):
    axes = draw.overlap((5, 3), (3, 2), size=size).axes[0]
    for ticks in (axes.get_xticks(), axes.get_yticks()):
        np.testing.assert_array_equal(ticks, np.rint(ticks))


def test_white_lines_and_the_footprint_lie_between_the_numbers():
    axes = draw.overlap((3, 2), (1, 2), size=(4, 2)).axes[0]
    rows, columns = axes.images[0].get_array().shape
    np.testing.assert_array_equal(axes.get_yticks(minor=True), np.arange(rows + 1) - 0.5)
    np.testing.assert_array_equal(axes.get_xticks(minor=True), np.arange(columns + 1) - 0.5)
    (footprint,) = axes.patches
    assert (footprint.get_xy(), footprint.get_width(), footprint.get_height()) == ((-0.5, -0.5), 2, 3)


@pytest.mark.parametrize("size", [8, 12])
def test_the_page_has_narrow_margins(size):
    figure = draw.overlap(3, 2, size=size)
    width, height = figure.get_size_inches()
    drawn = figure.get_tightbbox()
    margins = drawn.x0, width - drawn.x1, drawn.y0, height - drawn.y1
    assert all(0.1 < margin < 0.8 for margin in margins), margins


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"kernel_size": 0}, ValueError, "kernel_size must be at least 1, got 0"),
        ({"stride": 1.5}, TypeError, "stride must be an integer or a sequence of integers, got 1.5"),
        ({"dilation": (1, 1, 1)}, ValueError, r"dilation must .* one per spatial axis \(2\), got 3"),
        ({"size": 30}, ValueError, r"y's shape must have at most 40 elements along each axis to be drawn, got \(61, 61\)"),
    ],
)
def test_a_wrong_argument_is_told(arguments, error, message):
    with pytest.raises(error, match=message):
        draw.overlap(**({"kernel_size": 3, "stride": 2} | arguments))
