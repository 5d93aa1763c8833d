"""What a file says about its picture beside the pixels, and how an enlarged one says it again.

Colour profile, resolution, comment and XMP stay as they are, EXIF but for what is about the old file: its size becomes the
new one, the preview goes. A JPEG's quality is that of its quantization tables, which are used again.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

from PIL import ExifTags, Image, JpegImagePlugin

__all__ = ["QUALITY", "about", "options_for"]

QUALITY = 90  # of lossy files where none is known

_MOST_PROGRESSIVE = 2**25  # pixels; the encoder holds 6 bytes for each
_KEPT = ("comment", "icc_profile", "loop", "xmp")
_JPEG = ("JPEG", "MPO")
_LOSSY = (*_JPEG, "AVIF", "WEBP")
_LOSSLESS_TIFF = ("packbits", "tiff_adobe_deflate", "tiff_deflate", "tiff_lzw")
_TAG = ExifTags.Base
_EXIF = (  # what is in a camera's EXIF beside its two groups of tags; the rest of a TIFF's tags is about its storage
    *(_TAG.ImageDescription, _TAG.Make, _TAG.Model, _TAG.XResolution, _TAG.YResolution, _TAG.ResolutionUnit),
    *(_TAG.Software, _TAG.DateTime, _TAG.Artist, _TAG.HostComputer, _TAG.Rating, _TAG.Copyright),
    *(_TAG.XPTitle, _TAG.XPComment, _TAG.XPAuthor, _TAG.XPKeywords, _TAG.XPSubject),
)
_GROUPS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)


def about(image: Image.Image, upright: Image.Image) -> dict[str, Any]:
    """What an image says about itself, for `options_for`.

    Parameters
    ----------
    image : PIL.Image.Image
        As it has been opened, with its first frame read.
    upright : PIL.Image.Image
        That frame as it is to be seen.
    """
    said = {key: upright.info[key] for key in _KEPT if upright.info.get(key) is not None}
    dpi = image.info.get("dpi")
    if dpi and all(isfinite(each) and each > 0 for each in dpi):
        said["dpi"] = tuple(map(float, dpi))
    exif = _exif(image)
    if exif:
        said["exif"] = exif
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        sampling = JpegImagePlugin.get_sampling(image)
        said["jpeg"] = {"qtables": image.quantization, **({"subsampling": sampling} if sampling >= 0 else {})}
        said["jpeg"] |= {"progressive": True} if image.info.get("progressive") else {}
    if image.format == "TIFF" and image.info.get("compression") in _LOSSLESS_TIFF:
        said["compression"] = image.info["compression"]
    return said


def options_for(said: dict[str, Any], kind: str, size: tuple[int, int], quality: int | None) -> dict[str, Any]:
    """The options of Pillow's `save` with which a file says that of an image of this size.

    Parameters
    ----------
    said : dict
        From `about`.
    kind : str
        Pillow's name of a file type.
    size : tuple of int
        Width and height.
    quality : int, optional
        Of a lossy file; by default that of a JPEG that was read, for others `QUALITY`.
    """
    options = {key: value for key, value in said.items() if key not in ("compression", "exif", "jpeg")}
    if kind in _JPEG and quality is None and "jpeg" in said:
        options |= said["jpeg"]
        if size[0] * size[1] > _MOST_PROGRESSIVE:
            options.pop("progressive", None)
    elif kind in _LOSSY:
        options["quality"] = QUALITY if quality is None else quality
    if kind == "TIFF" and "compression" in said:
        options["compression"] = said["compression"]
    if "exif" in said:
        exif = Image.Exif()
        exif.load(said["exif"].tobytes())
        camera = exif.get_ifd(ExifTags.IFD.Exif)
        for tag, side in zip((_TAG.ExifImageWidth, _TAG.ExifImageHeight), size, strict=True):
            if tag in camera:
                camera[tag] = side
        options["exif"] = exif
    return options


def _exif(image: Image.Image) -> Image.Exif:
    old, new = image.getexif(), Image.Exif()
    for tag in _EXIF:
        if tag in old:
            new[tag] = old[tag]
    for group in _GROUPS:
        tags = old.get_ifd(group)
        if tags:
            new.get_ifd(group).update(tags)
    return new
