"""The results: what was measured of one job, and the figures that follow from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log

from .jobs import Job
from .machine import Machine
from .ours import Ours
from .timing import Times

__all__ = ["Result", "geometric_mean"]


@dataclass(frozen=True)
class Result:
    """One job.

    Attributes
    ----------
    job : Job
    times : dict of str to Times
        By contender; who could not do the job is missing.
    wrong : dict of str to float
        Peers that computed something else than convt, and how far they are off; their times do not count.
    reasons : dict of str to str
        Peers that are missing, and why.
    machine : Machine
        Where that was.
    """

    job: Job
    times: dict[str, Times]
    wrong: dict[str, float]
    reasons: dict[str, str]
    machine: Machine

    @property
    def ours(self) -> float:
        """The median of convt, in seconds."""
        return self.times[Ours.name].median

    @property
    def ratios(self) -> dict[str, float]:
        """How many times as long as convt each peer takes that computes the same."""
        peers = (name for name in self.times if name != Ours.name and name not in self.wrong)
        return {name: self.times[name].median / self.ours for name in peers}

    @property
    def ratio(self) -> float | None:
        """That of the best peer: above 1, convt is the fastest. None without peers."""
        return min(self.ratios.values(), default=None)

    @property
    def floor(self) -> float:
        """Seconds that the machine needs at least."""
        return self.machine.floor(self.job.flops, self.job.bytes)

    @property
    def gflops(self) -> float:
        """Of convt, in 10**9 operations per second."""
        return self.job.flops / self.ours / 1e9

    @property
    def share(self) -> float:
        """The part of convt's time that the machine needs at least."""
        return self.floor / self.ours


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
