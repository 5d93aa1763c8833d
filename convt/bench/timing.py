"""Timing: the contenders in turns, each undisturbed by the others.

Thread pools go on spinning after a call, for a few or many milliseconds, to be there at once for the next. That is good for
whoever owns the pool and bad for who is called next: measured on two cores, a call of 40 ms took 55 ms after one of ONNX
Runtime's, a short call up to several times as long. Switching the spinning off (``OMP_WAIT_POLICY=passive`` and its like)
would be no fairer: it makes short calls of those that use OpenMP, convt and torch, about twice as slow as they are in use.
So all keep the settings they come with, and each turn begins with `settle`: it waits until no thread of the process runs any
more. One untimed call then wakes the contender's own threads and fills the caches. So measured, short calls took the time
that they take alone, up to the noise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from statistics import quantiles
from time import perf_counter, process_time, sleep
from typing import Any, TypeAlias
from warnings import warn

__all__ = ["Times", "alternate", "loops", "settle", "summarize"]

Run: TypeAlias = Callable[[], Any]

SHORTEST = 5e-3  # seconds of a sample: far above the clock's resolution and the cost of the loop
MOST_LOOPS = 1000
COLD = 0.1  # seconds above which a cold start no longer shows in a call
REST = 2e-3
RESTS = 3  # in a row, as a thread that spins can lose its core to another program for a moment


@dataclass(frozen=True)
class Times:
    """Seconds of one call.

    Attributes
    ----------
    median, lower, upper : float
        The median and the quartiles of the samples.
    """

    median: float
    lower: float
    upper: float


def alternate(runs: Mapping[str, Run], repeat: int) -> dict[str, Times]:
    """Time the contenders in turns.

    Parameters
    ----------
    runs : mapping of str to callable
    repeat : int
        How many samples of each; calls shorter than `SHORTEST` are repeated within a sample.

    Returns
    -------
    dict of str to Times
    """
    counts: dict[str, int] = {}
    for name, run in runs.items():
        run()
        counts[name] = loops(_seconds(run, 1))
    samples: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeat):
        for name, run in runs.items():
            if not settle():
                warn("threads spin for ever (is OMP_WAIT_POLICY active?) and slow the others down", RuntimeWarning, 2)
            if not samples[name] or samples[name][-1] < COLD:
                run()
            samples[name].append(_seconds(run, counts[name]))
    return {name: summarize(taken) for name, taken in samples.items()}


def settle(limit: float = 0.5) -> bool:
    """Wait until no thread of this process uses the processor.

    Parameters
    ----------
    limit : float
        Seconds after which to give up, as on pools that were told to spin for ever.

    Returns
    -------
    bool
        Whether there is silence.
    """
    end, silences = perf_counter() + limit, 0
    while silences < RESTS and perf_counter() < end:
        used = process_time()
        sleep(REST)
        silences = silences + 1 if process_time() - used < REST / 10 else 0
    return silences == RESTS


def loops(seconds: float) -> int:
    """How many calls to put into one sample.

    Examples
    --------
    >>> from convt.bench.timing import loops
    >>> loops(1.0), loops(1e-3), loops(1e-9)
    (1, 5, 1000)
    """
    return MOST_LOOPS if seconds * MOST_LOOPS < SHORTEST else ceil(SHORTEST / seconds)


def summarize(samples: list[float]) -> Times:
    """The median and the quartiles of one sample or more.

    Examples
    --------
    >>> from convt.bench.timing import summarize
    >>> summarize([3.0, 1.0, 2.0, 5.0, 4.0])
    Times(median=3.0, lower=2.0, upper=4.0)
    """
    lower, median, upper = quantiles(samples, n=4, method="inclusive") if len(samples) > 1 else samples * 3
    return Times(median, lower, upper)


def _seconds(run: Run, count: int) -> float:
    """Of one call, the mean of so many."""
    begin = perf_counter()
    for _ in range(count):
        run()
    return (perf_counter() - begin) / count
