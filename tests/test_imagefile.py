"""imagefile: what can be read, and where can be written."""

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")

from convt import imagefile  # noqa: E402 - needs Pillow


def test_reading_turns_an_image_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera on its side
    Image.new("RGB", (8, 4)).save(tmp_path / "photo.jpg", exif=exif)
    assert imagefile.read(tmp_path / "photo.jpg").size == (4, 8)


def test_reading_names_what_is_wrong(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"image must be an existing file, got '.*none\.png'"):
        imagefile.read(tmp_path / "none.png")
    with pytest.raises(FileNotFoundError, match="existing file"):
        imagefile.read(tmp_path)
    (tmp_path / "text.png").write_text("no pixels")
    with pytest.raises(ValueError, match=r"image must be a file that Pillow can read, got '.*text\.png'"):
        imagefile.read(tmp_path / "text.png")


def test_a_broken_image_is_an_error_and_not_half_an_image(tmp_path):
    noise = np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "whole.png").read_bytes()[:4000])
    with pytest.raises(ValueError, match="image must be a file that Pillow can read"):
        imagefile.read(tmp_path / "half.png")


@pytest.mark.parametrize("name", ["result", "result.", "result.xyz", "result.txt"])
def test_an_output_needs_a_known_extension(tmp_path, name):
    with pytest.raises(ValueError, match="output must end in a known extension"):
        imagefile.check_writable(tmp_path / name, "RGB")


def test_an_output_needs_a_directory_and_is_none(tmp_path):
    (tmp_path / "taken.png").mkdir()
    for output in (tmp_path / "missing" / "a.png", tmp_path / "taken.png"):
        with pytest.raises(FileNotFoundError, match="output must be a file in an existing directory"):
            imagefile.check_writable(output, "RGB")


def test_an_output_that_may_not_be_written_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(imagefile.os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="output must be writable"):
        imagefile.check_writable(tmp_path / "a.png", "RGB")


def test_an_output_must_be_able_to_hold_the_pixels(tmp_path):
    with pytest.raises(ValueError, match="output must be a file type that holds RGBA images"):
        imagefile.check_writable(tmp_path / "a.jpg", "RGBA")
    imagefile.check_writable(tmp_path / "a.PNG", "RGBA")
    assert list(tmp_path.iterdir()) == []
