"""How many threads a call may use.

``CONVT_NUM_THREADS`` if it is set (read at every call), else what OpenMP would use, which ``OMP_NUM_THREADS`` and
threadpoolctl set. A limit that threadpoolctl puts on OpenMP after the start also limits ``CONVT_NUM_THREADS``.

In a process forked after threads had run, one thread: the child has lost the others, and GNU's OpenMP would wait for them.
"""

from __future__ import annotations

import os

from ._environment import variable
from ._openmp import openmp_threads

__all__ = ["thread_count", "threads_for", "threads_used"]

_at_start = openmp_threads()
_used = False  # whether this process or one that it was forked from has run on several threads
_orphaned = False  # whether the threads that ran have stayed behind in the parent


def thread_count() -> int:
    """The number of threads for a large problem.

    Raises
    ------
    ValueError
        ``CONVT_NUM_THREADS`` is not a positive integer.
    """
    text = variable(b"CONVT_NUM_THREADS")
    now = openmp_threads()
    wanted = _positive(text) if text else now
    if now != _at_start:
        wanted = min(wanted, now)
    return 1 if _orphaned else wanted


def threads_for(work: int, tasks: int, serial_below: int) -> int:
    """The number of threads for so much work in so many tasks; one for less than `serial_below`."""
    if work < serial_below:
        return 1
    threads = min(thread_count(), tasks)
    if threads > 1:
        threads_used()
    return threads


def threads_used() -> None:
    """To be called before a parallel region of several threads."""
    global _used
    _used = True


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise ValueError(f"CONVT_NUM_THREADS must be a positive integer, got {text!r}")
    return value


def _after_fork() -> None:
    global _orphaned
    _orphaned = _used


os.register_at_fork(after_in_child=_after_fork)
