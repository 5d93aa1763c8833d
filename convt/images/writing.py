"""Write images: what a file's type can hold is known before the work, and a file is replaced only by a whole one."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from ..hints import did_you_mean
from ..replacing import replacing
from . import deep

__all__ = ["check_holds", "check_output", "check_place", "check_writable", "kind_of", "save", "writable", "write"]

_USUAL = (".png", ".tif", ".jpg")  # file types to suggest
_USUAL_FRAMES = (".gif", ".png", ".tif")
_LARGEST = {"GIF": 65535, "JPEG": 65500, "WEBP": 16383}  # pixels along a side
_MANY_BITS = ("I;16", "I", "F")
_OF_FIXED_SIZES = ("ICNS", "ICO")


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
    check_place(output)


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
    check_output(path, writable())
    check_holds(path, kind_of(path), mode)


def kind_of(path: str | os.PathLike[str], format_: str | None = None) -> str:
    """Pillow's name of the type of a file to write.

    Parameters
    ----------
    path : str or path-like
        Its extension tells, if nothing else does.
    format_ : str, optional
        An extension, with or without the dot.
    """
    kinds = writable()
    if format_ is not None:
        suffix = "." + format_.lower().removeprefix(".")
        if suffix not in kinds:
            names = [each[1:] for each in kinds]
            raise ValueError(f"format must be a known extension such as png, got {format_!r}{did_you_mean(format_, names)}")
        return kinds[suffix]
    suffix = Path(path).suffix.lower()
    if suffix not in kinds:
        raise ValueError(f"output must end in a known extension such as .png, got '{path}'")
    return kinds[suffix]


def check_holds(path: str | os.PathLike[str], kind: str, mode: str, size: tuple[int, int] = (1, 1), count: int = 1) -> None:
    """Raise unless files of a type can hold that many frames of such pixels, and of such a size."""
    if max(size) > _LARGEST.get(kind, max(size)):
        raise ValueError(f"output must be a file type that holds {size[0]} x {size[1]} pixels, such as .png, got '{path}'")
    if count > 1 and kind not in Image.SAVE_ALL:
        fit = next(suffix for suffix in _USUAL_FRAMES if _holds(Image.registered_extensions()[suffix], mode))
        raise ValueError(f"output must be a file type that holds {count} frames, such as {fit}, got '{path}'")
    if not _holds(kind, mode):
        fits = (f", such as {suffix}" for suffix in _USUAL if _holds(Image.registered_extensions()[suffix], mode))
        raise ValueError(f"output must be a file type that holds {mode} images{next(fits, '')}, got '{path}'")


def write(image: Image.Image, path: str | os.PathLike[str]) -> None:
    """Write an image, with its colour profile, in the format that the extension names."""
    with replacing(path) as file:
        save([image], file, kind_of(path), {"icc_profile": image.info.get("icc_profile")})


def save(images: Sequence[Image.Image | deep.Pixels], file: BinaryIO, kind: str, options: Mapping[str, Any]) -> None:
    """Write one image, of any depth, or all frames of one, to an open file that can be read and sought.

    Raises
    ------
    ValueError
        The encoder refuses.
    OSError
        The file cannot be written.
    """
    if not isinstance(images[0], Image.Image):
        deep.save(images[0], file, kind, options)
        return
    frames = [image for image in images if isinstance(image, Image.Image)]
    if len({image.mode for image in frames}) > 1 and kind != "TIFF":
        frames = [image.convert("RGBA") for image in frames]
    if kind == "GIF":
        frames = [_without_shades(image) for image in frames]
    first, *rest = frames
    several: dict[str, Any] = {"save_all": True, "append_images": rest} if rest else {}
    if kind == "GIF" and first.mode == "RGBA":
        several["disposal"] = 2  # what was there before does not show through
    try:
        first.save(file, kind, **options, **several)
    except MemoryError:
        raise
    except OSError as error:
        if error.errno is not None:
            raise
        raise _refused(kind, error) from error
    except Exception as error:  # encoders raise what they like
        raise _refused(kind, error) from error


def _without_shades(image: Image.Image) -> Image.Image:
    """Make what is half transparent opaque or transparent: a GIF knows nothing between."""
    if image.mode not in ("LA", "RGBA"):
        return image
    image = image.convert("RGBA")
    image.putalpha(image.getchannel("A").point(lambda opacity: 255 if opacity > 127 else 0))
    return image


def _refused(kind: str, error: Exception) -> ValueError:
    return ValueError(f"output must be a file type that can hold the image, got {kind}: {error}")


def writable() -> dict[str, str]:
    """The types of file that can be written with any size of image, by extension."""
    known = Image.registered_extensions()
    return {suffix: kind for suffix, kind in known.items() if kind in Image.SAVE and kind not in _OF_FIXED_SIZES}


def check_place(path: Path, argument: str = "output") -> None:
    """Raise unless a file may be written there.

    Parameters
    ----------
    path : Path
    argument : str
        Whose value it is, for messages.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise FileNotFoundError(f"{argument} must be a file in an existing directory, got '{path}'")
    needed = [path] if path.exists() else []
    if not needed or path.is_file():
        needed.append(path.resolve().parent)  # a file is written beside the one that it replaces
    if not all(os.access(each, os.W_OK) for each in needed):
        raise PermissionError(f"{argument} must be writable, got '{path}'")


def _holds(kind: str, mode: str) -> bool:
    """Return whether files of a type can hold such pixels; of more than 8 bits, whether all of these come back."""
    if mode in deep.MODES:
        return kind in deep.KINDS
    file = BytesIO()
    try:
        Image.new(mode, (1, 1)).save(file, kind)
        if mode not in _MANY_BITS:
            return True
        with Image.open(file) as image:
            return image.mode.startswith(_MANY_BITS)
    except Exception:  # encoders raise what they like
        return False
