"""Arithmetic over 1 axis: x above y, and a line between every two elements that meet."""

from __future__ import annotations

from matplotlib.figure import Figure

from .captions import element, formula, headline, options, outlined, panel
from .geometry import Arithmetic, Index, View
from .page import BLUE, GREY, ORANGE, SLATE, Page, Tone

__all__ = ["draw_line"]

_LARGEST_CELL = 0.5  # inches, like the rest
_WIDEST = 11.5
_MARGIN, _NAMES = 0.3, 1.15
_W_TOP, _X_TOP, _BETWEEN, _FOOT = 1.0, 2.0, 1.5, 1.15
_NARROWEST = 6.0


def draw_line(arithmetic: Arithmetic, view: View, figure: Figure | None) -> Figure:
    """Draw one element and its partners."""
    (span,) = arithmetic.reach
    problem = arithmetic.problem
    around = 2 * _MARGIN + _NAMES
    cell = min(_LARGEST_CELL, (_WIDEST - around) / len(span))
    width = max(len(span) * cell + around, _NARROWEST)
    y_top = _X_TOP + cell + _BETWEEN
    page = Page(width, y_top + cell + _FOOT, figure)
    page.write(width / 2, 0.3, headline(arithmetic, view), 14, weight="bold")
    page.write(width / 2, 0.58, options(arithmetic), 10.5, color=GREY)

    left = (width - len(span) * cell - around) / 2 + _MARGIN + _NAMES
    half_filter = (problem.kernel_shape[0] - 1) * problem.dilation[0] / 2

    def fine_place(index: int) -> float:
        return left + (index - span[0]) * cell

    def coarse_place(index: int) -> float:
        return left + (index * problem.stride[0] - problem.padding[0] + half_filter - span[0]) * cell

    one, many = {view.position: ""}, view.partners | view.outside
    x_marks, y_marks = (many, one) if view.follow == "output" else (one, many)
    x_place, y_place = (coarse_place, fine_place) if arithmetic.transposed else (fine_place, coarse_place)
    for (coarse,) in arithmetic.positions("input" if arithmetic.transposed else "output"):
        for (fine,), tap in arithmetic.meets((coarse,), fine=False):
            x, y = (coarse, fine) if arithmetic.transposed else (fine, coarse)
            shown = (x,) in x_marks and (y,) in y_marks
            inside = 0 <= fine < problem.fine_shape[0]
            if inside or shown:
                start, end = (x_place(x) + cell / 2, _X_TOP + cell), (y_place(y) + cell / 2, y_top)
                page.line(start, end, shown=shown and inside)
                if shown and inside:
                    _tap(page, start, end, arithmetic.letter(tap), near_x=view.follow == "output", cell=cell)

    x_range = span if not arithmetic.transposed else range(arithmetic.x_shape[0])
    y_range = span if arithmetic.transposed else range(arithmetic.y_shape[0])
    rows = (
        ("x", "input x", arithmetic.x_shape, x_range, x_marks, BLUE, x_place, _X_TOP, -0.11),
        ("y", "output y", arithmetic.y_shape, y_range, y_marks, ORANGE, y_place, y_top, cell + 0.11),
    )
    for name, title, shape, places, marks, tone, place, top, numbers in rows:
        page.write(left - 0.2, top + cell / 2, panel(title, shape), 10.5, ha="right")
        for index in places:
            real = 0 <= index < shape[0]
            shown = (index,) in marks
            page.cell(element(name, (index,)), place(index), top, cell, tone, shown=shown, real=real)
            if real:
                page.number(place(index) + cell / 2, top + numbers, index, cell)
    _filter(page, arithmetic, view, left, cell)
    if span != range(problem.fine_shape[0]):
        page.write(width / 2, y_top + cell + 0.36, outlined(arithmetic), 9, color=GREY)
    lines = formula(arithmetic, view, int((width - 2 * _MARGIN) * 12.5))
    for number, line in enumerate(lines):
        page.write(width / 2, y_top + cell + 0.62 + 0.19 * number, line, 9.5)
    return page.figure


def _filter(page: Page, arithmetic: Arithmetic, view: View, left: float, cell: float) -> None:
    """Draw the filter's taps, as far apart as they are in the fine array."""
    tone: Tone = SLATE
    page.write(left - 0.2, _W_TOP + cell / 2, panel("filter w", arithmetic.w_shape), 10.5, ha="right")
    taps: list[Index] = [(tap,) for tap in range(arithmetic.w_shape[0])]
    for tap in taps:
        place = left + tap[0] * arithmetic.problem.dilation[0] * cell
        page.cell(element("w", tap), place, _W_TOP, cell, tone, shown=tap in view.taps, label=arithmetic.letter(tap))


def _tap(
    page: Page, start: tuple[float, float], end: tuple[float, float], letter: str, *, near_x: bool, cell: float
) -> None:
    """Write a tap's letter on its line, near the end at which the lines lie apart."""
    part = 0.3 if near_x else 0.7
    x, y = (a + part * (b - a) for a, b in zip(start, end, strict=True))
    box = {"boxstyle": "circle,pad=0.18", "facecolor": SLATE[1], "edgecolor": "white", "linewidth": 1.2}
    page.write(x, y, letter, min(9.5, 28 * cell), color="white", weight="bold", bbox=box, va="center")
