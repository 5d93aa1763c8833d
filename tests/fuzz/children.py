"""Cases in child processes, several at a time: a child that crashes or hangs names its case, and another goes on behind it.

A child is `worker.py`; it writes a line when a case begins, and one when it has ended.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BATCH = 400  # cases of a child
HANGS = 60.0  # seconds in which nothing ends


@dataclass(frozen=True)
class Failure:
    """A case that is wrong: the call in words, and what is wrong with it."""

    number: int
    words: str
    reason: str


@dataclass
class Findings:
    """What cases have found.

    Attributes
    ----------
    cases : int
    failures : list of Failure
    subjects, engines : Counter
        How many cases of each subject, and calls that each engine has done.
    seconds : float
    """

    cases: int = 0
    failures: list[Failure] = field(default_factory=list)
    subjects: Counter[str] = field(default_factory=Counter)
    engines: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def explore(
    seed: int,
    *,
    first: int = 0,
    cases: int | None = None,
    seconds: float | None = None,
    failures: int = 10,
    plant: str | None = None,
    hangs: float = HANGS,
    tell: Callable[[Failure], None] = lambda failure: None,
) -> Findings:
    """Run cases in order, until there were so many, or the seconds are over, or so many have failed.

    `plant` is the name of an error in `planted.py`, which the children make. Each failure is told when it is found.
    """
    found, begin, number = Findings(), time.monotonic(), first
    end = None if seconds is None else begin + seconds
    while len(found.failures) < failures and (cases is None or number < first + cases):
        if end is not None and time.monotonic() >= end:
            break
        batch = BATCH if cases is None else min(BATCH, first + cases - number)
        number = _child(found, seed, number, batch, end, failures, plant, hangs, tell)
    found.seconds = time.monotonic() - begin
    return found


def _child(
    found: Findings,
    seed: int,
    first: int,
    count: int,
    end: float | None,
    failures: int,
    plant: str | None,
    hangs: float,
    tell: Callable[[Failure], None],
) -> int:
    """Run a batch in a child. Return the number of the case to go on with."""
    command = [sys.executable, "-m", "tests.fuzz.worker", str(seed), str(first), str(count), plant or ""]
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=said)
        running, number, reason = None, first, ""
        try:
            for line in _lines(child, hangs):
                told = json.loads(line)
                if "begins" in told:
                    running = told["begins"]
                    continue
                running, number = None, told["ended"] + 1
                _count(found, told)
                if told["failure"]:
                    found.failures.append(Failure(told["ended"], told["words"], told["failure"]))
                    tell(found.failures[-1])
                if len(found.failures) >= failures or (end is not None and time.monotonic() >= end):
                    return number
            status = child.wait()
            reason = _ending(status)
        except TimeoutError:
            reason = f"did not end within {hangs:g} seconds"
            child.send_signal(signal.SIGABRT)  # makes Python tell where it is
            time.sleep(0.5)
        finally:
            child.kill()
            child.wait()
            child.stdout.close()
        if running is None and not reason:
            return number
        said.seek(0)
        words = said.read().decode(errors="replace")[-3000:]
    if running is None:
        raise RuntimeError(f"a child of the fuzzer failed between cases: {reason}\n{words}")
    found.cases += 1
    found.failures.append(Failure(running, words, reason or "ended the process"))
    tell(found.failures[-1])
    return running + 1


def _lines(child: subprocess.Popen[bytes], hangs: float) -> Any:
    """What a child writes, line by line; a TimeoutError where nothing comes."""
    stream, rest = child.stdout.fileno(), b""
    while True:
        ready, _, _ = select.select([stream], [], [], hangs)
        if not ready:
            raise TimeoutError
        block = os.read(stream, 1 << 16)
        if not block:
            return
        *lines, rest = (rest + block).split(b"\n")
        yield from lines


def _ending(status: int) -> str:
    if status < 0:
        return f"ended by the signal {signal.Signals(-status).name}"
    return f"ended with status {status}" if status else ""


def _count(found: Findings, told: dict[str, Any]) -> None:
    found.cases += 1
    found.subjects[told["subject"]] += 1
    found.engines.update(told["engines"])
