"""The page: a sheet measured in inches from its upper left corner, the colours, and cells.

The colours are from the palette of Okabe and Ito, which are distinct for any colour vision; they also differ in lightness,
for prints in grey.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

__all__ = ["BLUE", "GREY", "INK", "ORANGE", "PALE", "SIGNED", "SLATE", "Page", "Tone", "as_figure"]

Tone = tuple[str, str]  # at rest, and shown

INK, GREY, PALE = "#222222", "#767676", "#c8c8c8"
BLUE: Tone = ("#d9e8f5", "#0072b2")
ORANGE: Tone = ("#fbe3cd", "#d55e00")
SLATE: Tone = ("#e8e8e8", "#4d4d4d")

SIGNED = LinearSegmentedColormap.from_list(  # orange below 0, white at 0, blue above
    "convt-signed",
    [
        *((0.0, "#7a3300"), (0.25, ORANGE[1]), (0.45, ORANGE[0])),
        (0.5, "white"),
        *((0.55, BLUE[0]), (0.75, BLUE[1]), (1.0, "#003a5c")),
    ],
)

_ROUND = 0.07  # of a cell
_SMALLEST = 4.5  # points that can still be read
_APART = 0.17  # inches from one number along an edge to the next


def as_figure(figure: Any, width: float, height: float) -> Figure:
    """A figure of that size in inches: the caller's, cleared, or a new one."""
    if figure is None:
        return Picture(figsize=(width, height), dpi=120, facecolor="white")
    if not isinstance(figure, Figure):
        raise TypeError(f"figure must be a matplotlib.figure.Figure, got {type(figure).__name__}")
    figure.clear()
    figure.set_size_inches(width, height)
    return figure


class Picture(Figure):
    """A figure that notebooks show even if pyplot, which would see to it, is not imported."""

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


class Page:
    """A figure with one set of axes that fills it, in inches, downwards.

    Parameters
    ----------
    width, height : float
    figure : matplotlib.figure.Figure, optional
        Cleared and used instead of a new one.
    """

    def __init__(self, width: float, height: float, figure: Figure | None = None) -> None:
        self.figure = as_figure(figure, width, height)
        self.width, self.height = width, height
        self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(height, 0))
        self.axes.set_axis_off()

    def cell(
        self, name: str, left: float, top: float, size: float, tone: Tone, *, shown: bool, label: str = "", real: bool = True
    ) -> None:
        """Draw a cell; one that is not real, because it lies beyond a border, is only outlined."""
        gap = 0.04 * size
        face = tone[shown] if real else "white"
        edge = "none" if real else (tone[1] if shown else PALE)
        patch = FancyBboxPatch(
            (left + gap, top + gap),
            size - 2 * gap,
            size - 2 * gap,
            boxstyle=f"round,pad=0,rounding_size={_ROUND * size}",
            facecolor=face,
            edgecolor=edge,
            linewidth=0.9,
            linestyle="-" if real else (0, (2.5, 2)),
            gid=name,
        )
        self.axes.add_patch(patch)
        points = min(34.0, 80 / max(len(label), 1)) * size
        if label and points >= _SMALLEST:
            ink = "white" if real and shown else tone[1] if shown else GREY
            self.write(left + size / 2, top + size / 2, label, points, color=ink, weight="bold" if shown else "normal")

    def write(self, x: float, y: float, text: str, size: float, **style: Any) -> None:
        """Write a text centred at a point; the size is in points."""
        style = {"ha": "center", "va": "center_baseline", "color": INK} | style
        self.axes.text(x, y, text, fontsize=size, **style)

    def number(self, x: float, y: float, index: int, size: float) -> None:
        """Write the number of a row or column; where cells are small, only some have one."""
        step = next((step for step in (1, 2, 5) if step * size >= _APART), 10)
        if index % step == 0:
            self.write(x, y, str(index), min(8.0, max(6.5, 24 * size)), color=GREY)

    def line(self, start: tuple[float, float], end: tuple[float, float], *, shown: bool) -> None:
        """Draw a straight line."""
        xs, ys = zip(start, end, strict=True)
        self.axes.plot(xs, ys, color=INK if shown else PALE, linewidth=1.4 if shown else 0.6, zorder=0.6 if shown else 0.5)
