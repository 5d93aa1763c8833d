"""matrix: C and its transpose."""

import itertools

import numpy as np
import pytest

import convt

pytest.importorskip("matplotlib")

from matplotlib.colors import to_hex

from convt import draw
from convt.draw.page import SLATE

pytestmark = pytest.mark.skipif(not hasattr(convt, "conv_matrix"), reason="there is no conv_matrix")

W = np.arange(1.0, 10.0).reshape(3, 3)


def drawn(figure):
    return {
        image.get_gid(): np.ma.getdata(image.get_array()) for axes in figure.axes for image in axes.images if image.get_gid()
    }


def test_the_textbooks_4_by_16_matrix():
    panels = drawn(draw.matrix((4, 4), W))
    row = [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0]
    expected = np.stack([np.roll(row, shift) for shift in (0, 1, 4, 5)])
    np.testing.assert_array_equal(np.nan_to_num(panels["C"]), expected)
    np.testing.assert_array_equal(panels["C.T"], panels["C"].T)


def test_what_is_drawn_computes_the_convolution(rng):
    x, w = rng.standard_normal((2, 4, 5)), rng.standard_normal((4, 1, 3, 2))
    options = {"stride": (2, 1), "padding": ((1, 0), (0, 2)), "dilation": (1, 2), "groups": 2}
    panels = drawn(draw.matrix(x.shape, w, **options))
    y = convt.conv(x, w, **options)
    np.testing.assert_allclose(np.nan_to_num(panels["C"]) @ x.ravel(), y.ravel())
    np.testing.assert_allclose(
        np.nan_to_num(panels["C.T"]) @ y.ravel(), convt.conv_transpose(y, w, output_size=(4, 5), **options).ravel()
    )


def test_numbers_are_written_where_there_is_room():
    small, large = draw.matrix((4, 4), W), draw.matrix((9, 9), W)
    assert [len(axes.texts) for axes in small.axes[:2]] == [36, 36]
    assert [len(axes.texts) for axes in large.axes[:2]] == [0, 0]


def test_what_is_too_large_to_be_seen_is_told():
    with pytest.raises(ValueError, match=r"x_shape must be small enough for 900 rows and columns together, got"):
        draw.matrix((30, 30), W)


@pytest.mark.parametrize(("x_shape", "w"), [((1,), [1.0]), ((3,), [1.0, 2.0, 3.0]), ((16, 16), np.ones((3, 3)))])
def test_words_and_numbers_of_any_shape_do_not_touch(x_shape, w):
    figure = draw.matrix(x_shape, w)
    figure.draw_without_rendering()
    titles = [axes.title.get_window_extent() for axes in figure.axes[:2]]
    assert titles[0].x1 < titles[1].x0
    for axes, title in zip(figure.axes[:2], titles, strict=True):
        assert not title.overlaps(axes.yaxis.label.get_window_extent())
        ticks = [tick.label1.get_window_extent() for tick in axes.xaxis.get_major_ticks() if tick.label1.get_text()]
        assert ticks
        assert all(first.x1 < second.x0 for first, second in itertools.pairwise(ticks))
        assert all(place == int(place) for place in axes.get_xticks())


def test_zero_is_white_and_nothing_is_grey():
    axes = draw.matrix((4,), [-3.0, 0.0, 1.0]).axes[0]
    image = axes.images[0]
    assert image.cmap(image.norm(0.0))[:3] == pytest.approx((1, 1, 1), abs=0.02)
    below, above = (image.cmap(image.norm(value))[:3] for value in (-1.0, 1.0))
    assert below[0] > below[2]
    assert above[2] > above[0]
    assert to_hex(axes.get_facecolor()) == SLATE[0]


def test_equal_values_have_one_colour():
    figure = draw.matrix((5,), [2.0, 2.0])
    norms = {(axes.images[0].norm.vmin, axes.images[0].norm.vmax) for axes in figure.axes[:2]}
    assert norms == {(-2.0, 2.0)}
