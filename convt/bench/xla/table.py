"""The tables of `convt.jax` beside XLA, and what they do not say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..report import faults, milliseconds
from ..results import geometric_mean
from ..tables import lay_out, times
from .results import OURS, Result

__all__ = ["AIM", "notes", "table"]

AIM = 2.0


def table(results: Sequence[Result], markdown: bool = False) -> str:
    """One quantity as a table: a row per case, the geometric means in the last.

    Parameters
    ----------
    results : sequence of Result
    markdown : bool
        As Markdown, with the shapes.

    Returns
    -------
    str
    """
    titles = ["case", *["shape"] * markdown, OURS, "XLA as written", "XLA at best", "form", "x written", "x best"]
    rows = [
        [
            result.job.case.name,
            *[str(result.job.case)] * markdown,
            *(_milliseconds(result, name) for name in (OURS, result.written, result.best)),
            result.best or "-",
            *(times(result.ratio(name)) for name in (result.written, result.best)),
        ]
        for result in results
    ]
    written, best = (geometric_mean(_present(ratios)) for ratios in (_written(results), _best(results)))
    means = ["geometric mean", *[""] * (markdown + 4), times(written, "x "), times(best, "x ")]
    return lay_out(titles, rows, [means], words=1 + markdown, markdown=markdown)


def notes(results: Sequence[Result]) -> list[str]:
    """In how many cases convt is twice as fast as XLA at best, where it is not, and who is wrong or missing."""
    known = [
        (ratio, result.job.case.name) for result, ratio in zip(results, _best(results), strict=True) if ratio is not None
    ]
    below = sorted((ratio, name) for ratio, name in known if ratio < AIM)
    line = f"{OURS} is {AIM:g} times as fast as XLA at best, or more, in {len(known) - len(below)} of {len(known)} cases"
    listed = ", ".join(f"{name} {ratio:.2f}" for ratio, name in below)
    return [f"{line}; less: {listed}" if below else line, *faults(results)]


def _milliseconds(result: Result, name: str | None) -> str:
    taken = result.measured.times.get(name or "")
    return "-" if taken is None else milliseconds(taken)


def _written(results: Iterable[Result]) -> list[float | None]:
    return [result.ratio(result.written) for result in results]


def _best(results: Iterable[Result]) -> list[float | None]:
    return [result.ratio(result.best) for result in results]


def _present(ratios: Iterable[float | None]) -> Iterable[float]:
    return (ratio for ratio in ratios if ratio is not None)
