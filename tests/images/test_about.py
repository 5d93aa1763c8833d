"""about: what is said beside the pixels is said again."""

from io import BytesIO

import pytest

Image = pytest.importorskip("PIL.Image")

from PIL import ExifTags, JpegImagePlugin  # noqa: E402

from convt.images import upscale_file  # noqa: E402

TAG = ExifTags.Base


def camera():
    exif = Image.Exif()
    exif[TAG.Orientation], exif[TAG.Make], exif[TAG.ImageWidth] = 6, "Abacus", 8
    exif.get_ifd(ExifTags.IFD.Exif).update({TAG.ExposureTime: 0.01, TAG.ExifImageWidth: 4, TAG.ExifImageHeight: 8})
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    return exif


def again(image, kind, to=None, **options):
    """Written with these options, doubled, and opened."""
    small, large = BytesIO(), BytesIO()
    image.save(small, kind, **options)
    upscale_file(small, large, 2, format=to)
    return Image.open(large)


@pytest.mark.parametrize("to", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_is_kept_with_the_new_size_and_upright(kind, to):
    large = again(Image.new("RGB", (8, 4)), kind, to, exif=camera().tobytes())
    exif = large.getexif()
    assert large.size == (8, 16)
    assert exif[TAG.Make] == "Abacus"
    assert exif.get(TAG.Orientation, 1) == 1
    group = exif.get_ifd(ExifTags.IFD.Exif)
    assert group[TAG.ExposureTime] == pytest.approx(0.01)
    assert (group[TAG.ExifImageWidth], group[TAG.ExifImageHeight]) == (8, 16)
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"


def test_no_exif_is_invented():
    assert "exif" not in again(Image.new("RGB", (8, 4)), "JPEG").info


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_resolution_and_colour_profile_are_kept(kind):
    large = again(Image.new("RGB", (8, 4)), kind, dpi=(300, 200), icc_profile=b"a profile")
    assert large.info["dpi"] == pytest.approx((300, 200), abs=0.01)
    assert large.info["icc_profile"] == b"a profile"


def test_a_resolution_that_is_none_is_not_kept():
    image = Image.new("RGB", (8, 4))
    assert "dpi" not in again(image, "JPEG", "png").info
    assert "dpi" not in again(image, "TIFF", "png", x_resolution=0.0, y_resolution=1.0, resolution_unit=2).info


def test_comment_and_xmp_of_a_jpeg_are_kept():
    large = again(Image.new("RGB", (8, 4)), "JPEG", comment=b"by hand", xmp=b"<x:xmpmeta/>")
    assert (large.info["comment"], large.info["xmp"]) == (b"by hand", b"<x:xmpmeta/>")


@pytest.mark.parametrize(("quality", "subsampling"), [(31, 0), (83, 1), (97, 2)])
def test_a_jpeg_keeps_its_quality(quality, subsampling):
    image = Image.effect_noise((64, 64), 90).convert("RGB")
    small = BytesIO()
    image.save(small, "JPEG", quality=quality, subsampling=subsampling, progressive=True)
    large = again(image, "JPEG", quality=quality, subsampling=subsampling, progressive=True)
    assert large.quantization == Image.open(small).quantization
    assert JpegImagePlugin.get_sampling(large) == subsampling
    assert large.info["progressive"]


def test_a_large_jpeg_is_written_row_by_row(monkeypatch):
    """A progressive one would be held in memory twice over."""
    monkeypatch.setattr("convt.images.about._MOST_PROGRESSIVE", 128)
    assert "progressive" in again(Image.new("L", (8, 4)), "JPEG", progressive=True).info
    assert "progressive" not in again(Image.new("L", (9, 4)), "JPEG", progressive=True).info


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_jpeg_of_any_mode_keeps_its_quality(mode):
    small = BytesIO()
    Image.new(mode, (16, 16)).save(small, "JPEG", quality=40)
    large = again(Image.new(mode, (16, 16)), "JPEG", quality=40)
    assert (large.mode, large.quantization) == (mode, Image.open(small).quantization)


def test_a_quality_that_is_asked_for_wins():
    small, sizes = BytesIO(), []
    Image.effect_noise((64, 64), 90).save(small, "JPEG", quality=50)
    for quality in (5, None, 95):
        large = BytesIO()
        upscale_file(small, large, 2, quality=quality)
        sizes.append(len(large.getvalue()))
    assert sizes[0] < sizes[1] < sizes[2]


def test_others_become_jpegs_of_good_quality():
    wanted = BytesIO()
    Image.new("RGB", (16, 16)).save(wanted, "JPEG", quality=90)
    assert again(Image.new("RGB", (8, 8)), "PNG", "jpg").quantization == Image.open(wanted).quantization


def test_a_tiff_stays_compressed_without_loss():
    assert again(Image.new("RGB", (8, 8)), "TIFF", compression="tiff_lzw").info["compression"] == "tiff_lzw"
    assert again(Image.new("1", (8, 8)), "TIFF", compression="group4").info["compression"] == "raw"
    assert again(Image.new("RGB", (8, 8)), "TIFF", "png", compression="tiff_lzw").format == "PNG"
