"""upscale: arrays, images, files."""

import numpy as np
import pytest

from convt.upscale import upscale, upscale_file, upscale_image

Image = pytest.importorskip("PIL.Image")

SCALES = [1, 2, 3, 4, 5]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_stays_constant_up_to_the_borders(scale, dtype):
    y = upscale(np.full((2, 3, 4, 5), 0.7, dtype), scale)
    assert y.shape == (2, 3, 4 * scale, 5 * scale)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, 0.7, rtol=1e-6)


@pytest.mark.parametrize("scale", SCALES)
def test_a_ramp_stays_a_ramp_inside_and_its_ends_are_kept(scale):
    ramp = np.arange(6.0)
    y = upscale(ramp[:, np.newaxis] + np.broadcast_to(10 * ramp, (1, 6, 6)), scale)[0]
    fine = np.clip((np.arange(6 * scale) + 0.5) / scale - 0.5, 0, 5)
    np.testing.assert_allclose(y, fine[:, np.newaxis] + 10 * fine)


def test_a_single_pixel_becomes_a_block():
    np.testing.assert_allclose(upscale([[[7]]], 3), np.full((1, 3, 3), 7.0))


def test_channels_do_not_mix():
    x = np.zeros((3, 4, 4))
    x[1] = 1.0
    y = upscale(x, 2)
    np.testing.assert_allclose(y, np.repeat(np.repeat(x, 2, axis=1), 2, axis=2))


def test_integers_are_interpolated_as_numbers():
    np.testing.assert_allclose(upscale([[[0, 4]]], 2)[0, 0], [0, 1, 3, 4])


@pytest.mark.parametrize(
    ("mode", "colour"),
    [
        ("L", 200),
        ("LA", (200, 130)),
        ("RGB", (10, 128, 255)),
        ("RGBA", (10, 128, 255, 77)),
        ("RGBA", (10, 128, 255, 0)),
        ("CMYK", (1, 2, 3, 4)),
        ("I;16", 65535),
        ("I", 2**31 - 1),
        ("F", 0.25),
    ],
)
def test_modes_are_kept_and_constants_too(mode, colour):
    image = Image.new(mode, (5, 4), colour)
    enlarged = upscale_image(image, 3)
    assert (enlarged.mode, enlarged.size) == (mode, (15, 12))
    np.testing.assert_array_equal(np.asarray(enlarged), np.asarray(Image.new(mode, (15, 12), colour)))


def test_palettes_and_bits_become_the_colours_that_they_stand_for():
    colours = Image.new("RGB", (4, 4), (10, 200, 30))
    palette = colours.quantize(4)
    assert palette.mode == "P"
    assert upscale_image(palette, 2).mode == "RGB"
    assert upscale_image(palette, 2).getpixel((0, 0)) == palette.convert("RGB").getpixel((0, 0))
    palette.info["transparency"] = 0
    assert upscale_image(palette, 2).mode == "RGBA"
    assert upscale_image(Image.new("1", (4, 4), 1), 2).getextrema() == (255, 255)


def test_sixteen_bits_keep_their_depth():
    ramp = np.array([[1000, 1004]], np.uint16)
    enlarged = upscale_image(Image.fromarray(ramp), 2)
    np.testing.assert_array_equal(np.asarray(enlarged), [[1000, 1001, 1003, 1004]] * 2)


def test_hidden_colours_do_not_bleed():
    image = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    image.putpixel((1, 0), (0, 255, 0, 0))
    enlarged = np.asarray(upscale_image(image, 2))[0]
    np.testing.assert_array_equal(enlarged[:3, :3], [[255, 0, 0]] * 3)
    np.testing.assert_array_equal(enlarged[:, 3], [255, 191, 64, 0])


def test_a_file_is_enlarged_with_its_colour_profile(tmp_path):
    Image.new("RGB", (6, 4), "teal").save(tmp_path / "small.png", icc_profile=b"a profile")
    upscale_file(tmp_path / "small.png", tmp_path / "large.png", 2)
    with Image.open(tmp_path / "large.png") as large:
        assert (large.size, large.mode, large.info["icc_profile"]) == ((12, 8), "RGB", b"a profile")


def test_a_file_is_checked_before_the_work(tmp_path, monkeypatch):
    Image.new("RGBA", (4, 4)).save(tmp_path / "small.png")
    monkeypatch.setattr("convt.upscale.upscale", lambda *_: pytest.fail("computed"))
    with pytest.raises(ValueError, match="scale must be at least 1, got 0"):
        upscale_file(tmp_path / "small.png", tmp_path / "large.png", 0)
    with pytest.raises(ValueError, match="holds RGBA images"):
        upscale_file(tmp_path / "small.png", tmp_path / "large.jpg", 2)
    with pytest.raises(FileNotFoundError, match="existing directory"):
        upscale_file(tmp_path / "small.png", tmp_path / "none" / "large.png", 2)
