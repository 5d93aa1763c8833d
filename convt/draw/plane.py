"""Arithmetic over 2 axes: x, w and y side by side."""

from __future__ import annotations

from itertools import pairwise, product

from matplotlib.figure import Figure

from .captions import element, formula, headline, options, outlined, panel
from .geometry import Arithmetic, Index, View
from .page import BLUE, GREY, ORANGE, SLATE, Page, Tone

__all__ = ["draw_plane"]

_LARGEST_CELL = 0.46  # inches, like the rest
_WIDEST = 11.5
_MARGIN, _GAP, _INDICES = 0.35, 0.55, 0.22
_HEAD, _FOOT = 1.18, 1.05
_NARROWEST = 6.0
_CHARACTER = 0.08  # of a title


def draw_plane(arithmetic: Arithmetic, view: View, figure: Figure | None) -> Figure:
    """Draw one element and its partners."""
    whole = [range(size) for size in arithmetic.x_shape], [range(size) for size in arithmetic.y_shape]
    x_spans, y_spans = (whole[0], arithmetic.reach) if arithmetic.transposed else (arithmetic.reach, whole[1])
    apart = _reach(arithmetic)
    rows = max(len(x_spans[0]), len(y_spans[0]), apart[0])
    titles = (
        panel("input x", arithmetic.x_shape),
        panel("filter w", arithmetic.w_shape),
        panel("output y", arithmetic.y_shape),
    )
    sizes = len(x_spans[1]), apart[1], len(y_spans[1])
    columns, gap = sum(sizes), _gap(titles, sizes)
    around = 2 * _MARGIN + 2 * gap + 3 * _INDICES
    cell = min(_LARGEST_CELL, (_WIDEST - around) / columns)
    width = max(columns * cell + around, _NARROWEST)
    page = Page(width, _HEAD + rows * cell + _FOOT, figure)
    page.write(width / 2, 0.3, headline(arithmetic, view), 14, weight="bold")
    page.write(width / 2, 0.58, options(arithmetic), 10.5, color=GREY)

    one, many = {view.position: ""}, view.partners | view.outside
    x_marks, y_marks = (many, one) if view.follow == "output" else (one, many)
    left = (width - columns * cell - around) / 2 + _MARGIN + _INDICES
    middle = _HEAD + rows * cell / 2
    left = _grid(page, "x", titles[0], arithmetic.x_shape, x_spans, x_marks, BLUE, left, middle, cell)
    page.write(left + (gap - _INDICES) / 2 + 0.03, middle, r"$\ast^\mathsf{T}$" if arithmetic.transposed else r"$\ast$", 17)
    taps = {tap: arithmetic.letter(tap) for tap in product(*map(range, arithmetic.w_shape))}
    left = _filter(page, titles[1], arithmetic, taps, view, left + gap + _INDICES, middle, cell)
    page.write(left + (gap - _INDICES) / 2 + 0.03, middle, "=", 17)
    _grid(page, "y", titles[2], arithmetic.y_shape, y_spans, y_marks, ORANGE, left + gap + _INDICES, middle, cell)

    bottom = _HEAD + rows * cell
    if x_spans != whole[0] or y_spans != whole[1]:
        page.write(width / 2, bottom + 0.24, outlined(arithmetic), 9, color=GREY)
    lines = formula(arithmetic, view, int((width - 2 * _MARGIN) * 12.5))
    for number, line in enumerate(lines):
        page.write(width / 2, bottom + 0.52 + 0.19 * number, line, 9.5)
    return page.figure


def _grid(
    page: Page,
    name: str,
    title: str,
    shape: Index,
    spans: list[range],
    marks: dict[Index, str],
    tone: Tone,
    left: float,
    middle: float,
    cell: float,
) -> float:
    """Draw one array with what lies beyond its border; returns its right end."""
    top = middle - len(spans[0]) * cell / 2
    for row, column in product(*spans):
        index = row, column
        real = 0 <= row < shape[0] and 0 <= column < shape[1]
        place = left + (column - spans[1][0]) * cell, top + (row - spans[0][0]) * cell
        page.cell(element(name, index), *place, cell, tone, shown=index in marks, label=marks.get(index, ""), real=real)
    right = left + len(spans[1]) * cell
    _title(page, title, (left + right) / 2, top)
    _indices(page, shape, left - spans[1][0] * cell, top - spans[0][0] * cell, left, top, cell)
    return right


def _filter(
    page: Page,
    title: str,
    arithmetic: Arithmetic,
    taps: dict[Index, str],
    view: View,
    left: float,
    middle: float,
    cell: float,
) -> float:
    """Draw the filter's taps, as far apart as they are in the fine array; returns its right end."""
    rows, columns = _reach(arithmetic)
    down, along = arithmetic.problem.dilation
    top = middle - rows * cell / 2
    for (row, column), letter in taps.items():
        place = left + column * along * cell, top + row * down * cell
        page.cell(element("w", (row, column)), *place, cell, SLATE, shown=(row, column) in view.taps, label=letter)
    right = left + columns * cell
    _title(page, title, (left + right) / 2, top)
    _indices(page, arithmetic.w_shape, left, top, left, top, cell, (down, along))
    return right


def _reach(arithmetic: Arithmetic) -> tuple[int, int]:
    """The rows and columns that the filter spans, its gaps too."""
    rows, columns = ((k - 1) * d + 1 for k, d in zip(arithmetic.w_shape, arithmetic.problem.dilation, strict=True))
    return rows, columns


def _gap(titles: tuple[str, ...], columns: tuple[int, ...]) -> float:
    """The space between the arrays, so that titles over narrow ones do not touch."""
    halves = [(len(title) * _CHARACTER - count * _LARGEST_CELL) / 2 for title, count in zip(titles, columns, strict=True)]
    return max(_GAP, *(first + second - _INDICES + 0.15 for first, second in pairwise(halves)))


def _title(page: Page, text: str, centre: float, top: float) -> None:
    page.write(centre, top - 0.33, text, 10.5)


def _indices(
    page: Page,
    shape: Index,
    first_left: float,
    first_top: float,
    left: float,
    top: float,
    cell: float,
    steps: tuple[int, int] = (1, 1),
) -> None:
    """Write row and column numbers; rows and columns stand so many cells apart."""
    for row in range(shape[0]):
        page.number(left - 0.1, first_top + (row * steps[0] + 0.5) * cell, row, cell * steps[0])
    for column in range(shape[1]):
        page.number(first_left + (column * steps[1] + 0.5) * cell, top - 0.1, column, cell * steps[1])
