"""The results as JSON, for comparing them later."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .machine import Machine
from .peers import Peer
from .results import Result

__all__ = ["export"]


def export(output: str | os.PathLike[str], contenders: Iterable[Peer], machine: Machine, results: Sequence[Result]) -> None:
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
    Path(output).write_text(json.dumps(document, indent=1), encoding="utf-8")


def _entry(result: Result) -> dict[str, Any]:
    job = result.job
    return {
        "case": asdict(job.case),
        "task": asdict(job.task),
        "dtype": job.dtype,
        "times": {name: asdict(times) for name, times in result.times.items()},
        "wrong": {name: str(off) for name, off in result.wrong.items()},
        "missing": result.reasons,
        "ratio": result.ratio,
        "flops": job.flops,
        "bytes": job.bytes,
        "floor": result.floor,
    }
