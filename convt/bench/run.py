"""The story of the benchmark, in the order in which it happens."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace

from threadpoolctl import threadpool_limits

from ..optional import require
from . import choice, machine, peers, report
from .export import check_folder, export
from .jobs import BACKWARD, CONV, FORWARD, Job, layer_jobs, sampling_jobs
from .ours import Kept, Ours
from .prepare import prepare
from .results import TOLERANCE, Result
from .timing import alternate

__all__ = ["list_cases", "measure", "run"]

QUIET = 0.05  # of the processors, for all other programs


def run(
    cases: Sequence[str] | None = None,
    peer_names: Sequence[str] | None = None,
    *,
    backward: bool = False,
    conv: bool = False,
    sampling: bool = False,
    threads: int | None = None,
    dtype: str = "float32",
    repeat: int = 9,
    markdown: bool = False,
    plot: str | os.PathLike[str] | None = None,
    json: str | os.PathLike[str] | None = None,
) -> list[Result]:
    """Time convt beside its peers and print what came of it.

    Parameters
    ----------
    cases : sequence of str, optional
        Names or families, several with commas; all by default.
    peer_names : sequence of str, optional
        Several with commas; "none" for none; those that are installed by default.
    backward : bool
        Time the gradients of conv_transpose, together and apart, instead of conv_transpose.
    conv : bool
        Time conv and its gradients; with backward, both.
    sampling : bool
        Time upsampling, pooling and their gradients instead.
    threads : int, optional
        For every contender; by default all cores that the process may use.
    dtype : {"float32", "float64"}
    repeat : int
        How many calls of each are timed, at least 1; three times as many of those that take less than 5 ms.
    markdown : bool
        Print the tables as Markdown.
    plot, json : str or path-like, optional
        Where to draw the ratios, and where to write all that was measured.

    Returns
    -------
    list of Result

    Raises
    ------
    MissingPackage
        tqdm, a peer that is asked for, or for a plot matplotlib is not installed.
    LookupError, ValueError, OSError
        A case or a peer is not known; a number is out of range; a file cannot be written.
    """
    tasks = (BACKWARD if backward else ()) + (CONV if conv else ()) or FORWARD
    jobs: list[Job] = []
    if sampling:
        if backward or conv:
            raise ValueError("sampling must be asked for alone, got backward or conv too")
        jobs += sampling_jobs(cases, dtype)
    else:
        jobs += layer_jobs(cases, tasks, dtype)
    threads = choice.threads_or_all(threads)
    choice.check_repeat(repeat)
    if dtype not in TOLERANCE:
        raise ValueError(f"dtype must be one of {', '.join(TOLERANCE)}, got {dtype!r}")
    require("bench", "tqdm", *(["matplotlib"] if plot else []), extra="bench")
    ours, others = Ours(threads, dtype), peers.load(peer_names, threads)
    beside = others if sampling else [Kept(threads, dtype), *others]
    _check_outputs(plot, json, others)

    with threadpool_limits(threads, user_api="blas"):
        load = machine.Load()
        before = machine.measure(threads, dtype)
        results = _measure_all(jobs, ours, beside, before, repeat)
        here = before.best(machine.measure(threads, dtype))
        others_load = load.others()
    results = [replace(result, machine=here) for result in results]

    heading = report.heading([ours, *others], here, dtype, repeat)
    print(heading)
    if others_load and others_load > QUIET:
        print(f"NOISY: other programs took {others_load:.0%} of these cores meanwhile; short calls suffer most")
    names = [peer.name for peer in others]
    titles = dict.fromkeys(str(job.task) for job in jobs)
    by_task = {title: [result for result in results if str(result.job.task) == title] for title in titles}
    for title, part in by_task.items():
        print(f"\n{title}: milliseconds, median (quartiles); x: multiples of convt's time\n")
        print(report.table(part, names, markdown))
        print("", *report.notes(part), sep="\n")
    if plot:
        from . import picture

        picture.draw(by_task, names, heading, plot)
    if json:
        export(json, [ours, *others], here, results)
    return results


def list_cases(cases: Sequence[str] | None = None) -> None:
    """Print the names and shapes of cases.

    Parameters
    ----------
    cases : sequence of str, optional
        As in `run`.
    """
    print(report.case_list(choice.select_cases(cases)))


def measure(job: Job, ours: Ours, others: Iterable[peers.Peer], here: machine.Machine, repeat: int) -> Result:
    """Check and time one job.

    Parameters
    ----------
    job : Job
    ours : Ours
    others : iterable of Peer
        Their sessions must have been entered, as that of `ours`.
    here : Machine
    repeat : int
        Samples of each.

    Returns
    -------
    Result
    """
    prepared = prepare(job, ours, others)
    times = alternate(prepared.runs, repeat)
    return Result(job, times, prepared.wrong, prepared.reasons, here)


def _measure_all(
    jobs: Sequence[Job], ours: Ours, others: Sequence[peers.Peer], here: machine.Machine, repeat: int
) -> list[Result]:
    from tqdm import tqdm

    results = []
    with ExitStack() as sessions, tqdm(total=len(jobs), unit="case") as bar:
        for contender in (ours, *others):
            sessions.enter_context(contender.session())
        for job in jobs:
            bar.set_description(job.case.name)
            results.append(measure(job, ours, others, here, repeat))
            bar.update()
    return results


def _check_outputs(
    plot: str | os.PathLike[str] | None, json: str | os.PathLike[str] | None, others: Sequence[peers.Peer]
) -> None:
    if plot:
        from ..images import check_output
        from .picture import suffixes

        if not others:
            raise ValueError("plot must have a peer to compare with, got none")
        check_output(plot, suffixes())
    check_folder(json)
