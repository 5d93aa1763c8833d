"""The busy machine: how long a call takes while other programs want every core, with one thread and with all.

Twice as many processes as there are cores compute without a pause. Threads that wait for each other then wait for one that
has no core; the 90th percentile shows it, where the median of a few calls may not. `crowd` is the other programs, `timing`
takes the turns, a number of threads counting as a contender of its own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from threadpoolctl import threadpool_limits

from ..optional import require
from . import choice, machine, peers, report
from .crowd import crowd
from .export import check_folder, export_busy
from .jobs import FORWARD, Job, layer_jobs
from .ours import Ours
from .peers import Peer
from .prepare import prepare
from .results import BusyResult
from .timing import Times, alternate

__all__ = ["FAMILY", "REPEAT", "measure", "run"]

FAMILY = "busy"
REPEAT = 60
PER_CORE = 2


def run(
    cases: Sequence[str] | None = None,
    peer_names: Sequence[str] | None = None,
    *,
    threads: int | None = None,
    dtype: str = "float32",
    repeat: int = REPEAT,
    markdown: bool = False,
    json: str | os.PathLike[str] | None = None,
) -> list[BusyResult]:
    """Time conv_transpose beside its peers while other programs compute, and print what came of it.

    Parameters
    ----------
    cases : sequence of str, optional
        Names or families, several with commas; by default the family "busy".
    peer_names : sequence of str, optional
        As in `convt.bench.run.run`.
    threads : int, optional
        How many to compare with one; by default all cores that the process may use.
    dtype : {"float32", "float64"}
    repeat : int
        How many calls of each are timed, at least 1.
    markdown : bool
        Print the table as Markdown.
    json : str or path-like, optional
        Where to write all that was measured.

    Returns
    -------
    list of BusyResult

    Raises
    ------
    MissingPackage
        tqdm or a peer that is asked for is not installed.
    LookupError, ValueError, OSError
        A case or a peer is not known; a number is out of range; the file cannot be written, the processes not be started.
    """
    jobs = layer_jobs(cases or [FAMILY], FORWARD, dtype)
    threads = choice.threads_or_all(threads)
    choice.check_repeat(repeat)
    require("bench", "tqdm", extra="bench")
    check_folder(json)
    teams = {number: [Ours(number, dtype), *peers.load(peer_names, number)] for number in sorted({1, threads})}
    processes = PER_CORE * choice.cores()

    with threadpool_limits(threads, user_api="blas"), crowd(processes):
        load = machine.Load()
        results = _measure_all(jobs, teams, repeat)
        others = load.others()

    contenders = teams[threads]
    print(report.versions(contenders))
    taken = "" if others is None else f" and had {others:.0%} of the cores"
    print(f"{machine.processor()}, {choice.cores()} cores, {dtype}, {repeat} calls of each")
    print(f"{processes} other processes computed meanwhile{taken}")
    print(f"\n{FORWARD[0]}: milliseconds, median and 90th percentile; x: that percentile as multiples of another\n")
    print(report.busy_table(results, [contender.name for contender in contenders], markdown))
    print("", *report.faults(results), sep="\n")
    if json:
        export_busy(json, contenders, processes, results)
    return results


def measure(job: Job, teams: Mapping[int, Sequence[Peer]], repeat: int) -> BusyResult:
    """Check and time one job.

    Parameters
    ----------
    job : Job
    teams : mapping of int to sequence of Peer
        By number of threads; convt first, the same in each.
    repeat : int
        How many calls of each are timed.

    Returns
    -------
    BusyResult
    """
    runs, sessions, wrong, reasons = {}, {}, {}, {}
    for number, team in teams.items():
        with ExitStack() as entered:
            for contender in team:
                entered.enter_context(contender.session())
            prepared = prepare(job, team[0], team[1:])
        runs.update({(name, number): call for name, call in prepared.runs.items()})
        sessions.update({(contender.name, number): contender.session for contender in team})
        wrong.update(prepared.wrong)
        reasons.update(prepared.reasons)
    times: dict[str, dict[int, Times]] = {}
    for (name, number), taken in alternate(runs, repeat, more=1, sessions=sessions).items():
        times.setdefault(name, {})[number] = taken
    return BusyResult(job, times, wrong, reasons)


def _measure_all(jobs: Sequence[Job], teams: Mapping[int, Sequence[Peer]], repeat: int) -> list[BusyResult]:
    from tqdm import tqdm

    results = []
    with tqdm(total=len(jobs), unit="case") as bar:
        for job in jobs:
            bar.set_description(job.case.name)
            results.append(measure(job, teams, repeat))
            bar.update()
    return results
