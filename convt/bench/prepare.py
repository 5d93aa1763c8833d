"""Preparation: who can do a job and computes the same as convt; the others do not count, and it is told why."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .jobs import Job
from .peers.peer import Peer, Unsupported
from .results import TOLERANCE, difference
from .timing import Run

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True)
class Prepared:
    """Calls of one job.

    Attributes
    ----------
    runs : dict of str to callable
        By contender, convt first.
    wrong : dict of str to float
        Peers that computed something else than convt, and how far they are off.
    reasons : dict of str to str
        Peers that have no call, and why.
    """

    runs: dict[str, Run]
    wrong: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


def prepare(
    job: Job,
    ours: Peer,
    others: Iterable[Peer],
    *,
    tolerance: float | None = None,
    on_host: Callable[[Any], Any] = lambda answer: answer,
) -> Prepared:
    """Make the calls of a job, and compare what they compute.

    Parameters
    ----------
    job : Job
    ours : Peer
    others : iterable of Peer
        Their sessions must have been entered, as that of `ours`.
    tolerance : float, optional
        How far answers may be apart; by default that of the job's dtype.
    on_host : callable, optional
        What makes NumPy's arrays of an answer.

    Returns
    -------
    Prepared
    """
    made = Prepared({ours.name: ours.prepare(job)})
    expected = on_host(made.runs[ours.name]())
    for peer in others:
        try:
            run = peer.prepare(job)
            off = difference(on_host(run()), expected)
        except Exception as error:  # frameworks raise whatever they like for what they cannot do
            cause = next(iter(str(error).splitlines()), type(error).__name__)
            made.reasons[peer.name] = cause if isinstance(error, Unsupported) else f"fails: {cause}"
            continue
        made.runs[peer.name] = run
        if off > (TOLERANCE[job.dtype] if tolerance is None else tolerance):
            made.wrong[peer.name] = off
    return made
