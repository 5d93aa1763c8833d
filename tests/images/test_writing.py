"""writing: where, and what fits."""

import os
from io import BytesIO

import pytest

Image = pytest.importorskip("PIL.Image")

from convt import images  # noqa: E402 - needs Pillow
from convt.images import writing  # noqa: E402


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


def test_a_file_type_must_hold_the_size_and_the_frames():
    with pytest.raises(ValueError, match=r"holds 20000 x 3 pixels, such as \.png, got 'a\.webp'"):
        writing.check_holds("a.webp", "WEBP", "RGB", (20000, 3))
    writing.check_holds("a.jpg", "JPEG", "RGB", (20000, 3))
    with pytest.raises(ValueError, match=r"holds 3 frames, such as \.gif, got 'a\.jpg'"):
        writing.check_holds("a.jpg", "JPEG", "RGB", (20, 3), 3)
    with pytest.raises(ValueError, match=r"holds 3 frames, such as \.tif, got 'a\.jpg'"):
        writing.check_holds("a.jpg", "JPEG", "F", (20, 3), 3)


def test_a_format_is_an_extension():
    assert writing.kind_of("a.jpg", "TIF") == writing.kind_of("a.jpg", ".tif") == writing.kind_of("a.tiff") == "TIFF"
    with pytest.raises(ValueError, match="format must be a known extension such as png, got 'pngg'; did you mean 'png'"):
        writing.kind_of("a.jpg", "pngg")


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_what_would_lose_bits_does_not_hold_them(mode):
    for kind in ("GIF", "JPEG", "WEBP"):
        with pytest.raises(ValueError, match=rf"holds {mode} images, such as \.(png|tif), got 'a'"):
            writing.check_holds("a", kind, mode)
    writing.check_holds("a", "TIFF", mode)


@pytest.mark.parametrize("name", ["a.ico", "a.icns"])
def test_icons_are_of_fixed_sizes(name):
    with pytest.raises(ValueError, match="output must end in a known extension"):
        writing.kind_of(name)


def test_what_an_encoder_refuses_is_a_line(monkeypatch):
    with pytest.raises(ValueError, match="output must be a file type that can hold the image, got JPEG: cannot write"):
        writing.save([Image.new("RGBA", (2, 2))], BytesIO(), "JPEG", {})


def test_a_transparent_animation_shows_no_earlier_frame():
    frames = []
    for left in (0, 10, 25):
        frame = Image.new("RGBA", (40, 40))
        frame.paste((255, 0, 0, 255), (left, 10, left + 10, 20))
        frames.append(frame)
    file = BytesIO()
    writing.save(frames, file, "GIF", {"duration": [100, 200, 300]})
    with Image.open(file) as animation:
        for place, left in enumerate((0, 10, 25)):
            animation.seek(place)
            assert animation.convert("RGBA").getchannel("A").getbbox() == (left, 10, left + 10, 20)


def test_shades_of_transparency_become_one_or_the_other_in_a_gif():
    frame = Image.new("RGBA", (2, 1), (255, 0, 0, 200))
    frame.putpixel((1, 0), (255, 0, 0, 100))
    file = BytesIO()
    writing.save([frame], file, "GIF", {})
    with Image.open(file) as image:
        assert [image.convert("RGBA").getpixel((x, 0))[3] for x in (0, 1)] == [255, 0]


def test_frames_of_several_modes_make_one_animation():
    file = BytesIO()
    writing.save([Image.new("RGB", (4, 4), "red"), Image.new("RGBA", (4, 4))], file, "PNG", {"duration": [10, 20]})
    with Image.open(file) as animation:
        assert animation.n_frames == 2
        assert animation.convert("RGBA").getpixel((0, 0)) == (255, 0, 0, 255)
        animation.seek(1)
        assert animation.convert("RGBA").getpixel((0, 0))[3] == 0
