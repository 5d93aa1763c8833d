"""Read, enlarge and write images; needs Pillow.

`upscale_image` enlarges an image of Pillow with `convt.upsample`. `upscale_file` enlarges a file, as
``python -m convt upscale`` does.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .core.arguments import as_count
from .functions.upsampling import upsample
from .optional import require
from .replacing import replacing

require("convt.images", "PIL")

from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: E402 - only with Pillow

__all__ = ["check_output", "check_writable", "read", "upscale_file", "upscale_image", "write"]

_KEPT_MODES = ("L", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F")
_USUAL = (".png", ".tif", ".jpg")  # file types to suggest
_TRACE = 1e-4  # opacity, of 255: too little to be seen, enough to divide by


def upscale_image(image: Image.Image, scale: int) -> Image.Image:
    """Enlarge an image of any of Pillow's modes.

    Grey (8, 16 and 32 bits), RGB, CMYK and similar modes, with or without transparency, keep their mode. Palette images
    become RGB or RGBA, as the entries of a palette cannot be mixed; black and white becomes grey. Colours are weighted by
    their opacity, as in Pillow, so that the colours of transparent pixels do not show at edges.

    Parameters
    ----------
    image : PIL.Image.Image
    scale : int
        At least 1.

    Returns
    -------
    PIL.Image.Image
        With scale times the width and the height.

    Raises
    ------
    ValueError, TypeError
        scale is not an integer of at least 1.

    Examples
    --------
    >>> from PIL import Image
    >>> from convt.images import upscale_image
    >>> upscale_image(Image.new("RGB", (40, 30), "teal"), 2)  # doctest: +ELLIPSIS
    <PIL.Image.Image image mode=RGB size=80x60 at ...>
    """
    image = _continuous(image)
    pixels = np.asarray(image)
    dtype = np.float64 if pixels.dtype.itemsize == 4 else np.float32
    planes = np.atleast_3d(pixels).transpose(2, 0, 1).astype(dtype)
    enlarged = _by_opacity(planes, scale) if image.mode in ("LA", "RGBA") else upsample(planes, scale, mode="bilinear")
    return _as_image(enlarged, pixels.dtype, image)


def upscale_file(image: str | os.PathLike[str], output: str | os.PathLike[str], scale: int) -> None:
    """Enlarge an image file. Both files are checked before the work starts.

    Parameters
    ----------
    image, output : str or path-like
        The file to read and the file to write, which may be the same.
    scale : int
        At least 1.

    Raises
    ------
    ValueError, OSError
        scale is below 1, image is not an image, or output cannot be written.
    """
    scale = as_count("scale", scale)
    picture = read(image)
    check_writable(output, _continuous(picture).mode)
    write(upscale_image(picture, scale), output)


def read(path: str | os.PathLike[str]) -> Image.Image:
    """Read the first image of a file, and turn it upright as its EXIF orientation says.

    Parameters
    ----------
    path : str or path-like
        A file of any type that Pillow reads.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no such file, or it cannot be read as an image.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"image must be an existing file, got '{path}'")
    try:
        with Image.open(path) as image:
            image.load()
            return ImageOps.exif_transpose(image)
    except UnidentifiedImageError:
        raise ValueError(f"image must be a file that Pillow can read, got '{path}', which is none") from None
    except Exception as error:  # decoders raise whatever they stumble over
        raise ValueError(f"image must be a file that Pillow can read, got '{path}': {error}") from error


def check_output(path: str | os.PathLike[str], suffixes: Collection[str]) -> None:
    """Raise unless a file of that name could be written.

    Parameters
    ----------
    path : str or path-like
    suffixes : collection of str
        The file name extensions to allow, in lower case, with the dot.

    Raises
    ------
    ValueError, OSError
        The extension is none of these; the directory is missing, or writing there is forbidden.
    """
    output = Path(path)
    if output.suffix.lower() not in suffixes:
        raise ValueError(f"output must end in a known extension such as .png, got '{path}'")
    if output.is_dir() or not output.parent.is_dir():
        raise FileNotFoundError(f"output must be a file in an existing directory, got '{path}'")
    needed = [output] if output.exists() else []
    if not needed or output.is_file():
        needed.append(output.resolve().parent)  # a file is written beside the one that it replaces
    if not all(os.access(each, os.W_OK) for each in needed):
        raise PermissionError(f"output must be writable, got '{path}'")


def check_writable(path: str | os.PathLike[str], mode: str) -> None:
    """Raise unless an image of this mode could be written to that file.

    Parameters
    ----------
    path : str or path-like
    mode : str
        Pillow's name for the kind of pixels: "L", "RGB", "RGBA", "I;16", ...

    Raises
    ------
    ValueError, OSError
        As in `check_output`, or a file with that extension cannot hold such pixels.
    """
    known = Image.registered_extensions()
    check_output(path, [suffix for suffix, kind in known.items() if kind in Image.SAVE])
    if not _holds(Path(path).suffix.lower(), mode):
        fit = next((f", such as {suffix}" for suffix in _USUAL if _holds(suffix, mode)), "")
        raise ValueError(f"output must be a file type that holds {mode} images{fit}, got '{path}'")


def write(image: Image.Image, path: str | os.PathLike[str]) -> None:
    """Write an image, with its colour profile, in the format that the extension names."""
    kind = Image.registered_extensions()[Path(path).suffix.lower()]
    with replacing(path) as file:
        image.save(file, kind, icc_profile=image.info.get("icc_profile"))


def _holds(suffix: str, mode: str) -> bool:
    """Return whether files with that extension can hold such pixels."""
    try:
        Image.new(mode, (1, 1)).save(BytesIO(), Image.registered_extensions()[suffix])
    except Exception:  # encoders raise what they like
        return False
    return True


def _continuous(image: Image.Image) -> Image.Image:
    """Convert an image to a mode in which the mean of two pixel values is the colour between them."""
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
    """Enlarge planes of which the last is the opacity. A trace added to it keeps the colours of transparent pixels."""
    colours, opacity = planes[:-1], planes[-1:] + _TRACE
    enlarged = upsample(np.concatenate([colours * opacity, opacity]), scale, mode="bilinear")
    enlarged[:-1] /= enlarged[-1:]
    enlarged[-1:] -= _TRACE
    return enlarged


def _as_image(planes: NDArray[Any], dtype: np.dtype[Any], like: Image.Image) -> Image.Image:
    if dtype.kind != "f":
        limits = np.iinfo(dtype)
        planes = np.clip(np.rint(planes), limits.min, limits.max)
    bands = [Image.fromarray(plane) for plane in planes.astype(dtype)]
    image = bands[0] if len(bands) == 1 else Image.merge(like.mode, bands)
    image.info = {key: value for key, value in like.info.items() if key == "icc_profile"}
    return image
