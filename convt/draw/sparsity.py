"""The matrix of a convolution, and its transpose, which is that of the transposed convolution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from .page import GREY, INK, PALE, SIGNED, SLATE, as_figure

if TYPE_CHECKING:
    from ..typing import ArrayLike, PaddingLike, ShapeLike, SizesLike

__all__ = ["matrix"]

_LARGEST_CELL = 0.34  # inches, like the rest
_WIDEST, _NARROWEST = 10.0, 7.4
_LEFT, _GAP, _BAR, _HEAD, _FOOT = 0.75, 1.1, 1.2, 1.55, 0.6
_MOST = 900  # rows and columns of the matrix together: each has a dot of its own on the screen
_WRITTEN = 0.24  # cells of at least this size show their number


def matrix(
    x_shape: ShapeLike,
    w: ArrayLike,
    *,
    stride: SizesLike = 1,
    padding: PaddingLike = 0,
    dilation: SizesLike = 1,
    groups: int = 1,
    figure: Figure | None = None,
) -> Figure:
    """Draw the matrix C of a convolution beside its transpose.

    ``C @ x.ravel()`` is `convt.conv`, ``C.T @ y.ravel()`` is `convt.conv_transpose`. Colours are values of the filter,
    blue above 0 and orange below; grey elements have no tap.

    Parameters
    ----------
    x_shape, w, stride, padding, dilation, groups
        As in `convt.conv_matrix`.
    figure : matplotlib.figure.Figure, optional
        Cleared and drawn into, instead of a new one.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError, TypeError
        As `convt.conv_matrix`; or the matrix has more than 900 rows and columns together.

    Examples
    --------
    >>> import numpy as np
    >>> from convt import draw
    >>> draw.matrix((4, 4), np.arange(1, 10).reshape(3, 3)).savefig("matrix.png")  # doctest: +SKIP
    """
    from .. import conv_matrix

    options: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    c = conv_matrix(x_shape, w, **options).tocoo()
    if sum(c.shape) > _MOST:
        raise ValueError(f"x_shape must be small enough for {_MOST} rows and columns together, got a matrix of {c.shape}")
    dense: NDArray[np.float64] = np.full(c.shape, np.nan)  # where no tap goes
    dense[c.row, c.col] = c.data
    said = {name: value for name, value in options.items() if name in ("stride", "padding") or value != 1}
    w_shape = np.asarray(w).shape
    shapes = f"x {_by(x_shape)}, w {_by(w_shape)}, " + ", ".join(f"{name} {value}" for name, value in said.items())
    return _draw(dense, int(x_shape[-1]), shapes, figure)


def _draw(dense: NDArray[Any], x_row: int, shapes: str, figure: Figure | None) -> Figure:
    outputs, inputs = dense.shape
    largest = max(_LARGEST_CELL, 0.9 / min(outputs, inputs))  # a row alone is as high as the words beside it
    cell = min(largest, (_WIDEST - _LEFT - 2 * _GAP - _BAR) / (outputs + inputs))
    wide, high = inputs * cell, outputs * cell
    gap = max(_GAP, 1.9 - (wide + high) / 2)
    inner = wide + gap + high
    width, height = inner + _LEFT + _BAR, max(wide, high) + _HEAD + _FOOT
    width, shift = max(width, _NARROWEST), max(0.0, _NARROWEST - width) / 2
    page = as_figure(figure, width, height)
    filled = np.isfinite(dense)
    most = float(np.abs(dense[filled]).max(initial=0)) or 1.0

    def panel(array: NDArray[Any], name: str, title: str, rows: str, columns: str, left: float) -> Any:
        size = array.shape[1] * cell / width, array.shape[0] * cell / height
        axes = page.add_axes((left / width, 1 - _HEAD / height - size[1], *size))
        image = axes.imshow(array, cmap=SIGNED, vmin=-most, vmax=most, interpolation="nearest", gid=name, aspect="auto")
        axes.set_facecolor(SLATE[0])
        axes.set_title(title, fontsize=11, color=INK, pad=9)
        axes.set_xlabel(columns, color=INK)
        axes.set_ylabel(rows, color=INK)
        axes.tick_params(length=0, labelsize=8, colors=GREY)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True, min_n_ticks=1))
        axes.spines[:].set_color(PALE)
        if cell >= _WRITTEN:
            _write_values(axes, array, most)
        return image

    forward = f"C: conv, {outputs} × {inputs}"
    backward = f"Cᵀ: conv_transpose, {inputs} × {outputs}"
    left = shift + _LEFT
    image = panel(dense, "C", forward, "element of y", "element of x", left)
    panel(dense.T, "C.T", backward, "element of x", "element of y", left + wide + gap)
    tall = min(max(wide, high), 2.4)
    bar = page.add_axes(((left + inner + 0.3) / width, 1 - (_HEAD + tall) / height, 0.16 / width, tall / height))
    page.colorbar(image, cax=bar)
    bar.set_ylabel("value of w", color=INK)
    bar.tick_params(length=0, labelsize=8, colors=GREY)
    bar.spines[:].set_visible(False)
    headline = "Convolution is a matrix, transposed convolution its transpose"
    page.text(0.5, 1 - 0.3 / height, headline, ha="center", va="center", fontsize=14, weight="bold", color=INK)
    line = f"{shapes}; {filled.sum()} of {dense.size} elements hold a tap"
    page.text(0.5, 1 - 0.6 / height, line, ha="center", va="center", fontsize=10.5, color=GREY)
    reading = "a row of C gathers inputs into one output; the same numbers, as a column of Cᵀ, scatter it back"
    page.text(0.5, 1 - 0.85 / height, reading, ha="center", va="center", fontsize=9.5, color=GREY)
    return page


def _write_values(axes: Axes, array: NDArray[Any], most: float) -> None:
    for (row, column), value in np.ndenumerate(array):
        text = f"{value:.3g}"
        if np.isfinite(value) and len(text) <= 4:
            ink = "white" if abs(value) > 0.45 * most else INK
            axes.text(column, row, text, ha="center", va="center_baseline", fontsize=8 if len(text) < 3 else 6, color=ink)


def _by(shape: Any) -> str:
    return " × ".join(map(str, shape))
