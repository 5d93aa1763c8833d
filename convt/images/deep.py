"""Images with 16 bits for each colour, PNG and TIFF. Pillow has no such mode; it reads the upper 8 bits of each number.

They are arrays here. The lower 8 bits come from Pillow too: a file is read once more as if the two bytes of each number were
in the other order. Pillow also writes all of a file but its pixels, for an image of one pixel.
"""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, PngImagePlugin, TiffImagePlugin, TiffTags

from .enlarging import strips
from .methods import Method
from .reading import Source, decoding, frames, name_of, opened

__all__ = ["KINDS", "MODES", "Pixels", "enlarge", "is_deep", "mode_of", "read", "save"]

Pixels = NDArray[np.uint16]

KINDS = ("PNG", "TIFF")
MODES = ("RGB;16", "RGBA;16")  # for messages; Pillow has none

_FULL = 65535
_TRACE = 1e-2  # opacity, of the full range: too little to be seen, enough to divide by
_OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_ROWS = 64  # to compress at a time


def is_deep(image: Image.Image, source: Source) -> bool:
    """Whether an opened image has 16 bits for each colour.

    Raises
    ------
    ValueError
        It has more than 8, and they cannot be read.
    """
    bits, several = {_bits(image)}, False
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        with decoding(source):
            several = image.n_frames > 1
            for place in range(image.n_frames):
                image.seek(place)
                bits.add(_bits(image))
            image.seek(0)
    if bits == {8}:
        return False
    if bits == {16} and not several and "transparency" not in image.info:
        return True
    raise ValueError(
        "image must be a PNG or TIFF of one frame in RGB or RGBA if it has more than 8 bits for each colour, "
        f"got '{name_of(source)}'"
    )


def mode_of(pixels: Pixels) -> str:
    """Which of `MODES` it is."""
    return MODES[pixels.shape[2] - 3]


def read(image: Image.Image, source: Source) -> Pixels:
    """The pixels of a deep image that has been opened and whose first frame has been read, upright.

    Parameters
    ----------
    image : PIL.Image.Image
        That frame.
    source : str, path-like or BytesIO
        Where it comes from.

    Returns
    -------
    ndarray of uint16, (H, W, 3 or 4)
    """
    with opened(source) as again:
        assert isinstance(again, ImageFile.ImageFile)
        again.tile = [tile._replace(args=_in_other_order(tile.args)) for tile in again.tile]
        lower = np.asarray(next(frames(again, source, limit=np.inf)))
    pixels = np.asarray(image).astype(np.uint16)
    pixels <<= 8
    pixels |= lower
    return pixels


def enlarge(pixels: Pixels, scale: int, method: Method, done: Callable[[int], object] = lambda pixels: None) -> Pixels:
    """As `enlarging.enlarge`, channel by channel as images of floating-point numbers."""
    method.check_mode(mode_of(pixels))
    height, width, channels = pixels.shape
    result = np.empty((scale * height, scale * width, channels), np.uint16)
    for top, bottom, above, below in strips(width, height, scale, method.reach):
        values = pixels[above:below].astype(np.float32)
        if channels == 4:
            values[..., 3:] += np.float32(_TRACE)  # keeps the colours of transparent pixels
            values[..., :3] *= values[..., 3:] / _FULL
        planes = [method.strip(Image.fromarray(np.ascontiguousarray(plane)), scale) for plane in np.moveaxis(values, 2, 0)]
        kept = slice(scale * (top - above), scale * (bottom - above))
        enlarged = np.stack([np.asarray(plane)[kept] for plane in planes], axis=2)
        if channels == 4:
            enlarged[..., 3:] = np.maximum(enlarged[..., 3:], np.float32(_TRACE))
            enlarged[..., :3] /= enlarged[..., 3:] / _FULL
            enlarged[..., 3:] -= np.float32(_TRACE)
        result[scale * top : scale * bottom] = np.clip(np.rint(enlarged), 0, _FULL)
        done(scale**2 * (bottom - top) * width)
    return result


def save(pixels: Pixels, file: BinaryIO, kind: str, options: Mapping[str, Any]) -> None:
    """Write a PNG or TIFF, with what Pillow's `save` makes of the options."""
    if kind == "PNG":
        _save_png(pixels, file, options)
    else:
        _save_tiff(pixels, file, options)


