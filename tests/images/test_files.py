"""files: an image file, enlarged with all that it holds."""

from io import BytesIO

import pytest

Image = pytest.importorskip("PIL.Image")

from PIL import ImageColor  # noqa: E402

from convt.images import upscale_file  # noqa: E402 - needs Pillow


def test_a_file_may_be_enlarged_in_place_and_keeps_its_type(tmp_path):
    path = tmp_path / "photo.JPG"
    Image.new("RGB", (6, 4), "teal").save(path, "JPEG")
    upscale_file(path, path, 2)
    with Image.open(path) as large:
        assert (large.size, large.format) == ((12, 8), "JPEG")


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


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_an_animation_keeps_its_frames_and_their_durations(kind):
    colours = ("red", "lime", "blue")
    small, large = BytesIO(), BytesIO()
    frames = [Image.new("RGB", (8, 6), colour) for colour in colours]
    frames[0].save(small, kind, save_all=True, append_images=frames[1:], duration=[100, 250, 70], loop=4)
    upscale_file(small, large, 3)
    with Image.open(large) as animation:
        assert (animation.format, animation.n_frames, animation.size) == (kind, 3, (24, 18))
        assert animation.info["loop"] == 4
        for place, (colour, duration) in enumerate(zip(colours, (100, 250, 70), strict=True)):
            animation.seek(place)
            found = animation.convert("RGB").getpixel((12, 9))
            assert found == pytest.approx(ImageColor.getrgb(colour), abs=3)
            assert animation.info["duration"] == duration


def test_pages_of_several_sizes_and_modes_stay_pages():
    small, large = BytesIO(), BytesIO()
    pages = [Image.new("RGB", (8, 6), "teal"), Image.new("L", (5, 9), 7), Image.new("I;16", (4, 4), 50000)]
    pages[0].save(small, "TIFF", save_all=True, append_images=pages[1:])
    upscale_file(small, large, 2)
    with Image.open(large) as pages:
        found = []
        for place in range(pages.n_frames):
            pages.seek(place)
            found.append((pages.mode, pages.size, pages.getpixel((1, 1))))
    assert found == [("RGB", (16, 12), (0, 128, 128)), ("L", (10, 18), 7), ("I;16", (8, 8), 50000)]


def test_an_animation_is_not_cut_to_its_first_frame():
    small = BytesIO()
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "blue")]
    frames[0].save(small, "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match=r"output must be a file type that holds 2 frames, such as \.gif, got '-'"):
        upscale_file(small, BytesIO(), 2, format="jpg")


def test_an_open_file_gets_the_type_of_the_image_or_another(tmp_path):
    for kind, format_, wanted in (("JPEG", None, "JPEG"), ("JPEG", "png", "PNG"), ("TGA", "TIF", "TIFF")):
        small, large = BytesIO(), BytesIO()
        Image.new("RGB", (8, 6)).save(small, kind)
        upscale_file(small, large, 2, format=format_)
        assert Image.open(large).format == wanted


def test_a_type_that_is_asked_for_wins_over_the_name(tmp_path):
    Image.new("RGB", (8, 6)).save(tmp_path / "small.png")
    upscale_file(tmp_path / "small.png", tmp_path / "large.data", 2, format="jpg")
    assert Image.open(tmp_path / "large.data").format == "JPEG"


def test_progress_ends_when_all_is_done():
    small = BytesIO()
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "blue")]
    frames[0].save(small, "GIF", save_all=True, append_images=frames[1:])
    told = []
    upscale_file(small, BytesIO(), 2, progress=lambda *numbers: told.append(numbers))
    assert told == [(192, 384), (384, 384)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 0}, "scale must be at least 1, got 0"),
        ({"scale": 1.5}, "scale must be an integer, got 1.5"),
        ({"quality": 0}, "quality must be from 1 to 100, got 0"),
        ({"quality": 101}, "quality must be from 1 to 100, got 101"),
        ({"format": "txt"}, "format must be a known extension such as png, got 'txt'"),
        ({"limit": 1e-4}, "image must make at most 0.0001 megapixels unless the limit is raised, got 16 x 12 of '-'"),
        ({"method": "nearest"}, "method must be one of convt, bilinear, bicubic, lanczos, got 'nearest'"),
    ],
)
def test_wrong_options(options, message):
    small, large = BytesIO(), BytesIO()
    Image.new("RGB", (8, 6)).save(small, "PNG")
    with pytest.raises((ValueError, TypeError), match=message):
        upscale_file(small, large, **({"scale": 2} | options))
    assert not large.getvalue()
