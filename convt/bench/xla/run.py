"""The story of the benchmark in JAX, in the order in which it happens."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from threadpoolctl import threadpool_limits

from ...optional import require
from ...selection import block_request
from .. import choice, machine, report
from ..export import check_folder, write
from ..jobs import LayerJob, Task, layer_jobs
from ..results import TOLERANCE
from ..run import QUIET
from .child import Child
from .contenders import versions
from .measure import SLOW, measure
from .results import LIMIT, Result
from .table import notes, table

__all__ = ["REPEAT", "TASKS", "run"]

REPEAT = 5
TASKS = tuple(Task("conv_transpose", needs) for needs in ((), ("x",), ("w",)))


def run(
    cases: Sequence[str] | None = None,
    *,
    threads: int | None = None,
    dtype: str = "float32",
    repeat: int = REPEAT,
    markdown: bool = False,
    json: str | os.PathLike[str] | None = None,
) -> list[Result]:
    """Time `convt.jax` beside XLA and print what came of it.

    Parameters
    ----------
    cases : sequence of str, optional
        Names or families, several with commas; all by default.
    threads : int, optional
        For both; by default all cores that the process may use.
    dtype : {"float32", "float64"}
    repeat : int
        How many calls of each are timed, at least 1; three times as many of those that take less than 5 ms.
    markdown : bool
        Print the tables as Markdown.
    json : str or path-like, optional
        Where to write all that was measured.

    Returns
    -------
    list of Result

    Raises
    ------
    MissingPackage
        tqdm is not installed.
    LookupError, ValueError, OSError
        A case is not known; a number is out of range; a file cannot be written.
    """
    jobs = layer_jobs(cases, TASKS, dtype)
    threads = choice.threads_or_all(threads)
    choice.check_repeat(repeat)
    if dtype not in TOLERANCE:
        raise ValueError(f"dtype must be one of {', '.join(TOLERANCE)}, got {dtype!r}")
    require("bench", "tqdm", extra="bench")
    check_folder(json)

    with threadpool_limits(threads, user_api="blas"):
        here = machine.measure(threads, dtype)
        results = _measure_all(jobs, threads, repeat)
        here = here.best(machine.measure(threads, dtype))

    print(versions(dtype))
    print(report.conditions(here, dtype, repeat))
    loads = [result.measured.others for result in results if result.measured.others is not None]
    if loads and sum(loads) / len(loads) > QUIET:
        print(f"NOISY: other programs took {sum(loads) / len(loads):.0%} of these cores meanwhile; short calls suffer most")
    print(f"Left out: what takes {LIMIT:g} s for one call, or long beside others; what takes {SLOW:g} s is timed once")
    for task in TASKS:
        part = [result for result in results if result.job.task == task]
        print(f"\n{task}: milliseconds, median (quartiles); x: multiples of convt.jax's time\n")
        print(table(part, markdown))
        print("", *notes(part), sep="\n")
    if json:
        document = {"versions": versions(dtype), "machine": asdict(here), "results": [_entry(result) for result in results]}
        write(json, document)
    return results


def _measure_all(jobs: Sequence[LayerJob], threads: int, repeat: int) -> list[Result]:
    from tqdm import tqdm

    results = []
    with Child(measure, threads) as child, tqdm(total=len(jobs), unit="case") as bar:
        for job in jobs:
            bar.set_description(job.case.name)
            results.append(Result(job, child.do(job, threads, repeat, block_request())))
            bar.update()
    return results


def _entry(result: Result) -> dict[str, Any]:
    measured = result.measured
    return {
        "case": asdict(result.job.case),
        "task": asdict(result.job.task),
        "dtype": result.job.dtype,
        "times": {name: asdict(times) for name, times in measured.times.items()},
        "tried": measured.tried,
        "best": result.best,
        "ratio": result.ratio(result.best),
        "wrong": {name: str(off) for name, off in measured.wrong.items()},
        "missing": measured.reasons,
    }