def _bits(image: Image.Image) -> int | None:
    """How many bits each colour has: 16 if both of their bytes can be read, None if there are more than Pillow reads."""
    if image.mode.startswith(("I", "F")) or not isinstance(image, ImageFile.ImageFile) or not image.tile:
        return 8  # or all that there are
    codec, _, _, args = image.tile[0]
    arguments = args if isinstance(args, tuple) else (args,)
    if image.mode in ("RGB", "RGBA") and arguments[0] in [f"{image.mode};16{order}" for order in _OTHER_ORDER]:
        return 16
    known = codec == "SGI16" or ";16" in str(arguments[0]) or (codec == "ppm" and arguments[1] > 255)
    told = (
        image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (8,)) if isinstance(image, TiffImagePlugin.TiffImageFile) else (8,)
    )
    return None if known or max(told) > 8 else 8


def _in_other_order(args: Any) -> Any:
    if isinstance(args, tuple):
        return (_in_other_order(args[0]), *args[1:])
    return args[:-1] + _OTHER_ORDER[args[-1]]


def _save_png(pixels: Pixels, file: BinaryIO, options: Mapping[str, Any]) -> None:
    """Pillow's file of one pixel, with another header and other pixels."""
    small = BytesIO()
    Image.new("RGB" if pixels.shape[2] == 3 else "RGBA", (1, 1)).save(small, "PNG", **options)
    height, width = pixels.shape[:2]
    file.write(small.getvalue()[:8])
    for name, data in _chunks(small.getvalue()):
        if name == b"IHDR":
            data = struct.pack(">IIB", width, height, 16) + data[9:]
        if name != b"IDAT":
            PngImagePlugin.putchunk(file, name, data)
            continue
        for part in _compressed(pixels):
            PngImagePlugin.putchunk(file, name, part)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        yield png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        place += length + 12


def _compressed(pixels: Pixels) -> Iterator[bytes]:
    """A PNG's pixels: of each row the differences from the row above (filter 2)."""
    compressor = zlib.compressobj(6)
    above = np.zeros((1, pixels.shape[1] * pixels.shape[2] * 2), np.uint8)
    for top in range(0, len(pixels), _ROWS):
        rows = pixels[top : top + _ROWS].astype(">u2").reshape(-1, pixels.shape[1] * pixels.shape[2]).view(np.uint8)
        differences = np.diff(rows, axis=0, prepend=above)
        above = rows[-1:]
        part = compressor.compress(np.insert(differences, 0, 2, axis=1).tobytes())
        if part:
            yield part
    yield compressor.flush()


def _save_tiff(pixels: Pixels, file: BinaryIO, options: Mapping[str, Any]) -> None:
    """The tags of Pillow's file of one pixel, with other sizes, and the pixels, not compressed."""
    small = BytesIO()
    Image.new("RGB" if pixels.shape[2] == 3 else "RGBA", (1, 1)).save(
        small, "TIFF", **{key: value for key, value in options.items() if key != "compression"}
    )
    with Image.open(small) as written:
        assert isinstance(written, TiffImagePlugin.TiffImageFile)
        tags = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0\0\0\0\0")
        for tag, value in written.tag_v2.items():
            tags.tagtype[tag] = written.tag_v2.tagtype[tag]
            tags[tag] = written.getexif().get_ifd(tag) if tag in TiffTags.TAGS_V2_GROUPS else value
    height, width, channels = pixels.shape
    tags[TiffImagePlugin.IMAGEWIDTH], tags[TiffImagePlugin.IMAGELENGTH] = width, height
    tags[TiffImagePlugin.BITSPERSAMPLE] = (16,) * channels
    tags[TiffImagePlugin.ROWSPERSTRIP] = height
    tags[TiffImagePlugin.STRIPBYTECOUNTS] = pixels.nbytes
    tags[TiffImagePlugin.STRIPOFFSETS] = 0  # counted from the end of the tags
    tags.save(file)
    for top in range(0, height, _ROWS):
        file.write(pixels[top : top + _ROWS].astype("<u2").tobytes())
