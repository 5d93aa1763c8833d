"""A process that compiles and times, and is ended where a program takes too long; XLA itself cannot be interrupted."""

from __future__ import annotations

import os
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from ..jobs import LayerJob

__all__ = ["Child", "Ended"]

START = 120.0  # seconds to import JAX, and for what comes before the first name

Outcome = Any


class Ended(OSError):
    """The process ended by itself; the message is what it said last."""


class Child:
    """Does jobs one after the other, in a process that is started anew when it had to be ended.

    Parameters
    ----------
    work : callable
        Of a job, a function to announce by, and more; importable in another process. It announces a name and for how many
        seconds to wait for the next message; or it is told by `Unsupported` to leave that name out.
    threads : int
    """

    def __init__(self, work: Callable[..., Outcome], threads: int) -> None:
        self._work, self._threads = work, threads
        self._context = get_context("spawn")
        self._process: Any = None
        self._connection: Any = None

    def do(self, job: LayerJob, *arguments: Any) -> Outcome:
        """What the work returns for a job. A name that took too long, or that the process died of, is left out.

        Raises
        ------
        Ended
            The process died before any name was announced, or the work raised an error.
        """
        left_out: dict[str, str] = {}
        while True:
            if self._process is None:
                self._start()
            self._connection.send((job, arguments, left_out))
            name, patience = None, START
            while True:
                try:
                    message = self._connection.recv() if self._connection.poll(patience) else None
                except (EOFError, ConnectionError):
                    message = ("died", None)
                if message is not None and message[0] == "announced":
                    name, patience = message[1:]
                    continue
                break
            if message is not None and message[0] == "done":
                return message[1]
            self.end()
            if message is not None and message[0] == "failed":
                raise Ended(message[1])
            if not name:
                raise Ended("the process that times took too long" if message is None else "the process that times died")
            left_out[name] = f"takes more than {patience:.0f} s for one call" if message is None else "ends the process"

    def end(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
            self._process = self._connection = None

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def _start(self) -> None:
        here, there = self._context.Pipe()
        self._process = self._context.Process(target=_serve, args=(there, self._work, self._threads), daemon=True)
        self._process.start()
        there.close()
        self._connection = here


def _serve(connection: Connection, work: Callable[..., Outcome], threads: int) -> None:
    """Do what is asked until the other end is closed."""
    from ..peers.peer import Unsupported

    _bind(threads)
    while True:
        try:
            job, arguments, left_out = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return

        def announce(name: str, patience: float, left_out: dict[str, str] = left_out) -> None:
            if name in left_out:
                raise Unsupported(left_out[name])
            connection.send(("announced", name, patience))

        try:
            connection.send(("done", work(job, announce, *arguments)))
        except KeyboardInterrupt:
            return
        except Exception as error:
            connection.send(("failed", f"{job.case.name}: {type(error).__name__}: {error}"))


def _bind(threads: int) -> None:
    """Let this process use so many cores; XLA takes one thread for each."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) > threads:
        os.sched_setaffinity(0, cores[:threads])
