"""The load: how much of the processors other programs took while times were measured.

Threads that wait for each other, as all contenders' do, lose milliseconds when one of them is held up; then short calls say
more about the other programs than about the contenders.
"""

from __future__ import annotations

import os
from time import perf_counter, process_time

__all__ = ["Load"]

_IDLE = (3, 4)  # among the columns of /proc/stat: idle, and waiting for a disk
_GUESTS = 8  # from here on, what the column for users has counted already


class Load:
    """Watches from when it is made."""

    def __init__(self) -> None:
        self._wall, self._own, self._busy = perf_counter(), process_time(), _busy_seconds()

    def others(self) -> float | None:
        """The part of the cores that this process may use which others used; None where the system does not tell."""
        now = _busy_seconds()
        if now is None or self._busy is None:
            return None
        cores, busy = len(now), sum(now) - sum(self._busy)
        return max(0.0, busy - (process_time() - self._own)) / (cores * (perf_counter() - self._wall))


def _busy_seconds() -> list[float] | None:
    """Per core."""
    try:
        mine = {f"cpu{core}" for core in os.sched_getaffinity(0)}
        with open("/proc/stat", encoding="utf-8") as lines:
            rows = [line.split() for line in lines]
    except (AttributeError, OSError):
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    counts = [[int(cell) for cell in row[1 : 1 + _GUESTS]] for row in rows if row and row[0] in mine]
    return [(sum(row) - sum(row[place] for place in _IDLE)) / ticks for row in counts] or None
