"""The report: the results as text, aligned for a terminal or as Markdown for a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .cases import Case
from .jobs import Job
from .machine import Machine
from .ours import Ours
from .peers import Peer
from .results import Result, geometric_mean
from .timing import MORE, Times

__all__ = ["case_list", "heading", "milliseconds", "notes", "table"]

BEHIND = 0.995  # what would be rounded to 1.00 is not behind
WORST = 8


def heading(contenders: Iterable[Peer], machine: Machine, dtype: str, repeat: int) -> str:
    """Who ran where, in two lines."""
    who = ", ".join(f"{contender.name} {contender.version}" for contender in contenders)
    threads = f"{machine.threads} thread{'s' if machine.threads > 1 else ''}"
    speeds = f"BLAS {machine.flops / 1e9:.0f} GFLOP/s, copying {machine.bandwidth / 1e9:.1f} GB/s"
    return f"{who}\n{machine.processor}, {threads}, {dtype}, {repeat} samples ({repeat * MORE} of short calls); {speeds}"


def table(results: Sequence[Result], peers: Sequence[str], markdown: bool = False) -> str:
    """One task as a table: a row per case, the geometric means in the last.

    Parameters
    ----------
    results : sequence of Result
    peers : sequence of str
        Their columns; who did none of the jobs has none.
    markdown : bool
        As Markdown, with the shapes.

    Returns
    -------
    str
    """
    peers = [peer for peer in peers if any(peer in result.times for result in results)]
    versus = ["x best"] if peers else []
    titles = ["case", *["shape"] * markdown, "convt", *peers, *versus, "GFLOP/s", "of floor"]
    rows = [[*_left(result.job, markdown), *_cells(result, peers)] for result in results]
    ratios = [_times(geometric_mean(_ratios(results, peer))) for peer in peers]
    versus = [_times(geometric_mean(_ratios(results)))] if peers else []
    share = geometric_mean(result.share for result in results)
    means = ["geometric mean", *[""] * markdown, "", *ratios, *versus, "", _percent(share or 0)]
    lines = [titles, *rows, means]
    return _markdown(lines) if markdown else _aligned(lines)


def notes(results: Sequence[Result]) -> list[str]:
    """What the table does not say: where convt is behind, who is wrong, who is missing and why."""
    lines = []
    compared = [(result.job.case.name, result.ratio) for result in results if result.ratio is not None]
    if compared:
        behind = sorted((ratio, name) for name, ratio in compared if ratio < BEHIND)
        worst = ", ".join(f"{name} {ratio:.2f}" for ratio, name in behind[:WORST])
        ahead = f"convt is as fast as the best peer or faster in {len(compared) - len(behind)} of {len(compared)} cases"
        lines.append(f"{ahead}; furthest behind: {worst}" if behind else ahead)
    lines += [
        f"WRONG: on {result.job.case.name}, {peer} differs from convt by {off:.1g} of the largest value; it does not count"
        for result in results
        for peer, off in result.wrong.items()
    ]
    missing: dict[str, list[str]] = {}
    for result in results:
        for peer, reason in result.reasons.items():
            missing.setdefault(f"{peer} {reason}", []).append(result.job.case.name)
    for why, names in missing.items():
        lines.append(f"- {why}" if len(names) == len(results) else f"- {why}: {', '.join(names)}")
    return lines


def case_list(cases: Iterable[Case]) -> str:
    """Names and shapes, aligned.

    Examples
    --------
    >>> from convt.bench.choice import select_cases
    >>> from convt.bench.report import case_list
    >>> print(case_list(select_cases(["fcn"])))
    fcn-32   1, 21>21, 16x16, 64x64 s32 p16
    fcn-16   1, 21>21, 32x32, 32x32 s16 p8
    fcn-8    1, 21>21, 64x64, 16x16 s8 p4
    """
    rows = [(case.name, str(case)) for case in cases]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}   {shape}" for name, shape in rows)


def milliseconds(times: Times) -> str:
    """The median and the quartiles, with three digits.

    Examples
    --------
    >>> from convt.bench.report import milliseconds
    >>> from convt.bench.timing import Times
    >>> milliseconds(Times(0.02474, 0.0245, 0.1, 0.2))
    '24.7 (24.5-100)'
    """
    median, lower, upper = (_three_digits(1e3 * seconds) for seconds in (times.median, times.lower, times.upper))
    return f"{median} ({lower}-{upper})"


def _three_digits(value: float) -> str:
    return f"{value:#.3g}".rstrip(".") if value < 1000 else f"{value:.0f}"


def _left(job: Job, markdown: bool) -> list[str]:
    return [job.case.name, str(job.case)] if markdown else [job.case.name]


def _cells(result: Result, peers: Sequence[str]) -> list[str]:
    cells = [milliseconds(result.times[Ours.name])]
    for peer in peers:
        cell = milliseconds(result.times[peer]) if peer in result.times else "-"
        cells.append(f"WRONG {cell}" if peer in result.wrong else cell)
    versus = [_times(result.ratio, "")] if peers else []
    return [*cells, *versus, f"{result.gflops:.3g}", _percent(result.share)]


def _ratios(results: Sequence[Result], peer: str | None = None) -> Iterable[float]:
    for result in results:
        ratio = result.ratios.get(peer) if peer else result.ratio
        if ratio is not None:
            yield ratio


def _times(ratio: float | None, sign: str = "x ") -> str:
    return "-" if ratio is None else f"{sign}{ratio:.2f}"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "< 1%"


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = [
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    ]
    rule = "-" * len(texts[0])
    return "\n".join([texts[0], rule, *texts[1:-1], rule, texts[-1]])


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    marks = ["---" if title in ("case", "shape") else "---:" for title in lines[0]]
    return "\n".join(f"| {' | '.join(line)} |" for line in [lines[0], marks, *lines[1:]])
