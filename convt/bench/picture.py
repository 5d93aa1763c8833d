"""The picture: how many times as long as convt its peers take, for each group of cases the mean, the worst and the best."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from ..replacing import replacing
from .report import BEHIND
from .results import Result, geometric_mean

__all__ = ["Group", "draw", "groups", "suffixes"]

MOST = 20  # cases that have a row each; of more, families have one
ROW, NAMES, WIDE, NARROW, FIGURE, EDGE = 0.36, 1.25, 4.3, 2.6, 0.46, 0.25  # inches
TOP, BOTTOM = 1.25, 0.6
BAR, DOTS = 0.17, -0.19  # where they stand in a row, in rows
FILLS, INKS = ("#f5c49c", "#b5d3e8"), ("#a04000", "#005587")  # behind and ahead
LOOKS = {"torch": ("o", "#d55e00"), "onnxruntime": ("D", "#0072b2"), "openvino": ("^", "#222222")}  # marker and colour
ANY_LOOK = ("s", "#cc79a7")  # all of them distinct for any colour vision, and in grey
GREY, INK = "#555555", "#222222"


@dataclass(frozen=True)
class Group:
    """Cases that share a row.

    Attributes
    ----------
    name : str
    results : sequence of Result
    """

    name: str
    results: Sequence[Result]

    @property
    def ratios(self) -> list[float]:
        """Of the best peer in each case, the lowest first."""
        return sorted(result.ratio for result in self.results if result.ratio is not None)

    def mean(self, peer: str) -> float | None:
        """The geometric mean of one peer's ratios."""
        return geometric_mean(result.ratios[peer] for result in self.results if peer in result.ratios)


def groups(results: Sequence[Result]) -> list[Group]:
    """The rows: the cases, or their families if there are more than 20 cases."""
    if len(results) <= MOST:
        return [Group(result.job.case.name, [result]) for result in results]
    families = groupby(results, key=lambda result: result.job.case.family)
    return [Group(name, list(members)) for name, members in families]


def suffixes() -> list[str]:
    """The file name extensions that `draw` can write, with their dot."""
    return [f".{kind}" for kind in Figure().canvas.get_supported_filetypes()]


def draw(tasks: Mapping[str, Sequence[Result]], peers: Sequence[str], subtitle: str, output: str | os.PathLike[str]) -> None:
    """Write the picture to a file.

    Parameters
    ----------
    tasks : mapping of str to sequence of Result
        A panel each, by title.
    peers : sequence of str
        Who has computed nothing is left out.
    subtitle : str
        Who ran where.
    output : str or path-like
        With one of the `suffixes`.
    """
    peers = [peer for peer in peers if any(peer in result.ratios for results in tasks.values() for result in results)]
    panels = {title: groups(results) for title, results in tasks.items()}
    wide = WIDE if len(panels) == 1 else NARROW
    whole = NAMES + wide + max(map(_columns, panels.values())) * FIGURE + EDGE
    width = len(panels) * whole
    height = TOP + BOTTOM + max(map(len, panels.values())) * ROW
    figure = Figure(figsize=(width, height), dpi=160)
    for place, (title, rows) in enumerate(panels.items()):
        tall = len(rows) * ROW
        left, bottom = place * whole + NAMES, height - TOP - tall
        _panel(figure.add_axes((left / width, bottom / height, wide / width, tall / height)), title, rows, peers, wide)
    top = "How many times as long as convt the others take"
    figure.text(EDGE / width, 1 - 0.15 / height, top, fontsize=12.5, va="top", color=INK)
    figure.text(EDGE / width, 1 - 0.44 / height, subtitle, fontsize=7, va="top", color=GREY, linespacing=1.4)
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(),
        loc="upper left",
        bbox_to_anchor=((NAMES - 0.12) / width, 1 - 0.68 / height),
        ncols=len(peers) + 2,
        frameon=False,
        fontsize=8,
        handletextpad=0.5,
        columnspacing=1.4,
    )
    with replacing(output) as file:
        figure.savefig(file, format=Path(output).suffix[1:])


