"""The methods: what enlarges a strip of an image, and how far its pixels look.

A strip is cut with `reach` rows more than needed at both ends, so that what is kept of the result is the
whole image's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..functions.upsampling import upsample
from ..hints import did_you_mean
from .modes import Planes, planewise

__all__ = ["DEFAULT", "METHODS", "Method", "from_network", "named", "resampled"]

METHODS = ("convt", "bilinear", "bicubic", "lanczos")
DEFAULT = "convt"

_FULL_RANGE = {"L": 255, "LA": 255, "RGB": 255, "RGBA": 255, "I;16": 65535}
_SAFE = 2**30  # beyond, Pillow's sums of 32-bit integers may wrap around


@dataclass(frozen=True)
class Method:
    """A way to enlarge.

    Attributes
    ----------
    reach : int
        How many rows of the small image around a pixel's own its values may depend on.
    strip : callable
        ``strip(image, scale)``: the enlarged image, of the same mode, which is a continuous one.
    modes : collection of str
        Those that it is for; empty for all.
    scale : int, optional
        The one that it is for.
    """

    reach: int
    strip: Callable[[Image.Image, int], Image.Image]
    modes: Collection[str] = ()
    scale: int | None = None

    def check_mode(self, mode: str) -> None:
        """Raise for pixels that the method is not for."""
        if self.modes and mode not in self.modes:
            raise ValueError(f"image must be {', '.join(self.modes)} for a network, got {mode}")

    def check_scale(self, scale: int) -> None:
        """Raise for a scale that the method is not for."""
        if self.scale not in (None, scale):
            raise ValueError(f"scale must be {self.scale} for a network, got {scale}")


def named(name: str) -> Method:
    """The method of one of `METHODS`."""
    if name not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {name!r}{did_you_mean(name, METHODS)}")
    return Method(1, _by_convt) if name == "convt" else _by_pillow(Image.Resampling[name.upper()])


def from_network(path: str | os.PathLike[str]) -> Method:
    """The method of a network that ``demo --save`` has written: it doubles grey and colour images.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no such file, or it is not such a network.
    """
    from ..demo.network import MARGIN, build, enlarge

    if not os.path.isfile(path):
        raise FileNotFoundError(f"network must be an existing file, got '{path}'")
    network = build()
    try:
        network.load(path)
    except (LookupError, TypeError, ValueError):
        raise ValueError(f"network must be a file that `demo --save` has written, got '{path}'") from None
    network.freeze()

    def strip(image: Image.Image, scale: int) -> Image.Image:
        full = np.float32(_FULL_RANGE[image.mode])
        sharp = planewise(image, lambda planes: full * _in_colour(lambda colour: enlarge(network, colour), planes / full))
        return sharp if image.mode not in ("LA", "RGBA") else _sharp_inside(sharp, _by_convt(image, scale))

    return Method(MARGIN, strip, tuple(_FULL_RANGE), scale=2)


def resampled(planes: Planes, scale: int, name: str) -> Planes:
    """Enlarge planes of floating-point numbers by one of Pillow's filters.

    Parameters
    ----------
    planes : ndarray, (C, H, W)
        Computed in float32.
    scale : int
    name : {"bilinear", "bicubic", "lanczos"}

    Returns
    -------
    ndarray, (C, scale * H, scale * W)
        Of the dtype of planes.
    """
    size = scale * planes.shape[2], scale * planes.shape[1]
    images = (Image.fromarray(plane.astype(np.float32)) for plane in planes)
    filter_ = Image.Resampling[name.upper()]
    return np.stack([np.asarray(image.resize(size, filter_), planes.dtype) for image in images])


def _by_convt(image: Image.Image, scale: int) -> Image.Image:
    return planewise(image, lambda planes: upsample(planes, scale, mode="bilinear"))


def _by_pillow(filter_: Image.Resampling) -> Method:
    def strip(image: Image.Image, scale: int) -> Image.Image:
        if image.mode == "I" and np.abs(np.asarray(image, np.int64)).max() > _SAFE:
            return planewise(image, lambda planes: resampled(planes, scale, filter_.name.lower()))
        return image.resize((scale * image.width, scale * image.height), filter_)

    return Method(4, strip)


def _sharp_inside(sharp: Image.Image, soft: Image.Image) -> Image.Image:
    """Where an image is transparent its colours are divided by little, and what a network adds to them would show."""
    inside = soft.getchannel("A").point(lambda opacity: 255 if opacity == 255 else 0)
    image = Image.composite(sharp, soft, inside)
    image.putalpha(sharp.getchannel("A"))
    return image


def _in_colour(enlarge: Callable[[Planes], Planes], planes: Planes) -> Planes:
    """Apply a function of three planes to the colours, and to any other plane as to a grey image."""
    together = 3 if len(planes) >= 3 else 0
    done = [enlarge(planes[:together])] if together else []
    for plane in planes[together:]:
        done.append(enlarge(np.stack([plane] * 3)).mean(axis=0, keepdims=True))
    return np.concatenate(done)
