"""The results as JSON, for comparing them later."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

from ..replacing import replacing
from .machine import Machine, processor
from .peers import Peer
from .results import BusyResult, Result

__all__ = ["check_folder", "export", "export_busy", "write"]

Output: TypeAlias = "str | os.PathLike[str]"


def export(output: Output, contenders: Iterable[Peer], machine: Machine, results: Sequence[Result]) -> None:
    """Write all that was measured.

    Parameters
    ----------
    output : str or path-like
        Of the file.
    contenders : iterable of Peer
    machine : Machine
    results : sequence of Result
        Times are in seconds.
    """
    document = {
        "versions": {contender.name: contender.version for contender in contenders},
        "machine": asdict(machine),
        "results": [_entry(result) for result in results],
    }
    write(output, document)


def export_busy(output: Output, contenders: Iterable[Peer], processes: int, results: Sequence[BusyResult]) -> None:
    """Write all that was measured on a busy machine.

    Parameters
    ----------
    output : str or path-like
        Of the file.
    contenders : iterable of Peer
    processes : int
        How many computed beside it.
    results : sequence of BusyResult
        Times are in seconds, by contender and number of threads.
    """
    document = {
        "versions": {contender.name: contender.version for contender in contenders},
        "processor": processor(),
        "processes": processes,
        "results": [_busy_entry(result) for result in results],
    }
    write(output, document)


def write(output: Output, document: Any) -> None:
    """Write what `json.dumps` takes."""
    with replacing(output) as file:
        file.write(json.dumps(document, indent=1).encode())


def check_folder(output: Output | None) -> None:
    """An error, before the work, for a file that could not be written; None is none."""
    if output and not Path(output).parent.is_dir():
        raise FileNotFoundError(f"json must be a file in an existing directory, got '{output}'")


def _entry(result: Result) -> dict[str, Any]:
    job = result.job
    return {
        **_of_job(result),
        "times": {name: asdict(times) for name, times in result.times.items()},
        "ratio": result.ratio,
        "flops": job.flops,
        "bytes": job.bytes,
        "floor": result.floor,
    }


def _busy_entry(result: BusyResult) -> dict[str, Any]:
    times = {name: {number: asdict(taken) for number, taken in by.items()} for name, by in result.times.items()}
    return {**_of_job(result), "times": times}


def _of_job(result: Result | BusyResult) -> dict[str, Any]:
    return {
        "case": asdict(result.job.case),
        "task": asdict(result.job.task),
        "dtype": result.job.dtype,
        "wrong": {name: str(off) for name, off in result.wrong.items()},
        "missing": result.reasons,
    }
