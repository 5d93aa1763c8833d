"""The picture: the held-out part, and a crop of it as the original and each method show it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..replacing import replacing
from .photograph import Array
from .scores import psnr

__all__ = ["busiest_corner", "draw", "suffixes"]

CROP = 90  # pixels
GAP, TITLE = 0.1, 0.27  # inches, like the rest
WIDTH, TALLEST = 7.8, 4.0
COLUMNS = 3
CROP_WIDTH = (WIDTH - (COLUMNS - 1) * GAP) / COLUMNS


def suffixes() -> list[str]:
    """The file name extensions that `draw` can write, with their dot."""
    return [f".{kind}" for kind in Figure().canvas.get_supported_filetypes()]


def draw(original: Array, pictures: Mapping[str, Array], output: str | os.PathLike[str]) -> None:
    """Write the picture to a file.

    Parameters
    ----------
    original : ndarray, (3, H, W)
        The held-out part, from 0 to 1.
    pictures : mapping of str to ndarray
        What each of the methods made of it. The crop is taken where the first differs most from the original.
    output : str or path-like
        With one of the `suffixes`.
    """
    side = min(CROP, *original.shape[1:])
    top, left = busiest_corner((next(iter(pictures.values())) - original) ** 2, side)
    crop = np.s_[:, top : top + side, left : left + side]
    height, width = original.shape[1:]
    scale = min(WIDTH / width, TALLEST / height)
    strip = TITLE + height * scale
    rows = -(-(len(pictures) + 1) // COLUMNS)
    page = Page(strip + rows * (TITLE + CROP_WIDTH) + GAP)
    whole = page.add(_middle(width * scale), TITLE, width * scale, height * scale)
    _show(whole, original, "held out from training: the PSNR below is that of this whole part", interpolation="bicubic")
    for colour, thickness in (("white", 3.0), ("black", 1.0)):
        frame = Rectangle((left - 0.5, top - 0.5), side, side, fill=False, edgecolor=colour, linewidth=thickness)
        whole.add_patch(frame)
    titles = {"original": original} | {f"{name}, {psnr(each, original):.2f} dB": each for name, each in pictures.items()}
    for place, (title, each) in enumerate(titles.items()):
        row, column = divmod(place, COLUMNS)
        below, beside = strip + row * (TITLE + CROP_WIDTH), GAP + column * (CROP_WIDTH + GAP)
        axes = page.add(beside, below + TITLE, CROP_WIDTH, CROP_WIDTH)
        _show(axes, each[crop], title, interpolation="nearest")
    with replacing(output) as file:
        page.figure.savefig(file, format=Path(output).suffix[1:])


def busiest_corner(error: Array, side: int) -> tuple[int, int]:
    """Where the square with the largest sum begins.

    Parameters
    ----------
    error : ndarray, (C, H, W)
    side : int
        Of the square, at most H and W.

    Returns
    -------
    top, left : int

    Examples
    --------
    >>> import numpy as np
    >>> from convt.demo.picture import busiest_corner
    >>> error = np.zeros((1, 6, 6))
    >>> error[0, 3:5, 1:3] = 1.0
    >>> busiest_corner(error, 2)
    (3, 1)
    """
    sums = np.pad(error.sum(axis=0, dtype=np.float64).cumsum(axis=0).cumsum(axis=1), [(1, 0), (1, 0)])
    squares = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    top, left = np.unravel_index(squares.argmax(), squares.shape)
    return int(top), int(left)


class Page:
    """A figure on which axes are placed in inches from the upper left corner.

    Parameters
    ----------
    height : float
        In inches.
    """

    def __init__(self, height: float) -> None:
        self.figure = Figure(figsize=(WIDTH + 2 * GAP, height), dpi=200)

    def add(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes that fill this rectangle."""
        page_width, page_height = self.figure.get_size_inches()
        bottom = page_height - top - height
        return self.figure.add_axes((left / page_width, bottom / page_height, width / page_width, height / page_height))


def _middle(width: float) -> float:
    return GAP + (WIDTH - width) / 2


def _show(axes: Axes, picture: Array, title: str, interpolation: str) -> None:
    axes.imshow(np.clip(picture, 0, 1).transpose(1, 2, 0), interpolation=interpolation, aspect="auto")
    axes.set_title(title, fontsize=9, pad=4)
    axes.set_axis_off()