def _panel(axes: Axes, title: str, rows: Sequence[Group], peers: Sequence[str], wide: float) -> None:
    """Draw one task."""
    for peer in peers:
        marker, colour = LOOKS.get(peer, ANY_LOOK)
        points = [(mean, row + DOTS) for row, group in enumerate(rows) if (mean := group.mean(peer)) is not None]
        style: dict[str, Any] = {"marker": marker, "color": colour, "edgecolor": "white", "linewidth": 0.5}
        axes.scatter([x for x, _ in points], [y for _, y in points], s=30, zorder=4, label=peer, **style)
    for row, group in enumerate(rows):
        if group.ratios:
            _bar(axes, row, group, wide, first=row == 0)
    axes.axvline(1, color=INK, linewidth=1, zorder=3)
    _scale(axes, [x for group in rows for x in (*group.ratios, *(group.mean(peer) or 1 for peer in peers))])
    axes.set_ylim(len(rows) - 0.45, -0.55)
    columns = _columns(rows)
    names = [f"{group.name} ({len(group.results)})" if columns > 1 else group.name for group in rows]
    axes.set_yticks(range(len(rows)), names, fontsize=8.5, color=INK)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.set_title(title, fontsize=9, loc="left", color=INK)
    for column, name in enumerate(("mean", "worst", "best")[:columns]):
        _beside(axes, -0.75, column, name, wide, color=GREY, fontsize=8)
    mean = geometric_mean(ratio for group in rows for ratio in group.ratios)
    if mean:
        said = f"{mean:.2f}: geometric mean of {sum(len(group.ratios) for group in rows)} cases"
        below: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "ha": "right"}
        axes.annotate(said, (1 + columns * FIGURE / wide, 0), (0, -29), fontsize=8.5, color=INK, weight="bold", **below)


def _columns(rows: Sequence[Group]) -> int:
    """How many numbers stand beside a row: with several cases their mean, the worst and the best."""
    return 3 if any(len(group.results) > 1 for group in rows) else 1


def _bar(axes: Axes, row: int, group: Group, wide: float, *, first: bool) -> None:
    """Draw the best peer's mean as a bar, a line from the worst case to the best, and write all three."""
    mean = geometric_mean(group.ratios) or 1.0
    worst, best = group.ratios[0], group.ratios[-1]
    axes.barh(row + BAR, mean - 1, left=1, height=0.36, color=FILLS[mean >= BEHIND], zorder=2)
    if first:
        axes.barh(row, 0, left=1, color=FILLS[True], label="the fastest in each case")
    if len(group.results) > 1:
        label = "worst to best case" if first else None
        axes.plot([worst, best], [row + BAR] * 2, color=INK, linewidth=0.9, marker="|", markersize=5, zorder=4, label=label)
    figures = (mean, worst, best) if len(group.results) > 1 else (mean,)
    for column, value in enumerate(figures):
        weight = "normal" if column else "bold"
        _beside(axes, row, column, f"{value:.2f}", wide, color=INKS[value >= BEHIND], fontsize=8, weight=weight)


def _beside(axes: Axes, row: float, column: int, text: str, wide: float, **style: Any) -> None:
    """Write into a column on the right."""
    place = (1 + (column + 1) * FIGURE / wide, row)
    axes.annotate(text, place, xycoords=("axes fraction", "data"), ha="right", va="center", annotation_clip=False, **style)


def _scale(axes: Axes, ratios: Sequence[float]) -> None:
    """Powers of two."""
    low, high = min([0.5, *ratios]) / 1.1, max([2.0, *ratios]) * 1.1
    axes.set_xscale("log", base=2)
    axes.set_xlim(low, high)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: str(Fraction(value).limit_denominator(1024))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", labelsize=8, colors=INK)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6, zorder=0)
    for text, side, offset in (
        ("convt slower \N{LEFTWARDS ARROW}", "right", -6),
        ("\N{RIGHTWARDS ARROW} faster", "left", 6),
    ):
        below: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "ha": side}
        axes.annotate(text, (1, 0), (offset, -29), fontsize=8, color=GREY, **below)
