"""The photograph: where it comes from, the small version of it, and the two parts that never touch.

Arrays are float32, (3, H, W), from 0 to 1. Each part is reduced on its own, so no pixel of one enters the other in any way.
"""

from __future__ import annotations

import os
from importlib.resources import as_file, files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..images import read

__all__ = ["SAMPLE", "Array", "Part", "load", "reduce", "split"]

Array = NDArray[np.float32]

SAMPLE = "astronaut.png"  # NASA's portrait of Eileen Collins, public domain, inside scikit-image's package
LARGEST_SIDE = 1024
SMALLEST_SIDE = 96


class Part(NamedTuple):
    """A part of the photograph in both sizes.

    Attributes
    ----------
    coarse : ndarray, (3, H, W)
        The reduced picture, which the methods enlarge.
    fine : ndarray, (3, 2 * H, 2 * W)
        The original, which they should restore.
    """

    coarse: Array
    fine: Array


def load(path: str | os.PathLike[str] | None = None) -> Array:
    """A photograph in colour, with even sides.

    Parameters
    ----------
    path : str or path-like, optional
        An image file; by default the one that comes with scikit-image. One with a side above
        `LARGEST_SIDE` pixels is reduced to that first.

    Returns
    -------
    ndarray of float32, (3, H, W)
        From 0 to 1.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no such file, it is no image, or one too small to be split.
    """
    if path is None:
        with as_file(files("skimage") / "data" / SAMPLE) as sample:
            return load(sample)
    image = read(path).convert("RGB")
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    width, height = image.size
    if min(width, height) < SMALLEST_SIDE:
        raise ValueError(f"image must have at least {SMALLEST_SIDE} pixels along each side, got {width} x {height}")
    pixels = np.asarray(image, np.float32)[: height // 2 * 2, : width // 2 * 2]
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)) / np.float32(255)


def reduce(fine: Array) -> Array:
    """Half the size: each pixel is the mean of 2 x 2.

    Parameters
    ----------
    fine : ndarray, (3, H, W)
        With even H and W.

    Returns
    -------
    ndarray, (3, H // 2, W // 2)

    Examples
    --------
    >>> import numpy as np
    >>> from convt.demo.photograph import reduce
    >>> reduce(np.array([[[0.0, 1.0], [0.0, 0.0]]]))
    array([[[0.25]]])
    """
    channels, height, width = fine.shape
    coarse: Array = fine.reshape(channels, height // 2, 2, width // 2, 2).mean(axis=(2, 4))
    return coarse


def split(photograph: Array) -> tuple[Part, Part]:
    """The upper three fifths to learn from, and the lower two fifths to be judged on.

    Parameters
    ----------
    photograph : ndarray, (3, H, W)
        With even H and W.

    Returns
    -------
    seen, held_out : Part
    """
    cut = photograph.shape[1] * 3 // 10 * 2
    seen, held_out = photograph[:, :cut], photograph[:, cut:]
    return Part(reduce(seen), seen), Part(reduce(held_out), held_out)
