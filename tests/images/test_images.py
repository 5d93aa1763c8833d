"""images: what can be read, where can be written, and what enlarging keeps."""

import os

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")

import convt  # noqa: E402
from convt import images  # noqa: E402 - needs Pillow
from convt.images import upscale_file, upscale_image  # noqa: E402


def test_reading_turns_an_image_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera on its side
    Image.new("RGB", (8, 4)).save(tmp_path / "photo.jpg", exif=exif)
    assert images.read(tmp_path / "photo.jpg").size == (4, 8)


def test_reading_names_what_is_wrong(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"image must be an existing file, got '.*none\.png'"):
        images.read(tmp_path / "none.png")
    with pytest.raises(FileNotFoundError, match="existing file"):
        images.read(tmp_path)
    (tmp_path / "text.png").write_text("no pixels")
    with pytest.raises(ValueError, match=r"image must be a file that Pillow can read, got '.*text\.png'"):
        images.read(tmp_path / "text.png")


def test_a_broken_image_is_an_error_and_not_half_an_image(tmp_path):
    noise = np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "whole.png").read_bytes()[:4000])
    with pytest.raises(ValueError, match="image must be a file that Pillow can read"):
        images.read(tmp_path / "half.png")


@pytest.mark.parametrize("name", ["result", "result.", "result.xyz", "result.txt"])
def test_an_output_needs_a_known_extension(tmp_path, name):
    with pytest.raises(ValueError, match="output must end in a known extension"):
        images.check_writable(tmp_path / name, "RGB")


def test_an_output_needs_a_directory_and_is_none(tmp_path):
    (tmp_path / "taken.png").mkdir()
    for output in (tmp_path / "missing" / "a.png", tmp_path / "taken.png"):
        with pytest.raises(FileNotFoundError, match="output must be a file in an existing directory"):
            images.check_writable(output, "RGB")


def test_an_output_that_may_not_be_written_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="output must be writable"):
        images.check_writable(tmp_path / "a.png", "RGB")


def test_an_output_must_be_able_to_hold_the_pixels(tmp_path):
    with pytest.raises(ValueError, match="output must be a file type that holds RGBA images"):
        images.check_writable(tmp_path / "a.jpg", "RGBA")
    images.check_writable(tmp_path / "a.PNG", "RGBA")
    assert list(tmp_path.iterdir()) == []


def test_a_file_type_that_is_suggested_holds_the_pixels(tmp_path):
    for mode, suffix, wanted in (
        ("CMYK", ".png", r"such as \.tif"),
        ("RGBA", ".jpg", r"such as \.png"),
        ("F", ".png", r"such as \.tif"),
    ):
        with pytest.raises(
            ValueError, match=f"output must be a file type that holds {mode} images, {wanted}, got '.*{suffix}'"
        ):
            images.check_writable(tmp_path / f"o{suffix}", mode)


def test_a_file_may_be_enlarged_in_place_and_keeps_its_type(tmp_path):
    path = tmp_path / "photo.JPG"
    Image.new("RGB", (6, 4), "teal").save(path, "JPEG")
    upscale_file(path, path, 2)
    with Image.open(path) as large:
        assert (large.size, large.format) == ((12, 8), "JPEG")


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


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_an_image_is_enlarged_as_an_array_is(rng, scale):
    pixels = rng.integers(256, size=(4, 5, 3), dtype=np.uint8)
    enlarged = np.asarray(upscale_image(Image.fromarray(pixels), scale))
    wanted = convt.upsample(pixels, scale, mode="bilinear", layout="NHWC")
    np.testing.assert_allclose(enlarged, wanted, atol=0.5 + 1e-4)


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
    monkeypatch.setattr("convt.images.methods.upsample", lambda *_, **__: pytest.fail("computed"))
    with pytest.raises(ValueError, match="scale must be at least 1, got 0"):
        upscale_file(tmp_path / "small.png", tmp_path / "large.png", 0)
    with pytest.raises(ValueError, match="holds RGBA images"):
        upscale_file(tmp_path / "small.png", tmp_path / "large.jpg", 2)
    with pytest.raises(FileNotFoundError, match="existing directory"):
        upscale_file(tmp_path / "small.png", tmp_path / "none" / "large.png", 2)
