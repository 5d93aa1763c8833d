"""Five ways to enlarge a picture, side by side."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..core.arguments import as_count
from ..core.containers import as_numbers
from ..functions.operators import conv, conv_transpose
from .page import GREY, INK, PALE, SIGNED, as_figure

if TYPE_CHECKING:
    from ..typing import ArrayLike

__all__ = ["compare", "enlarge", "learned_filter"]

Planes = NDArray[np.float64]  # (C, H, W), from 0 to 1

_REACH = 4  # coarse pixels along each axis that a fine pixel is made of
_SIDE, _GAP, _MARGIN, _HEAD, _TITLE = 2.35, 0.2, 0.25, 0.88, 0.4  # inches


def compare(image: ArrayLike, scale: int, *, w: ArrayLike | None = None, figure: Figure | None = None) -> Figure:
    """Draw five ways to enlarge a picture that was reduced: their input, their results, and how far off these are.

    The picture is reduced to the means of scale x scale pixels, and enlarged again: by nearest neighbours, bilinearly, by a
    bed of nails, by max-unpooling (at the places of the brightest pixels of the picture), and by a transposed convolution.

    Parameters
    ----------
    image : array_like, (H, W) or (H, W, 3)
        Numbers from 0 to 1, or of type uint8. Each side is cut to a multiple of scale.
    scale : int
        At least 2; the picture needs 8 * scale pixels along each side.
    w : array_like, (k, k), optional
        The filter of the transposed convolution, with ``k - scale`` even. By default the best one for this picture, by least
        squares, with ``k = 4 * scale``.
    figure : matplotlib.figure.Figure, optional
        Cleared and drawn into, instead of a new one.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError, TypeError
        An argument breaks a rule; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> from convt import draw
    >>> draw.compare(np.eye(64), 2).savefig("compare.png")  # doctest: +SKIP
    """
    scale = as_count("scale", scale, least=2)
    fine = _planes(image, scale)
    coarse = _means(fine, scale)
    filter_ = learned_filter(coarse, fine, scale) if w is None else _as_filter(w, scale)
    return _draw(fine, coarse, enlarge(fine, coarse, scale, filter_), filter_, scale, learned=w is None, figure=figure)


def enlarge(fine: Planes, coarse: Planes, scale: int, w: NDArray[np.float64]) -> dict[str, Planes]:
    """Enlarge the coarse planes to the size of the fine ones, by each method."""
    from .. import max_pool, max_unpool, upsample

    _, brightest = max_pool(fine.mean(axis=0, keepdims=True), scale)
    places = np.broadcast_to(brightest, coarse.shape)
    return {
        "nearest": upsample(coarse, scale, mode="nearest"),
        "bilinear": upsample(coarse, scale, mode="bilinear"),
        "bed of nails": upsample(coarse, scale, mode="bed_of_nails"),
        "max-unpooling": max_unpool(coarse, places, scale),
        "transposed convolution": _by_filter(coarse, scale, w),
    }


def learned_filter(coarse: Planes, fine: Planes, scale: int) -> NDArray[np.float64]:
    """The filter whose transposed convolution comes closest to the fine planes, by least squares.

    Fine pixels whose positions have the same remainder modulo scale (one phase) meet the same taps, so each phase is a
    small least-squares problem of its own.
    """
    size = _REACH * scale
    before = (size - scale) // 2
    around = _REACH // 2
    wider = np.pad(coarse, [(0, 0), (around, around), (around, around)], mode="edge")
    windows = sliding_window_view(wider, (_REACH, _REACH), axis=(1, 2))
    w = np.empty((size, size))

    def of_phase(phase: int, sides: int) -> tuple[slice, slice, slice]:
        """Along one axis: the fine pixels, the windows that they see, and their taps, in the windows' order."""
        first = (phase - before) % scale
        window = (first + before) // scale - (_REACH - 1) + around
        return (
            slice(first, None, scale),
            slice(window, window + sides),
            slice(phase, None, scale),
        )

    for row in range(scale):
        for column in range(scale):
            (fine_rows, window_rows, tap_rows), (fine_columns, window_columns, tap_columns) = (
                of_phase(row, coarse.shape[1]),
                of_phase(column, coarse.shape[2]),
            )
            seen = windows[:, window_rows, window_columns].reshape(-1, _REACH**2)
            wanted = fine[:, fine_rows, fine_columns].reshape(-1)
            best = np.linalg.lstsq(seen, wanted, rcond=1e-6)[0].reshape(_REACH, _REACH)
            w[tap_rows, tap_columns] = best[::-1, ::-1]
    return w


