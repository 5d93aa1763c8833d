"""picture: the figure and where its crop is taken."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")
Image = pytest.importorskip("PIL.Image")

from convt.demo import picture  # noqa: E402 - needs matplotlib and Pillow


@pytest.mark.parametrize("shape", [(3, 60, 200), (3, 38, 96), (3, 400, 100)])
def test_the_picture_is_wide_enough_to_see_something(tmp_path, shape):
    original = np.random.default_rng(0).random(shape, np.float32)
    methods = {"nearest": original * 0.5, "bilinear": original * 0.7, "learned": original * 1.1}
    picture.draw(original, methods, tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as drawn:
        width, height = drawn.size
        assert width == 1600
        assert 500 < height < 2100
        assert drawn.convert("L").getextrema() == (0, 255)


def test_the_crop_is_where_the_error_is():
    error = np.zeros((3, 40, 50))
    error[:, 20:25, 30:35] = 1.0
    top, left = picture.busiest_corner(error, 10)
    assert top <= 20 <= 25 <= top + 10
    assert left <= 30 <= 35 <= left + 10
    assert picture.busiest_corner(error, 40)[0] == 0


def test_png_can_be_drawn():
    assert ".png" in picture.suffixes()


def test_the_crop_of_each_method_is_shown(tmp_path):
    original = np.random.default_rng(0).random((3, 60, 90), np.float32)
    colours = {"red": (1, 0, 0), "lime": (0, 1, 0), "blue": (0, 0, 1)}
    plain = {name: np.broadcast_to(np.float32(colour)[:, None, None], original.shape) for name, colour in colours.items()}
    picture.draw(original, plain, tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as drawn:
        pixels = np.asarray(drawn.convert("RGB"))
    counts = [(pixels == np.uint8(255) * np.array(colour, np.uint8)).all(-1).sum() for colour in colours.values()]
    assert min(counts) > 10_000
    assert counts == pytest.approx([counts[0]] * 3, rel=0.01)
