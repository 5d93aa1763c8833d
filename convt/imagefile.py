"""Image files, through Pillow: read whole, with clear errors, and a place to write to that is checked before any work.

Needs Pillow; `optional.require` is asked by whoever imports this.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

__all__ = ["check_output", "check_writable", "read", "write"]


def read(path: str | os.PathLike[str]) -> Image.Image:
    """The first image of a file, decoded and turned upright as its EXIF orientation says.

    Parameters
    ----------
    path : str or path-like
        A file of any type that Pillow reads.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no such file; it is no image, or a broken one.
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
        The file name extensions to allow, in lower case, with their dot.

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
    if not os.access(output if output.exists() else output.parent, os.W_OK):
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
        As `check_output`; or files of that extension cannot hold such pixels.
    """
    known = Image.registered_extensions()
    check_output(path, [suffix for suffix, kind in known.items() if kind in Image.SAVE])
    try:
        Image.new(mode, (1, 1)).save(BytesIO(), known[Path(path).suffix.lower()])
    except Exception:  # encoders raise what they like
        raise ValueError(f"output must be a file type that holds {mode} images, such as .png, got '{path}'") from None


def write(image: Image.Image, path: str | os.PathLike[str]) -> None:
    """Write an image in the type that the extension names, its colour profile included."""
    image.save(path, icc_profile=image.info.get("icc_profile"))
