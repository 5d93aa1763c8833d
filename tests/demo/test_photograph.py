"""photograph: loading, reducing, splitting."""

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")

from convt.demo import photograph  # noqa: E402 - needs Pillow


def test_the_sample_comes_with_scikit_image():
    pytest.importorskip("skimage")
    picture = photograph.load()
    assert picture.shape == (3, 512, 512)
    assert picture.dtype == np.float32
    assert 0.0 <= picture.min() < 0.1 < 0.9 < picture.max() <= 1.0


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "I;16"])
def test_any_image_becomes_colour_with_even_sides(tmp_path, mode):
    Image.new(mode, (151, 97)).save(tmp_path / "any.png")
    assert photograph.load(tmp_path / "any.png").shape == (3, 96, 150)


def test_large_photographs_are_reduced(tmp_path):
    Image.new("RGB", (3000, 1500)).save(tmp_path / "large.png")
    assert photograph.load(tmp_path / "large.png").shape == (3, 512, 1024)


def test_a_photograph_that_cannot_be_split_is_refused(tmp_path):
    Image.new("RGB", (500, 90)).save(tmp_path / "flat.png")
    with pytest.raises(ValueError, match="image must have at least 96 pixels along each side, got 500 x 90"):
        photograph.load(tmp_path / "flat.png")


def test_each_coarse_pixel_is_the_mean_of_its_four():
    fine = np.arange(48.0).reshape(3, 4, 4)
    coarse = photograph.reduce(fine)
    assert coarse.shape == (3, 2, 2)
    np.testing.assert_allclose(coarse[:, 0, 1], fine[:, 0:2, 2:4].mean(axis=(1, 2)))


@pytest.mark.parametrize("height", [96, 98, 100, 102, 104])
def test_the_parts_make_up_the_photograph_and_share_nothing(height):
    picture = np.random.default_rng(0).random((3, height, 96), np.float32)
    seen, held_out = photograph.split(picture)
    np.testing.assert_array_equal(np.concatenate([seen.fine, held_out.fine], axis=1), picture)
    assert not np.shares_memory(seen.fine, held_out.fine)
    for part in (seen, held_out):
        np.testing.assert_array_equal(part.coarse, photograph.reduce(part.fine))
