"""The results: whether contenders computed the same, what was measured of one job, and the figures that follow from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .jobs import Job
from .machine import Machine
from .ours import Kept, Ours
from .timing import Times

__all__ = ["TOLERANCE", "BusyResult", "Comparison", "Result", "difference", "geometric_mean"]

TOLERANCE = {"float32": 1e-4, "float64": 1e-11}  # of the largest value; bfloat16 and TF32 are off by ten times as much


@dataclass(frozen=True)
class Comparison:
    """One job, by convt and by its peers.

    Attributes
    ----------
    job : Job
    times : dict of str to Times
        By contender; who could not do the job is missing.
    wrong : dict of str to float
        Peers that computed something else than convt, and how far they are off; their times do not count.
    reasons : dict of str to str
        Peers that are missing, and why.
    """

    job: Job
    times: dict[str, Times]
    wrong: dict[str, float]
    reasons: dict[str, str]

    @property
    def ours(self) -> float:
        """The median of convt, in seconds."""
        return self.times[Ours.name].median

    @property
    def ratios(self) -> dict[str, float]:
        """How many times as long as convt each peer takes that computes the same."""
        peers = (name for name in self.times if name not in (Ours.name, Kept.name, *self.wrong))
        return {name: self.times[name].median / self.ours for name in peers}

    @property
    def ratio(self) -> float | None:
        """That of the best peer: above 1, convt is the fastest. None without peers."""
        return min(self.ratios.values(), default=None)

    @property
    def kept_ratio(self) -> float | None:
        """The same for convt with constant filters. None where these were not tried, or without peers."""
        if Kept.name not in self.times or self.ratio is None:
            return None
        return self.ratio * self.ours / self.times[Kept.name].median

    @property
    def gflops(self) -> float:
        """Of convt, in 10**9 operations per second."""
        return self.job.flops / self.ours / 1e9


@dataclass(frozen=True)
class Result(Comparison):
    """One job on this machine.

    Attributes
    ----------
    machine : Machine
        Where that was.
    """

    machine: Machine

    @property
    def floor(self) -> float:
        """Seconds that the machine needs at least."""
        return self.machine.floor(self.job.flops, self.job.bytes)

    @property
    def share(self) -> float:
        """The part of convt's time that the machine needs at least."""
        return self.floor / self.ours


@dataclass(frozen=True)
class BusyResult:
    """One job on a machine where others compute.

    Attributes
    ----------
    job : Job
    times : dict of str to dict of int to Times
        By contender and number of threads; convt is the first, who could not do the job is missing.
    wrong, reasons : dict
        As in `Result`.
    """

    job: Job
    times: dict[str, dict[int, Times]]
    wrong: dict[str, float]
    reasons: dict[str, str]

    @property
    def numbers(self) -> list[int]:
        """Of threads, the lowest first."""
        return sorted(self.times[Ours.name])

    def slowdown(self, name: str) -> float:
        """A contender's 90th percentile with the most threads, as a multiple of that with the fewest."""
        return self.times[name][self.numbers[-1]].high / self.times[name][self.numbers[0]].high

    def versus(self, name: str) -> float:
        """A contender's 90th percentile with the most threads, as a multiple of convt's."""
        return self.times[name][self.numbers[-1]].high / self.times[Ours.name][self.numbers[-1]].high


def geometric_mean(values: Iterable[float]) -> float | None:
    """The mean that treats twice as fast and half as fast alike; None without values.

    Examples
    --------
    >>> from convt.bench.results import geometric_mean
    >>> geometric_mean([0.5, 2.0])
    1.0
    """
    logarithms = [log(value) for value in values]
    return exp(sum(logarithms) / len(logarithms)) if logarithms else None


def difference(theirs: Any, ours: Any) -> float:
    """How far two answers are apart.

    Parameters
    ----------
    theirs, ours : array_like or tuple of array_like

    Returns
    -------
    float
        The largest difference as a fraction of the largest value; infinite for other shapes, or where one has no number.

    Examples
    --------
    >>> from convt.bench.results import difference
    >>> difference([4.0, 8.0], [4.0, 10.0])
    0.2
    >>> difference([1.0], [1.0, 2.0])
    inf
    """
    pairs = (_arrays(theirs), _arrays(ours))
    if [part.shape for part in pairs[0]] != [part.shape for part in pairs[1]]:
        return float("inf")
    return max((_difference(*pair) for pair in zip(*pairs, strict=True)), default=0.0)


def _arrays(answer: Any) -> list[NDArray[Any]]:
    """The arrays of a contender's answer: one, or a tuple of them with None for what was not asked."""
    parts = answer if isinstance(answer, tuple) else (answer,)
    return [np.asarray(part) for part in parts if part is not None]


def _difference(a: NDArray[Any], b: NDArray[Any]) -> float:
    distance = float(np.abs(a - b).max(initial=0))
    largest = float(np.abs(b).max(initial=0))
    if not np.isfinite(distance):
        return float("inf")
    return distance / largest if largest else distance
