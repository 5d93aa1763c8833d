"""`upscale_file`: an image file, enlarged with all its frames and what it says about itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from PIL import Image

from ..core.arguments import as_count
from ..replacing import replacing
from . import deep, methods
from .about import about, options_for
from .enlarging import enlarge
from .modes import continuous
from .reading import LIMIT, Source, frame_count, frames, opened
from .writing import check_holds, check_place, kind_of, save, writable

__all__ = ["check_quality", "upscale_file"]


def upscale_file(
    image: Source,
    output: str | os.PathLike[str] | BinaryIO,
    scale: int,
    *,
    method: str | methods.Method = methods.DEFAULT,
    format: str | None = None,  # noqa: A002 - Pillow's name
    quality: int | None = None,
    limit: float = LIMIT,
    progress: Callable[[int, int], object] = lambda done, pixels: None,
) -> None:
    """Enlarge an image file: all its frames, upright.

    The colour profile, EXIF but for its preview, the resolution, comment and durations are kept where the new file can hold
    them, and the quality of a JPEG in a JPEG. All is checked before the work starts.

    Parameters
    ----------
    image : str, path-like or BytesIO
        The file to read, or what it holds.
    output : str, path-like or binary file
        The file to write, which may be the same.
    scale : int
        At least 1.
    method : {"convt", "bilinear", "bicubic", "lanczos"} or Method
        As in `upscale_image`; or, from `methods.from_network`, a network.
    format : str, optional
        The type of the output, as an extension; by default that of its name, for a binary file that of the image, or PNG.
    quality : int, optional
        From 1 to 100, for JPEG, WebP and AVIF; by default that of a JPEG which becomes a JPEG, else 90.
    limit : float
        How many megapixels all frames of the result may have.
    progress : callable, optional
        Called with the number of pixels that are done and of all.

    Raises
    ------
    ValueError, OSError
        An argument breaks a rule, image is not an image or too large, or output cannot be written.
    """
    scale = as_count("scale", scale)
    way = methods.named(method) if isinstance(method, str) else method
    check_quality(quality)
    way.check_scale(scale)
    images, kind, options = _enlarged(image, output, scale, way, format, quality, limit, progress)
    if isinstance(output, (str, os.PathLike)):
        with replacing(output) as file:
            save(images, file, kind, options)
        return
    with TemporaryFile() as whole:
        save(images, whole, kind, options)
        whole.seek(0)
        copyfileobj(whole, output)


def check_quality(quality: int | None) -> None:
    """Raise unless there is such a quality of a lossy file."""
    if quality is not None and not 1 <= quality <= 100:
        raise ValueError(f"quality must be from 1 to 100, got {quality}")


def _enlarged(
    image: Source,
    output: str | os.PathLike[str] | BinaryIO,
    scale: int,
    method: methods.Method,
    format_: str | None,
    quality: int | None,
    limit: float,
    progress: Callable[[int, int], object],
) -> tuple[list[Image.Image | deep.Pixels], str, dict[str, Any]]:
    """The frames of the result, the type of its file, and what it says. What was read is forgotten when this returns."""
    target = output if isinstance(output, (str, os.PathLike)) else "-"
    if target != "-":
        check_place(Path(target))
    made: list[Image.Image | deep.Pixels] = []
    options: dict[str, Any] = {}
    durations: list[float] = []
    done = total = 0

    def strip_done(pixels: int) -> None:
        nonlocal done
        done += pixels
        progress(done, max(done, total))

    with opened(image) as source:
        kind = kind_of(target if target != "-" else "-" + _suffix_of(source), format_)
        count = frame_count(source, image)
        deeply = deep.is_deep(source, image)
        for frame in frames(source, image, scale=scale, limit=limit):
            total = scale**2 * frame.width * frame.height * count
            durations.append(frame.info.get("duration", 0))
            picture = deep.read(frame, image) if deeply else continuous(frame)
            mode = picture.mode if isinstance(picture, Image.Image) else deep.mode_of(picture)
            method.check_mode(mode)
            size = scale * frame.width, scale * frame.height
            check_holds(target, kind, mode, size, count)
            options = options or options_for(about(source, frame), kind, size, quality)
            del frame  # which is large
            if isinstance(picture, Image.Image):
                made.append(enlarge(picture, scale, method, strip_done))
            else:
                made.append(deep.enlarge(picture, scale, method, strip_done))
    return made, kind, options | ({"duration": durations} if any(durations) else {})


def _suffix_of(image: Image.Image) -> str:
    """An extension for the type of an opened image, or for PNG where no such file can be written."""
    return next((suffix for suffix, kind in writable().items() if kind == image.format), ".png")
