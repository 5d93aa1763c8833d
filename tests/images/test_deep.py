"""deep: 16 bits for each colour, as they are in the file and in the result."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")

from convt.images import deep, methods, reading, upscale_file  # noqa: E402 - needs Pillow
from convt.images.enlarging import enlarge  # noqa: E402


@pytest.fixture(params=[3, 4])
def pixels(request, rng):
    return rng.integers(65536, size=(70, 30, request.param), dtype=np.uint16)


def png(pixels, colour_type):
    """A PNG by its definition, without filters."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, colour_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return BytesIO(b"\x89PNG\r\n\x1a\n" + chunks)


def read(file):
    with reading.opened(file) as image:
        assert deep.is_deep(image, file)
        return deep.read(next(reading.frames(image, file)), file)


def saved(pixels, kind, **options):
    file = BytesIO()
    deep.save(pixels, file, kind, options)
    return file


def test_all_bits_of_a_png_are_read(pixels):
    np.testing.assert_array_equal(read(png(pixels, 2 if pixels.shape[2] == 3 else 6)), pixels)


@pytest.mark.parametrize("kind", deep.KINDS)
def test_what_is_written_is_read_again(pixels, kind):
    file = saved(pixels, kind)
    np.testing.assert_array_equal(read(file), pixels)
    with Image.open(file) as image:  # Pillow reads the upper bits, and checks the rest of the file
        image.load()
        np.testing.assert_array_equal(np.asarray(image), pixels >> 8)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiffs_of_others(pixels, order, compression):
    tifffile = pytest.importorskip("tifffile")
    file = BytesIO()
    extra = ["unassalpha"] if pixels.shape[2] == 4 else None
    tifffile.imwrite(file, pixels, photometric="rgb", byteorder=order, compression=compression, extrasamples=extra)
    np.testing.assert_array_equal(read(file), pixels)
    np.testing.assert_array_equal(tifffile.imread(BytesIO(saved(pixels, "TIFF").getvalue())), pixels)


@pytest.mark.parametrize("name", ["convt", "bilinear", "lanczos"])
def test_channels_are_enlarged_as_grey_images_are(rng, name):
    pixels = rng.integers(20_000, 40_000, size=(9, 8, 3), dtype=np.uint16)  # which no filter's overshoots leave
    enlarged = deep.enlarge(pixels, 2, methods.named(name))
    for channel in range(3):
        grey = enlarge(Image.fromarray(np.ascontiguousarray(pixels[..., channel])), 2, methods.named(name))
        difference = enlarged[..., channel].astype(int) - np.asarray(grey)
        assert np.abs(difference).max() <= 1


def test_hidden_colours_do_not_bleed():
    pixels = np.array([[[60000, 0, 0, 65535], [0, 65535, 0, 0]]], np.uint16)
    enlarged = deep.enlarge(pixels, 2, methods.named("convt"))[0]
    np.testing.assert_array_equal(enlarged[:3, :3], [[60000, 0, 0]] * 3)
    np.testing.assert_allclose(enlarged[:, 3], [65535, 49151, 16384, 0], atol=1)


def test_strips_make_the_whole(pixels, monkeypatch):
    whole = deep.enlarge(pixels, 2, methods.named("bicubic"))
    monkeypatch.setattr("convt.images.enlarging._STRIP", 60)
    np.testing.assert_array_equal(deep.enlarge(pixels, 2, methods.named("bicubic")), whole)


@pytest.mark.parametrize("kind", deep.KINDS)
def test_a_file_keeps_its_depth_and_what_it_says(kind):
    pixels = np.full((4, 6, 3), 12345, np.uint16)
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Abacus", 6
    exif.get_ifd(0x8769)[0x829A] = 0.01
    small = saved(pixels, "PNG", exif=exif.tobytes(), dpi=(300, 300), icc_profile=b"a profile")
    large = BytesIO()
    upscale_file(small, large, 3, format=kind)
    np.testing.assert_array_equal(read(large), np.full((18, 12, 3), 12345))
    with Image.open(large) as image:
        assert image.format == kind
        assert image.info["icc_profile"] == b"a profile"
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)
        assert image.getexif()[0x010F] == "Abacus"
        assert 0x0112 not in image.getexif()
        assert image.getexif().get_ifd(0x8769)[0x829A] == pytest.approx(0.01)


def test_bits_are_not_lost_silently(rng, tmp_path):
    with pytest.raises(ValueError, match=r"output must be a file type that holds RGB;16 images, such as \.png, got '-'"):
        upscale_file(saved(np.zeros((4, 4, 3), np.uint16), "PNG"), BytesIO(), 2, format="jpg")
    ppm = BytesIO(b"P6 2 2 65535\n" + bytes(24))
    grey_with_opacity = png(np.zeros((4, 4, 2), np.uint16), 4)
    for source in (ppm, grey_with_opacity):
        with pytest.raises(
            ValueError, match="image must be a PNG or TIFF of one frame in RGB or RGBA if it has more than 8"
        ):
            upscale_file(source, BytesIO(), 2, format="png")


@pytest.mark.parametrize("first", [np.uint8, np.uint16])
def test_pages_of_a_tiff_are_looked_at_before_the_work(first):
    tifffile = pytest.importorskip("tifffile")
    file = BytesIO()
    with tifffile.TiffWriter(file) as pages:
        for dtype in (first, np.uint16):
            pages.write(np.zeros((4, 4, 3), dtype), photometric="rgb")
    with pytest.raises(ValueError, match="of one frame"):
        upscale_file(file, BytesIO(), 2)


def test_a_network_is_not_for_them(tmp_path):
    from convt.demo import network

    network.build().save(tmp_path / "net.npz")
    with pytest.raises(ValueError, match="for a network, got RGB;16"):
        upscale_file(
            saved(np.zeros((8, 8, 3), np.uint16), "PNG"), BytesIO(), 2, method=methods.from_network(tmp_path / "net.npz")
        )
