"""modes: what enlarging keeps of each kind of pixels."""

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")

import convt  # noqa: E402
from convt.images import upscale_image  # noqa: E402 - needs Pillow


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


@pytest.mark.parametrize("mode", ["I;16B", "I;16L", "I;16N"])
def test_any_order_of_bytes_is_sixteen_bits(mode):
    enlarged = upscale_image(Image.new(mode, (3, 2), 50000), 2)
    assert (enlarged.mode, enlarged.getpixel((3, 2))) == ("I;16", 50000)


def test_every_mode_of_pillow_can_be_enlarged():
    for mode in Image.MODES:
        assert upscale_image(Image.new(mode, (3, 2)), 2).size == (6, 4)
