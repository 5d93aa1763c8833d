"""The crowd: other programs that want every core, for as long as something is measured among them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

__all__ = ["crowd"]

# A process whose parent has died gets another one.
_COMPUTE = """
import os, sys
print(flush=True)
while os.getppid() == int(sys.argv[1]):
    sum(range(100_000))
"""


@contextmanager
def crowd(count: int) -> Iterator[list[int]]:
    """Processes that compute without a pause, each on one thread, until the block ends or this process dies.

    Parameters
    ----------
    count : int

    Yields
    ------
    list of int
        Their ids; all of them have begun.
    """
    with ExitStack() as ends:
        processes = [_begin(ends) for _ in range(count)]
        for process in processes:
            if process.stdout is None or not process.stdout.readline():
                raise OSError("a process that computes could not be started")
        yield [process.pid for process in processes]


def _begin(ends: ExitStack) -> subprocess.Popen[bytes]:
    """In a session of its own, so that Ctrl-C reaches this process alone, which ends it."""
    command = [sys.executable, "-I", "-S", "-c", _COMPUTE, str(os.getpid())]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    ends.enter_context(process)  # waits for it
    ends.callback(process.kill)
    return process