def _by_filter(coarse: Planes, scale: int, w: NDArray[np.float64]) -> Planes:
    """One transposed convolution per channel; the border pixels are repeated around."""
    around = -(-len(w) // scale)
    wider = np.pad(coarse, [(0, 0), (around, around), (around, around)], mode="edge")
    before = (len(w) - scale) // 2
    crop = around * scale + before, around * scale + len(w) - scale - before
    bank = np.broadcast_to(w, (len(coarse), 1, *w.shape))
    fine: Planes = conv_transpose(wider, bank, stride=scale, padding=(crop, crop), groups=len(coarse))
    return fine


def _means(fine: Planes, scale: int) -> Planes:
    """The mean of each block."""
    block = np.full((len(fine), 1, scale, scale), 1 / scale**2)
    coarse: Planes = conv(fine, block, stride=scale, groups=len(fine))
    return coarse


def _planes(image: Any, scale: int) -> Planes:
    """The picture as (C, H, W), from 0 to 1, cut to whole blocks."""
    pixels = as_numbers("image", image)
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3):
        raise ValueError(f"image must have shape (H, W) or (H, W, 3), got {pixels.shape}")
    if min(pixels.shape[:2]) < 8 * scale:
        raise ValueError(f"image must have at least {8 * scale} pixels along each side, got {pixels.shape[:2]}")
    if pixels.dtype.kind == "c":
        raise TypeError(f"image must hold real numbers, got {pixels.dtype}")
    numbers = pixels / 255 if pixels.dtype == np.uint8 else pixels.astype(np.float64)
    if not (numbers.min() >= 0 and numbers.max() <= 1):
        raise ValueError(f"image must lie between 0 and 1, got {numbers.min():g} to {numbers.max():g}")
    height, width = (side // scale * scale for side in pixels.shape[:2])
    return np.atleast_3d(numbers[:height, :width]).transpose(2, 0, 1)


def _as_filter(w: Any, scale: int) -> NDArray[np.float64]:
    array = as_numbers("w", w)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.shape[0] < scale or (len(array) - scale) % 2:
        raise ValueError(f"w must be square, of at least {scale} x {scale} and an even number more, got {array.shape}")
    return array.astype(np.float64)


def _draw(
    fine: Planes,
    coarse: Planes,
    enlarged: dict[str, Planes],
    w: NDArray[np.float64],
    scale: int,
    *,
    learned: bool,
    figure: Figure | None,
) -> Figure:
    height, width = fine.shape[1:]
    tall = _SIDE * height / width
    page_width = 2 * _MARGIN + 4 * _SIDE + 3 * _GAP
    page_height = _HEAD + 2 * (tall + _TITLE) + _MARGIN
    page = as_figure(figure, page_width, page_height)
    headline = f"{scale} times larger: five ways"
    below = f"each is given the same {coarse.shape[2]} × {coarse.shape[1]} pixels; in dB, how close it comes to the original"
    helped = "max-unpooling also knows where the brightest pixels were"
    if learned:
        helped += "; the filter of the transposed convolution was fitted to this picture"
    page.text(0.5, 1 - 0.3 / page_height, headline, ha="center", va="center", fontsize=14, weight="bold", color=INK)
    page.text(0.5, 1 - 0.58 / page_height, below, ha="center", va="center", fontsize=10.5, color=GREY)
    page.text(0.5, 1 - 0.8 / page_height, helped, ha="center", va="center", fontsize=9.5, color=GREY)

    def panel(place: int, title: str) -> Axes:
        row, column = divmod(place, 4)
        left, top = _MARGIN + column * (_SIDE + _GAP), _HEAD + row * (tall + _TITLE) + _TITLE
        rectangle = left / page_width, 1 - (top + tall) / page_height, _SIDE / page_width, tall / page_height
        axes = page.add_axes(rectangle)
        axes.set_title(title, fontsize=9, color=INK, pad=4)
        axes.set_axis_off()
        return axes

    _show(panel(0, "the original"), fine)
    small = panel(1, f"x: means of {scale} × {scale} pixels")
    _show(small, coarse)
    beside, above = (side * (scale - 1) / 2 + 0.5 for side in (coarse.shape[2], coarse.shape[1]))  # as large as it is
    small.set(xlim=(-beside, coarse.shape[2] - 1 + beside), ylim=(coarse.shape[1] - 1 + above, -above))
    for place, (name, planes) in enumerate(enlarged.items(), start=2):
        _show(panel(place, f"{name}, {_decibels(planes, fine)}"), planes)
    axes = panel(7, f"its filter, {len(w)} × {len(w)}: blue +, orange -")
    most = np.abs(w).max()
    axes.imshow(w, cmap=SIGNED, vmin=-most, vmax=most, interpolation="nearest", gid="filter")
    axes.set_aspect("equal")
    axes.add_patch(Rectangle((-0.5, -0.5), len(w), len(w), fill=False, edgecolor=PALE, linewidth=1, clip_on=False))
    return page


def _show(axes: Axes, planes: Planes) -> None:
    picture = np.clip(planes, 0, 1).transpose(1, 2, 0)
    axes.imshow(picture if picture.shape[2] == 3 else picture[..., 0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")


def _decibels(planes: Planes, original: Planes) -> str:
    error = float(np.mean((np.clip(planes, 0, 1) - original) ** 2))
    return f"{-10 * log10(error):.1f} dB" if error else "exact"
