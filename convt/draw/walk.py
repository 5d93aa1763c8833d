"""Convolution arithmetic: one picture, and a walk through all positions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from ..core.arguments import as_path, as_size, is_number
from ..optional import require
from .geometry import Arithmetic, Index, accept, accept_position
from .line import draw_line
from .plane import draw_plane

if TYPE_CHECKING:
    from ..typing import FollowName, PaddingLike, SizesLike

__all__ = ["animation", "arithmetic"]


def arithmetic(
    x_shape: SizesLike,
    w_shape: SizesLike,
    *,
    stride: SizesLike = 1,
    padding: PaddingLike = 0,
    dilation: SizesLike = 1,
    output_padding: SizesLike = 0,
    transposed: bool = True,
    position: SizesLike | None = None,
    follow: FollowName = "output",
    figure: Figure | None = None,
) -> Figure:
    """Draw which inputs reach an output, or which outputs an input reaches.

    Each tap of the filter has a letter. The element that is followed is filled; so are the elements that it meets, with the
    letter of the tap between them. Outlined cells lie beyond the border: a convolution pads them with zeros, a transposed
    convolution crops them.

    Parameters
    ----------
    x_shape, w_shape : int or sequence of int
        The spatial shapes of x and w, with 1 or 2 axes of at most 40 elements.
    stride, padding, dilation, output_padding
        As in `convt.conv_transpose` and `convt.conv`.
    transposed : bool
        Whether to draw `convt.conv_transpose` or `convt.conv`.
    position : int or sequence of int, optional
        The element to follow; by default the one in the middle of those that meet the most.
    follow : {"output", "input"}
        Whether position is an element of y or of x.
    figure : matplotlib.figure.Figure, optional
        Cleared and drawn into, instead of a new one.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MissingPackage
        matplotlib is not installed (raised when `convt.draw` is imported).
    ValueError, TypeError
        An argument breaks a rule; the message names it.

    References
    ----------
    .. [1] V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.

    Examples
    --------
    >>> from convt import draw
    >>> picture = draw.arithmetic((3, 3), (3, 3), stride=2, padding=1)
    >>> picture.savefig("arithmetic.png")  # doctest: +SKIP
    """
    geometry = accept(
        x_shape,
        w_shape,
        stride=stride,
        padding=padding,
        dilation=dilation,
        output_padding=output_padding,
        transposed=transposed,
    )
    place, side = accept_position(geometry, position, follow)
    return _draw(geometry, place, side, figure)


def animation(
    output: str | os.PathLike[str],
    x_shape: SizesLike,
    w_shape: SizesLike,
    *,
    stride: SizesLike = 1,
    padding: PaddingLike = 0,
    dilation: SizesLike = 1,
    output_padding: SizesLike = 0,
    transposed: bool = True,
    follow: FollowName = "output",
    frames_per_second: float = 2.0,
    dpi: int = 100,
) -> None:
    """Write an animated GIF of `convt.draw.arithmetic`, one picture per position.

    Parameters
    ----------
    output : str or path-like
        The file to write, with the extension ".gif".
    x_shape, w_shape, stride, padding, dilation, output_padding, transposed
        As in `arithmetic`.
    follow : {"output", "input"}
        Whether to walk over y or over x, row by row.
    frames_per_second : float
        Above 0, at most 100.
    dpi : int
        Pixels per inch, from 10 to 1200.

    Raises
    ------
    MissingPackage
        Pillow is not installed.
    ValueError, TypeError, OSError
        An argument breaks a rule, or the file cannot be written.

    Examples
    --------
    >>> from convt import draw
    >>> draw.animation("walk.gif", (3, 3), (3, 3), stride=2, padding=1)  # doctest: +SKIP
    """
    require("draw.animation", "PIL", extra="draw")
    from matplotlib.animation import PillowWriter

    geometry = accept(
        x_shape,
        w_shape,
        stride=stride,
        padding=padding,
        dilation=dilation,
        output_padding=output_padding,
        transposed=transposed,
    )
    _, side = accept_position(geometry, None, follow)
    path = as_path("output", output)
    if Path(path).suffix.lower() != ".gif":
        raise ValueError(f"output must end in .gif, got {path!r}")
    if not (is_number(frames_per_second) and 0 < frames_per_second <= 100):
        raise ValueError(f"frames_per_second must be a number above 0 and at most 100, got {frames_per_second!r}")
    if not _DPI[0] <= as_size("dpi", dpi) <= _DPI[1]:
        raise ValueError(f"dpi must be from {_DPI[0]} to {_DPI[1]}, got {dpi}")
    positions = geometry.positions(side)
    if len(positions) > _MOST_FRAMES:
        raise ValueError(f"x_shape must be small enough for at most {_MOST_FRAMES} frames, got {len(positions)} positions")
    figure = _draw(geometry, positions[0], side, None)
    writer = PillowWriter(fps=float(frames_per_second))  # type: ignore[arg-type]  # any number will do
    with writer.saving(figure, path, dpi):
        for place in positions:
            _draw(geometry, place, side, figure)
            writer.grab_frame()


_MOST_FRAMES = 400
_DPI = (10, 1200)


def _draw(geometry: Arithmetic, place: Index, follow: Any, figure: Figure | None) -> Figure:
    view = geometry.view(place, follow)
    draw = draw_line if len(place) == 1 else draw_plane
    return draw(geometry, view, figure)
