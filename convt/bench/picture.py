"""The picture: how many times as long as convt its peers take, a bar to the best of them for each case."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from ..replacing import replacing
from .report import BEHIND
from .results import Result, geometric_mean

__all__ = ["draw", "suffixes"]

ROW, GAP = 0.2, 0.35  # inches; in rows, between families
NAMES, WIDE, NARROW, FIGURES, EDGE = 1.5, 5.2, 3.2, 0.45, 0.2
TOP, BOTTOM = 1.05, 0.5
BARS, INKS = ("#e8a598", "#9cc5a1"), ("#a02c1c", "#2f6b3a")  # behind, ahead
LOOKS = {"torch": ("o", "#d1495b"), "onnxruntime": ("D", "#2f4b7c"), "openvino": ("^", "#e9a03b")}  # marker and colour
ANY_LOOK = ("s", "#6a4c93")
GREY = "#555555"


def suffixes() -> list[str]:
    """The file name extensions that `draw` can write, with their dot."""
    return [f".{kind}" for kind in Figure().canvas.get_supported_filetypes()]


def draw(tasks: Mapping[str, Sequence[Result]], peers: Sequence[str], subtitle: str, output: str | os.PathLike[str]) -> None:
    """Write the picture to a file.

    Parameters
    ----------
    tasks : mapping of str to sequence of Result
        A panel each, by title; the same cases in all.
    peers : sequence of str
        Who has computed nothing is left out.
    subtitle : str
        Who ran where.
    output : str or path-like
        With one of the `suffixes`.
    """
    peers = [peer for peer in peers if any(peer in result.ratios for results in tasks.values() for result in results)]
    rows = _rows(next(iter(tasks.values())))
    panel = WIDE if len(tasks) == 1 else NARROW
    width = NAMES + len(tasks) * (panel + FIGURES + EDGE)
    height = TOP + BOTTOM + (max(rows) + 1) * ROW
    figure = Figure(figsize=(width, height), dpi=160)
    for place, (title, results) in enumerate(tasks.items()):
        left = NAMES + place * (panel + FIGURES + EDGE)
        axes = figure.add_axes((left / width, BOTTOM / height, panel / width, 1 - (TOP + BOTTOM) / height))
        _panel(axes, title, results, rows, peers, panel)
        axes.set_yticks(rows, [] if place else [result.job.case.name for result in results], fontsize=8)
    figure.text(
        EDGE / width,
        1 - 0.13 / height,
        "Time of each peer as a multiple of convt's",
        fontsize=12,
        va="top",
    )
    figure.text(EDGE / width, 1 - 0.4 / height, subtitle, fontsize=7, va="top", color=GREY, linespacing=1.4)
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(), loc="upper right", ncols=len(peers), frameon=False, fontsize=8
    )
    with replacing(output) as file:
        figure.savefig(file, format=Path(output).suffix[1:])


def _rows(results: Sequence[Result]) -> list[float]:
    """Where the cases stand, with a gap between families."""
    rows = [0.0]
    for before, after in pairwise(result.job.case.family for result in results):
        rows.append(rows[-1] + 1 + GAP * (before != after))
    return rows


def _panel(
    axes: Axes, title: str, results: Sequence[Result], rows: Sequence[float], peers: Sequence[str], panel: float
) -> None:
    for row, result in zip(rows, results, strict=True):
        if result.ratio is None:
            continue
        ahead = result.ratio >= BEHIND
        axes.barh(row, result.ratio - 1, left=1, height=0.72, color=BARS[ahead], zorder=2)
        beside: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "ha": "right", "va": "center"}
        axes.annotate(
            f"{result.ratio:.2f}", (1 + FIGURES / panel, row), fontsize=8, color=INKS[ahead], annotation_clip=False, **beside
        )
    for peer in peers:
        marker, colour = LOOKS.get(peer, ANY_LOOK)
        points = [(result.ratios[peer], row) for row, result in zip(rows, results, strict=True) if peer in result.ratios]
        style: dict[str, Any] = {"marker": marker, "color": colour, "edgecolor": "white", "linewidth": 0.5}
        axes.scatter([x for x, _ in points], [y for _, y in points], s=26, zorder=4, label=peer, **style)
    axes.axvline(1, color="black", linewidth=1, zorder=3)
    _scale(axes, [ratio for result in results for ratio in result.ratios.values()])
    axes.set_ylim(max(rows) + 0.7, -0.7)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    mean = geometric_mean(result.ratio for result in results if result.ratio is not None)
    axes.set_title(title, fontsize=9, loc="left")
    if mean:
        axes.set_title(f"mean {mean:.2f}", fontsize=9, loc="right", x=1 + FIGURES / panel, fontweight="bold")


def _scale(axes: Axes, ratios: Sequence[float]) -> None:
    """Powers of two."""
    low, high = min([0.5, *ratios]) / 1.1, max([2.0, *ratios]) * 1.1
    axes.set_xscale("log", base=2)
    axes.set_xlim(low, high)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: str(Fraction(value).limit_denominator(1024))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6, zorder=0)
    for text, side, offset in (
        ("convt slower \N{LEFTWARDS ARROW}", "right", -6),
        ("\N{RIGHTWARDS ARROW} faster", "left", 6),
    ):
        below: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "ha": side}
        axes.annotate(text, (1, 0), (offset, -26), fontsize=8, color=GREY, **below)
