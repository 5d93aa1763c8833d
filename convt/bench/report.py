"""The report: the results as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from .cases import Case
from .jobs import Job
from .machine import Machine
from .ours import Kept, Ours
from .peers import Peer
from .results import BusyResult, Comparison, Result, geometric_mean
from .tables import lay_out, threads, three_digits, times
from .timing import MORE, Times

__all__ = [
    "busy_table",
    "case_list",
    "conditions",
    "device_table",
    "faults",
    "heading",
    "milliseconds",
    "notes",
    "table",
    "versions",
]


class Faulty(Protocol):
    """What came of a job, with who is wrong and who is missing."""

    @property
    def job(self) -> Job: ...

    @property
    def wrong(self) -> dict[str, float]: ...

    @property
    def reasons(self) -> dict[str, str]: ...


BEHIND = 0.995  # what would be rounded to 1.00 is not behind
WORST = 8


def heading(contenders: Iterable[Peer], machine: Machine, dtype: str, repeat: int) -> str:
    """Who ran where, in two lines."""
    return f"{versions(contenders)}\n{conditions(machine, dtype, repeat)}"


def conditions(machine: Machine, dtype: str, repeat: int) -> str:
    """Where and how, in one line."""
    samples = f"{repeat} samples ({repeat * MORE} of short calls)"
    speeds = f"BLAS {machine.flops / 1e9:.0f} GFLOP/s, copying {machine.bandwidth / 1e9:.1f} GB/s"
    return f"{machine.processor}, {threads(machine.threads)}, {dtype}, {samples}; {speeds}"


def versions(contenders: Iterable[Peer]) -> str:
    """Who, in one line."""
    return ", ".join(f"{contender.name} {contender.version}" for contender in contenders)


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
    share = geometric_mean(result.share for result in results)
    floors = ["of floor", *(_percent(result.share) for result in results), _percent(share or 0)]
    return _comparison(results, peers, markdown, floors)


def device_table(results: Sequence[Comparison], peers: Sequence[str], markdown: bool = False) -> str:
    """`table` without what is not known of a device: how fast it could be at most."""
    return _comparison(results, peers, markdown, [])


def busy_table(results: Sequence[BusyResult], names: Sequence[str], markdown: bool = False) -> str:
    """A row per case and contender: the median and the 90th percentile for each number of threads.

    Parameters
    ----------
    results : sequence of BusyResult
    names : sequence of str
        The contenders, convt first.
    markdown : bool
        As Markdown, with the shapes.

    Returns
    -------
    str
    """
    numbers = results[0].numbers
    columns = [title for number in numbers for title in (threads(number), "90 %")]
    titles = ["case", *["shape"] * markdown, "who", *columns, *[f"x {threads(1)}"] * (len(numbers) > 1), f"x {Ours.name}"]
    rows = [
        [*_left(result.job, markdown), name, *_busy_cells(result, name)]
        for result in results
        for name in names
        if name in result.times
    ]
    feet = [
        ["geometric mean", *[""] * markdown, name, *[""] * len(columns), *_busy_means(results, name)]
        for name in names
        if any(name in result.times for result in results)
    ]
    return lay_out(titles, rows, feet, words=2 + markdown, markdown=markdown)


def notes(results: Sequence[Comparison]) -> list[str]:
    """What the table does not say: where convt is behind, and the `faults`."""
    lines = []
    compared = [(result.job.case.name, result.ratio) for result in results if result.ratio is not None]
    if compared:
        behind = sorted((ratio, name) for name, ratio in compared if ratio < BEHIND)
        worst = ", ".join(f"{name} {ratio:.2f}" for ratio, name in behind[:WORST])
        ahead = f"convt is as fast as the best peer or faster in {len(compared) - len(behind)} of {len(compared)} cases"
        lines.append(f"{ahead}; furthest behind: {worst}" if behind else ahead)
    return lines + faults(results)


def faults(results: Sequence[Faulty]) -> list[str]:
    """Who is wrong, who is missing and why."""
    lines = [
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
    median, lower, upper = (three_digits(1e3 * seconds) for seconds in (times.median, times.lower, times.upper))
    return f"{median} ({lower}-{upper})"


def _comparison(results: Sequence[Comparison], peers: Sequence[str], markdown: bool, last: Sequence[str]) -> str:
    """Times and ratios, and a last column from its title to its mean, if there is one."""
    peers = [peer for peer in peers if any(peer in result.times for result in results)]
    kept = [Kept.name] * any(Kept.name in result.times for result in results)
    both = bool(kept and peers)
    versus = ["x best", *[f"{Kept.name} x best"] * both] if peers else []
    titles = ["case", *["shape"] * markdown, Ours.name, *kept, *peers, *versus, "GFLOP/s"]
    rows = [
        [
            *_left(result.job, markdown),
            *_times(result, [*kept, *peers]),
            *[times(result.kept_ratio)] * both,
            f"{result.gflops:.3g}",
        ]
        for result in results
    ]
    ratios = [times(geometric_mean(_ratios(results, peer)), "x ") for peer in peers]
    versus = [times(geometric_mean(_ratios(results)), "x ")] if peers else []
    versus += [times(geometric_mean(filter(None, (result.kept_ratio for result in results))), "x ")] * both
    means = ["geometric mean", *[""] * markdown, "", *[""] * len(kept), *ratios, *versus, ""]
    if last:
        for line, cell in zip([titles, *rows, means], last, strict=True):
            line.append(cell)
    return lay_out(titles, rows, [means], words=1 + markdown, markdown=markdown)


def _left(job: Job, markdown: bool) -> list[str]:
    return [job.case.name, str(job.case)] if markdown else [job.case.name]


def _times(result: Comparison, peers: Sequence[str]) -> list[str]:
    cells = [milliseconds(result.times[Ours.name])]
    for peer in peers:
        cell = milliseconds(result.times[peer]) if peer in result.times else "-"
        cells.append(f"WRONG {cell}" if peer in result.wrong else cell)
    return [*cells, *[times(result.ratio)] * any(peer != Kept.name for peer in peers)]


def _ratios(results: Sequence[Comparison], peer: str | None = None) -> Iterable[float]:
    for result in results:
        ratio = result.ratios.get(peer) if peer else result.ratio
        if ratio is not None:
            yield ratio


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "< 1%"


def _busy_cells(result: BusyResult, name: str) -> list[str]:
    taken = [result.times[name][number] for number in result.numbers]
    cells = [three_digits(1e3 * seconds) for each in taken for seconds in (each.median, each.high)]
    if name in result.wrong:
        cells = [f"WRONG {cell}" for cell in cells]
    return [*cells, *_busy_ratios(times(result.slowdown(name)), times(result.versus(name)), result)]


def _busy_means(results: Sequence[BusyResult], name: str) -> list[str]:
    counted = [result for result in results if name in result.times and name not in result.wrong]
    slowdown = geometric_mean(result.slowdown(name) for result in counted)
    versus = geometric_mean(result.versus(name) for result in counted)
    return _busy_ratios(times(slowdown, "x "), times(versus, "x "), results[0])


def _busy_ratios(slowdown: str, versus: str, result: BusyResult) -> list[str]:
    return [*[slowdown] * (len(result.numbers) > 1), versus]
