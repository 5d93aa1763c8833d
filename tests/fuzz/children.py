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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_REFUSER = ROOT / "tests" / "support" / "refuse.c"
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
    plant: str = "",
    refuser: Path | None = None,
    hangs: float = HANGS,
    tell: Callable[[Failure], None] = lambda failure: None,
) -> Findings:
    """Run cases in order, until there were so many, or the seconds are over, or so many have failed.

    `plant` is the name of an error in `planted.py`, which the children make; `refuser` the library that refuses memory, for
    the cases of `refusals.py`. Each failure is told when it is found.
    """
    found, begin, number = Findings(), time.monotonic(), first
    how = _How(seed, end=None if seconds is None else begin + seconds, failures=failures, hangs=hangs, tell=tell)
    how.arguments, how.variables = ["refusals" if refuser else "cases", plant], _variables(refuser)
    while len(found.failures) < failures and (cases is None or number < first + cases) and not how.is_over():
        number = _child(found, how, number, BATCH if cases is None else min(BATCH, first + cases - number))
    found.seconds = time.monotonic() - begin
    return found


@dataclass
class _How:
    """What all children of an exploration have in common."""

    seed: int
    end: float | None
    failures: int
    hangs: float
    tell: Callable[[Failure], None]
    arguments: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    def is_over(self) -> bool:
        return self.end is not None and time.monotonic() >= self.end


def build_refuser(folder: Path) -> Path:
    """Compile the library that refuses memory; for glibc."""
    library = folder / "refuse.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", str(_REFUSER), "-o", str(library)], check=True)
    return library


def _variables(refuser: Path | None) -> dict[str, str]:
    """The environment: without convt's variables, and for `refuser` one in which Python asks for all memory by malloc."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONVT_")}
    if refuser is not None:
        kept |= {"LD_PRELOAD": str(refuser), "PYTHONMALLOC": "malloc", "CONVT_NUM_THREADS": "2"}
    return kept


def _child(found: Findings, how: _How, first: int, count: int) -> int:
    """Run a batch in a child. Return the number of the case to go on with."""
    command = [sys.executable, "-m", "tests.fuzz.worker", str(how.seed), str(first), str(count), *how.arguments]
    running, number, reason = None, first, ""
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, cwd=ROOT, env=how.variables, stdout=subprocess.PIPE, stderr=said)
        try:
            for told in _lines(child, how.hangs):
                if "begins" in told:
                    running = told["begins"]
                    continue
                running, number = None, told["ended"] + 1
                _count(found, how, told)
                if len(found.failures) >= how.failures or how.is_over():
                    return number
            reason = _ending(child.wait())
        except TimeoutError:
            reason = f"did not end within {how.hangs:g} seconds"
            child.send_signal(signal.SIGABRT)  # makes Python tell where it is
            time.sleep(0.5)
        finally:
            child.kill()
            child.wait()
            child.stdout.close()
        said.seek(0)
        words = said.read().decode(errors="replace")[-3000:].strip()
    if running is None and not reason:
        return number
    if running is None:
        raise RuntimeError(f"a child of the fuzzer failed between cases: {reason}\n{words}")
    found.cases += 1
    found.failures.append(Failure(running, words, reason or "ended the process"))
    how.tell(found.failures[-1])
    return running + 1


def _lines(child: subprocess.Popen[bytes], hangs: float) -> Iterator[dict[str, Any]]:
    """What a child tells, line by line; a TimeoutError where nothing comes."""
    stream, rest = child.stdout.fileno(), b""
    while True:
        ready, _, _ = select.select([stream], [], [], hangs)
        if not ready:
            raise TimeoutError
        block = os.read(stream, 1 << 16)
        if not block:
            return
        *lines, rest = (rest + block).split(b"\n")
        yield from map(json.loads, lines)


def _ending(status: int) -> str:
    if status < 0:
        return f"ended by the signal {signal.Signals(-status).name}"
    return f"ended with status {status}" if status else ""


def _count(found: Findings, how: _How, told: dict[str, Any]) -> None:
    found.cases += 1
    found.subjects[told["subject"]] += 1
    found.engines.update(told["engines"])
    if told["failure"]:
        engines = ", ".join(told["engines"])
        words = told["words"] + (f"\n  engines: {engines}" if engines else "")
        found.failures.append(Failure(told["ended"], words, told["failure"]))
        how.tell(found.failures[-1])
