"""Enlarge an image of Pillow, strip by strip, so that little memory is needed beside the image and the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PIL import Image

from ..core.arguments import as_count
from . import methods
from .modes import continuous

__all__ = ["enlarge", "strips", "upscale_image"]

_STRIP = 2**17  # pixels of the image at most, or one row of it
_STRIP_RESULT = 2**21  # and of the result


def upscale_image(image: Image.Image, scale: int, method: str = methods.DEFAULT) -> Image.Image:
    """Enlarge an image of any of Pillow's modes.

    Grey (8, 16 and 32 bits), RGB, CMYK and similar modes, with or without transparency, keep their mode. Palette images
    become RGB or RGBA, as the entries of a palette cannot be mixed; black and white becomes grey. Colours are weighted by
    their opacity, as in Pillow, so that the colours of transparent pixels do not show at edges.

    Parameters
    ----------
    image : PIL.Image.Image
    scale : int
        At least 1.
    method : {"convt", "bilinear", "bicubic", "lanczos"}
        "convt" is bilinear interpolation by `convt.upsample`; the others are Pillow's filters of that name.

    Returns
    -------
    PIL.Image.Image
        With scale times the width and the height, and the ICC profile.

    Raises
    ------
    ValueError, TypeError
        scale is not an integer of at least 1, or there is no such method.

    Examples
    --------
    >>> from PIL import Image
    >>> from convt.images import upscale_image
    >>> upscale_image(Image.new("RGB", (40, 30), "teal"), 2)  # doctest: +ELLIPSIS
    <PIL.Image.Image image mode=RGB size=80x60 at ...>
    """
    enlarged = enlarge(image, as_count("scale", scale), methods.named(method))
    enlarged.info = {key: value for key, value in image.info.items() if key == "icc_profile"}
    return enlarged


def enlarge(
    image: Image.Image, scale: int, method: methods.Method, done: Callable[[int], object] = lambda pixels: None
) -> Image.Image:
    """Enlarge an image by any method.

    Parameters
    ----------
    image : PIL.Image.Image
    scale : int
        At least 1.
    method : Method
    done : callable, optional
        Told how many pixels of the result each strip has made.

    Raises
    ------
    ValueError
        The method is not for such a scale or such pixels.
    """
    image = continuous(image)
    method.check_scale(scale)
    method.check_mode(image.mode)
    width, height = image.size
    result = Image.new(image.mode, (scale * width, scale * height))
    for top, bottom, above, below in strips(width, height, scale, method.reach):
        strip = method.strip(image.crop((0, above, width, below)), scale)
        wanted = strip.crop((0, scale * (top - above), scale * width, scale * (bottom - above)))
        result.paste(wanted, (0, scale * top))
        done(wanted.width * wanted.height)
    return result


def strips(width: int, height: int, scale: int, reach: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the rows of each strip, from and to, and those that its pixels depend on."""
    rows = max(1, min(_STRIP, _STRIP_RESULT // scale**2) // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        yield top, bottom, max(0, top - reach), min(height, bottom + reach)
