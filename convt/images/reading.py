"""Read images: one limit for how large they may be, one error for whatever is wrong with a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

from PIL import Image, ImageOps, UnidentifiedImageError

__all__ = ["LIMIT", "Source", "decoding", "frame_count", "frames", "name_of", "opened", "read"]

LIMIT = 500.0  # megapixels: 2 GB of memory

_ONE_PICTURE = ("MPO", "PSD")  # what follows the picture is its preview, another view of it, or one of its layers


Source: TypeAlias = "str | os.PathLike[str] | BytesIO"


def read(path: str | os.PathLike[str]) -> Image.Image:
    """Read the first image of a file, and turn it upright as its EXIF orientation says.

    Parameters
    ----------
    path : str or path-like
        A file of any type that Pillow reads.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no such file, it cannot be read as an image, or has more than `LIMIT` megapixels.
    """
    with opened(path) as image:
        return next(frames(image, path))


@contextmanager
def opened(source: Source) -> Iterator[Image.Image]:
    """Open an image of any size; no pixels are read yet.

    Parameters
    ----------
    source : str, path-like or BytesIO
        A file, or what it holds.
    """
    if not isinstance(source, BytesIO) and not Path(source).is_file():
        raise FileNotFoundError(f"image must be an existing file, got '{source}'")
    with _of_any_size():
        with decoding(source):
            if not (source.getbuffer().nbytes if isinstance(source, BytesIO) else Path(source).stat().st_size):
                raise ValueError("it is empty")
            image = Image.open(source)
        with image:
            yield image


def frame_count(image: Image.Image, source: Source) -> int:
    """How many frames or pages an opened image has. Previews, second views and layers of the same picture do not count."""
    return len(_places(image, source))


def frames(image: Image.Image, source: Source, *, scale: int = 1, limit: float = LIMIT) -> Iterator[Image.Image]:
    """Read the frames of an opened image, each turned upright.

    Parameters
    ----------
    image : PIL.Image.Image
    source : str, path-like or BytesIO
        Where it comes from.
    scale : int
        By how much they are to be enlarged.
    limit : float
        How many megapixels they may have then, all together; this is known before pixels are read.
    """
    places = _places(image, source)
    for place in places:
        with decoding(source):
            if place:
                image.seek(place)
        _check_size(source, image.size, scale, len(places), limit)
        with decoding(source):
            image.load()
            if len(places) > 1:
                frame = ImageOps.exif_transpose(image)
            else:  # without a copy
                ImageOps.exif_transpose(image, in_place=True)
                frame = image
        yield frame


def name_of(source: Source) -> str:
    """A file's name for messages; of what has been read already, "-"."""
    return "-" if isinstance(source, BytesIO) else str(source)


def _check_size(source: Source, size: tuple[int, int], scale: int, count: int, limit: float) -> None:
    width, height = size
    if not width * height:
        raise ValueError(f"image must have pixels, got '{name_of(source)}' of {width} x {height}")
    if scale**2 * width * height * count > 1e6 * limit:
        what = f"{scale * width} x {scale * height}" + (f" in {count} frames" if count > 1 else "")
        raise ValueError(
            f"image must make at most {limit:g} megapixels unless the limit is raised, got {what} of '{name_of(source)}'"
        )


def _places(image: Image.Image, source: Source) -> range:
    if image.format in _ONE_PICTURE:
        return range(1)
    with decoding(source):
        first = 1 if getattr(image, "default_image", False) else 0  # which is shown instead of an animation
        return range(first, int(getattr(image, "n_frames", 1)))


@contextmanager
def _of_any_size() -> Iterator[None]:
    """Without Pillow's own limit, which is a warning first and cannot be told what for."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


@contextmanager
def decoding(source: Source) -> Iterator[None]:
    """Errors of decoders, which raise whatever they stumble over, name the file."""
    try:
        yield
    except UnidentifiedImageError:
        raise ValueError(f"image must be a file that Pillow can read, got '{name_of(source)}', which is none") from None
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(f"image must be a file that Pillow can read, got '{name_of(source)}': {error}") from error
