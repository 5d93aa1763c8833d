"""Kinds of pixels: which can be mixed as they are, and what the others become."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Planes", "continuous", "planewise"]

Planes = NDArray[Any]

_KEPT = ("L", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F")
_TRACE = 1e-4  # opacity, of 255: too little to be seen, enough to divide by


def continuous(image: Image.Image) -> Image.Image:
    """Convert an image to a mode in which the mean of two pixel values is the colour between them.

    Parameters
    ----------
    image : PIL.Image.Image
        Of any mode.

    Returns
    -------
    PIL.Image.Image
        The image itself, if its mode is such a one.
    """
    if image.mode in ("La", "RGBa", "PA"):
        return image.convert("LA" if image.mode == "La" else "RGBA")
    if "transparency" in image.info and image.mode in ("1", "L", "P", "RGB"):
        return image.convert("LA" if image.mode in ("1", "L") else "RGBA")
    if image.mode in _KEPT:
        return image
    if image.mode.startswith("I;16"):
        return image.convert("I").convert("I;16")
    return image.convert("L" if image.mode == "1" else "RGB")


def planewise(image: Image.Image, enlarge: Callable[[Planes], Planes]) -> Image.Image:
    """Enlarge an image by a function of its planes, and keep its mode.

    Colours are weighted by their opacity, as in Pillow, so that the colours of transparent pixels do not show at edges.

    Parameters
    ----------
    image : PIL.Image.Image
        Of a `continuous` mode.
    enlarge : callable
        From and to planes (C, H, W): float64 for pixels of 32 bits, else float32.
    """
    pixels = np.asarray(image)
    planes: Planes = np.atleast_3d(pixels).transpose(2, 0, 1).astype("f8" if pixels.dtype.itemsize == 4 else "f4")
    if image.mode in ("LA", "RGBA"):
        opacity = planes[-1:] + _TRACE  # of transparent pixels the trace keeps the colours
        planes = enlarge(np.concatenate([planes[:-1] * opacity, opacity]))
        opacity = np.maximum(planes[-1:], _TRACE)
        planes = np.concatenate([planes[:-1] / opacity, opacity - _TRACE])
    else:
        planes = enlarge(planes)
    if pixels.dtype.kind != "f":
        limits = np.iinfo(pixels.dtype)
        planes = np.clip(np.rint(planes), limits.min, limits.max)
    bands = [Image.fromarray(plane) for plane in planes.astype(pixels.dtype)]
    return bands[0] if len(bands) == 1 else Image.merge(image.mode, bands)
