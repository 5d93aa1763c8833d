"""The child process: runs cases one after the other, and writes a line of JSON when one begins and when it has ended.

What is called may print, so the lines go to a copy of the standard output, which then is the standard error.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import resource
import sys
from collections import Counter
from pathlib import Path

sys.path[:] = [
    each for each in sys.path if Path(each or ".").resolve() != Path(__file__).resolve().parents[2]
]  # not this convt

from . import case, refusals  # noqa: E402
from .planted import planted  # noqa: E402


class EngineCounter(logging.Handler):
    """Counts the engines that the cpu backend says it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: Counter[str] = Counter()

    def listen(self) -> None:
        """Have that backend say it."""
        log = logging.getLogger("convt.cpu")
        log.setLevel(logging.DEBUG)
        log.addHandler(self)
        log.propagate = False

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple) and len(record.args) > 1:
            self.counted[str(record.args[1]).split()[1]] += 1

    def taken(self) -> Counter[str]:
        """What was counted since the last time."""
        taken, self.counted = self.counted, Counter()
        return taken


def work(seed: int, first: int, count: int, kind: str, error: str) -> None:
    """Run so many cases or refusals, with an error of `planted.py` if one is named."""
    run_case = {"cases": case.run_case, "refusals": refusals.run_case}[kind]
    lines = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    engines = EngineCounter()
    if kind == "cases":  # logging does not do without memory
        engines.listen()
    with planted(error):
        for number in range(first, first + count):
            print(json.dumps({"begins": number}), file=lines, flush=True)
            outcome = run_case(seed, number)
            told = {"ended": number, "subject": outcome.subject, "failure": outcome.failure, "engines": engines.taken()}
            told["words"] = outcome.words if outcome.failure else ""
            print(json.dumps(told), file=lines, flush=True)


if __name__ == "__main__":
    work(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
