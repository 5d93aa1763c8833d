"""reading: one error for whatever is wrong with a file, and a limit."""

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")

from convt import images  # noqa: E402 - needs Pillow
from convt.images import reading  # noqa: E402


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


def test_an_empty_file_is_told_so(tmp_path):
    (tmp_path / "empty.png").touch()
    with pytest.raises(ValueError, match=r"image must be a file that Pillow can read, got '.*empty\.png': it is empty"):
        images.read(tmp_path / "empty.png")


def test_too_large_an_image_is_refused_before_its_pixels_are_read(tmp_path, monkeypatch):
    Image.new("1", (30_000, 20_000)).save(tmp_path / "huge.png")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda image: pytest.fail("pixels were read"))
    with pytest.raises(ValueError, match=r"at most 500 megapixels unless the limit is raised, got 30000 x 20000 of '.*huge"):
        images.read(tmp_path / "huge.png")


def test_the_limit_is_for_all_frames_as_they_will_be(tmp_path):
    Image.new("L", (50, 20)).save(tmp_path / "two.tif", save_all=True, append_images=[Image.new("L", (50, 20))])
    with reading.opened(tmp_path / "two.tif") as image:
        assert len(list(reading.frames(image, "two.tif", scale=10, limit=0.2))) == 2
    with (
        reading.opened(tmp_path / "two.tif") as image,
        pytest.raises(ValueError, match=r"0\.19 megapixels .* got 500 x 200 in 2 frames of 'two\.tif'"),
    ):
        list(reading.frames(image, "two.tif", scale=10, limit=0.19))


def test_pillows_own_limit_is_back_afterwards(tmp_path):
    Image.new("L", (5, 4)).save(tmp_path / "small.png")
    before = Image.MAX_IMAGE_PIXELS
    images.read(tmp_path / "small.png")
    with pytest.raises(ValueError, match="image must be"):
        images.read(__file__)
    assert Image.MAX_IMAGE_PIXELS == before is not None


def test_previews_and_layers_are_no_frames(tmp_path):
    two = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    two[0].save(tmp_path / "two.jpg", "MPO", save_all=True, append_images=two[1:])
    with reading.opened(tmp_path / "two.jpg") as image:
        assert image.n_frames == 2
        assert reading.frame_count(image, "two.jpg") == 1


def test_what_is_shown_instead_of_an_animation_is_no_frame_of_it(tmp_path):
    three = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    three[0].save(tmp_path / "a.png", save_all=True, append_images=three[1:], default_image=True, duration=[1, 2])
    with reading.opened(tmp_path / "a.png") as image:
        colours = [frame.getpixel((0, 0)) for frame in reading.frames(image, "a.png")]
    assert colours == [(0, 255, 0), (0, 0, 255)]
