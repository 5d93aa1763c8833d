"""Enlarging by a whole number: bilinear interpolation as one transposed convolution per channel.

`upscale` does arrays, `upscale_image` Pillow's images, `upscale_file` files, which is ``python -m convt upscale``. The
filter is `filters.bilinear`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .filters import bilinear
from .functions.operators import conv_transpose
from .optional import require

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["upscale", "upscale_file", "upscale_image"]

_KEPT_MODES = ("L", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F")
_TRACE = 1e-4  # of 255: too little to be seen, enough to divide by


def upscale(x: Any, scale: int) -> NDArray[np.floating[Any]]:
    """Enlarge by bilinear interpolation.

    The border pixels are repeated once around x, so that the border of y is as bright as that of x.

    Parameters
    ----------
    x : array_like, (N, C, H, W) or (C, H, W)
        Integers count as float64.
    scale : int
        Fine pixels per coarse pixel along each axis, at least 1.

    Returns
    -------
    ndarray, (N, C, H * scale, W * scale) or (C, H * scale, W * scale)
        Of x's floating type, aligned with x at the outer corners.

    Raises
    ------
    ValueError, TypeError
        scale is no integer of at least 1.

    References
    ----------
    .. [1] J. Long, E. Shelhamer and T. Darrell, "Fully convolutional networks for semantic segmentation",
           arXiv:1411.4038.

    Examples
    --------
    >>> from convt.upscale import upscale
    >>> upscale([[[1.0, 4.0]]], 3)
    array([[[1., 1., 2., 3., 4., 4.],
            [1., 1., 2., 3., 4., 4.],
            [1., 1., 2., 3., 4., 4.]]])
    """
    x = np.asarray(x)
    if x.dtype.kind != "f":
        x = x.astype(np.float64)
    channels = x.shape[-3]
    w = bilinear(scale, channels).astype(x.dtype)
    around = [(0, 0)] * (x.ndim - 2) + [(1, 1), (1, 1)]
    wider = np.pad(x, around, mode="edge")
    y: NDArray[np.floating[Any]] = conv_transpose(wider, w, stride=scale, padding=scale // 2 + scale, groups=channels)
    return y


def upscale_image(image: Image, scale: int) -> Image:
    """Enlarge an image of any of Pillow's modes.

    Grey (8, 16 and 32 bits), RGB, CMYK and their like with transparency keep their mode; palettes, which have nothing
    between two entries, become RGB or RGBA, black and white becomes grey. Colours are weighted by their opacity, as Pillow
    does, so that hidden ones do not show at the edges.

    Parameters
    ----------
    image : PIL.Image.Image
    scale : int
        At least 1.

    Returns
    -------
    PIL.Image.Image
        Of scale times the width and the height.

    Raises
    ------
    ValueError, TypeError
        scale is no integer of at least 1.

    Examples
    --------
    >>> from PIL import Image
    >>> from convt.upscale import upscale_image
    >>> upscale_image(Image.new("RGB", (40, 30), "teal"), 2)  # doctest: +ELLIPSIS
    <PIL.Image.Image image mode=RGB size=80x60 at ...>
    """
    image = _continuous(image)
    pixels = np.asarray(image)
    dtype = np.float64 if pixels.dtype.itemsize == 4 else np.float32
    planes = np.atleast_3d(pixels).transpose(2, 0, 1).astype(dtype)
    enlarged = _by_opacity(planes, scale) if image.mode in ("LA", "RGBA") else upscale(planes, scale)
    return _as_image(enlarged, pixels.dtype, image)


def upscale_file(image: str | os.PathLike[str], output: str | os.PathLike[str], scale: int) -> None:
    """Enlarge an image file; everything that can be wrong is told before the work starts.

    Parameters
    ----------
    image, output : str or path-like
        The file to read and the file to write, which may be the same.
    scale : int
        At least 1.

    Raises
    ------
    MissingPackage
        Pillow is not installed.
    ValueError, OSError
        scale is below 1, image is no image, or output cannot be written.
    """
    require("upscale", "PIL")
    from . import imagefile

    bilinear(scale)  # refuses a wrong scale before any file is touched
    picture = imagefile.read(image)
    imagefile.check_writable(output, _continuous(picture).mode)
    imagefile.write(upscale_image(picture, scale), output)


def _continuous(image: Image) -> Image:
    """The image in a mode where the mean of two pixel values is the colour between them."""
    if image.mode in ("La", "RGBa", "PA"):
        return image.convert("LA" if image.mode == "La" else "RGBA")
    if "transparency" in image.info and image.mode in ("1", "L", "P", "RGB"):
        return image.convert("LA" if image.mode in ("1", "L") else "RGBA")
    if image.mode in _KEPT_MODES:
        return image
    if image.mode.startswith("I;16"):
        return image.convert("I")
    return image.convert("L" if image.mode == "1" else "RGB")


def _by_opacity(planes: NDArray[Any], scale: int) -> NDArray[Any]:
    """Enlarge planes of which the last is the opacity; a trace of it keeps the colour of what is wholly transparent."""
    colours, opacity = planes[:-1], planes[-1:] + _TRACE
    enlarged = upscale(np.concatenate([colours * opacity, opacity]), scale)
    enlarged[:-1] /= enlarged[-1:]
    enlarged[-1:] -= _TRACE
    return enlarged


def _as_image(planes: NDArray[Any], dtype: np.dtype[Any], like: Image) -> Image:
    from PIL import Image

    if dtype.kind != "f":
        limits = np.iinfo(dtype)
        planes = np.clip(np.rint(planes), limits.min, limits.max)
    bands = [Image.fromarray(plane) for plane in planes.astype(dtype)]
    image = bands[0] if len(bands) == 1 else Image.merge(like.mode, bands)
    image.info = {key: value for key, value in like.info.items() if key == "icc_profile"}
    return image
