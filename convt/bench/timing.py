"""Timing: the contenders in turns, each undisturbed by the others.

Thread pools go on spinning after a call, for a few or many milliseconds, to be there at once for the next. That is good for
whoever owns the pool and bad for who is called next: measured on two cores, a call of 40 ms took 55 ms after one of ONNX
Runtime's, a short call up to several times as long. Switching the spinning off (``OMP_WAIT_POLICY=passive`` and its like)
would be no fairer: it makes short calls of those that use OpenMP about twice as slow as they are in use. So all keep the
settings they come with, and each turn begins with `settle`: a pause, until no thread of the process has run for 10 ms. One
untimed call then wakes the contender's own threads and fills the caches, and the next one is timed. So measured, short calls
took the time that they take alone, up to the noise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from statistics import quantiles
from time import perf_counter, process_time, sleep
from typing import Any, TypeAlias, TypeVar
from warnings import warn

__all__ = ["Run", "Times", "alternate", "samples_of", "settle", "summarize"]

Run: TypeAlias = Callable[[], Any]
Session: TypeAlias = Callable[[], AbstractContextManager[None]]
Name = TypeVar("Name")

SHORT = 5e-3  # seconds below which noise shows in a call
MORE = 3  # times as many samples of short calls
COLD = 0.1  # seconds above which a cold start no longer shows in a call
REST = 2e-3
RESTS = 5  # in a row, as a thread that spins can lose its core to another program for a moment


@dataclass(frozen=True)
class Times:
    """Seconds of one call.

    Attributes
    ----------
    median, lower, upper : float
        The median and the quartiles of the samples.
    high : float
        What nine of ten samples do not exceed.
    """

    median: float
    lower: float
    upper: float
    high: float


def alternate(
    runs: Mapping[Name, Run], repeat: int, *, more: int = MORE, sessions: Mapping[Name, Session] | None = None
) -> dict[Name, Times]:
    """Time the contenders in turns.

    Parameters
    ----------
    runs : mapping of hashable to callable
    repeat : int
        How many calls of each are timed.
    more : int
        How many times as many of short calls.
    sessions : mapping of hashable to callable, optional
        What must hold during a contender's turn alone.

    Returns
    -------
    dict of hashable to Times
    """
    session = {name: (sessions or {}).get(name, nullcontext) for name in runs}
    counts: dict[Name, int] = {}
    for name, run in runs.items():
        with session[name]():
            run()
            counts[name] = samples_of(_seconds(run), repeat, more)
    samples: dict[Name, list[float]] = {name: [] for name in runs}
    for turn in range(max(counts.values(), default=0)):
        for name, run in runs.items():
            if turn < counts[name]:
                with session[name]():
                    samples[name].append(_turn(run, samples[name]))
    return {name: summarize(taken) for name, taken in samples.items()}


def _turn(run: Run, before: list[float]) -> float:
    if not settle():
        warn("threads spin for ever (is OMP_WAIT_POLICY active?) and slow the others down", RuntimeWarning, 3)
    if not before or before[-1] < COLD:
        run()
    return _seconds(run)


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


def samples_of(seconds: float, repeat: int, more: int = MORE) -> int:
    """How many calls to time of one that takes so long.

    Examples
    --------
    >>> from convt.bench.timing import samples_of
    >>> samples_of(1.0, 9), samples_of(1e-4, 9)
    (9, 27)
    """
    return repeat * more if seconds < SHORT else repeat


def summarize(samples: list[float]) -> Times:
    """The median, the quartiles and the 90th percentile of one sample or more.

    Examples
    --------
    >>> from convt.bench.timing import summarize
    >>> summarize([3.0, 1.0, 2.0, 5.0, 4.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0])
    Times(median=6.0, lower=3.5, upper=8.5, high=10.0)
    """
    if len(samples) == 1:
        return Times(*samples * 4)
    lower, median, upper = quantiles(samples, n=4, method="inclusive")
    return Times(median, lower, upper, quantiles(samples, n=10, method="inclusive")[-1])


def _seconds(run: Run) -> float:
    begin = perf_counter()
    run()
    return perf_counter() - begin
