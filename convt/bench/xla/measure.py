"""One job: all forms are compiled, compared with convt and tried; those that may be the best are timed in turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax

from ...selection import use_backend
from ..jobs import LayerJob
from ..machine import Load
from ..ours import Ours
from ..prepare import prepare
from ..timing import Run, alternate, settle, summarize
from .contenders import Compiled, contenders, on_host
from .results import LIMIT, OURS, WRITTEN, Measured

__all__ = ["SLOW", "finalists", "measure", "patience"]

SLOW = 1.0  # seconds from which on a call is timed once, when it is tried
TRIALS = 3
TIMING = 600.0  # seconds for all that are timed of one job, at most
LEAST = 10.0  # seconds for a form to be compiled and called, where another one is fast
NEAR = 1.6  # times the fastest trial: who may yet turn out to be the fastest
NEAR_FIRST = 10  # the same of first calls, which are cold
MOST = 3


def measure(
    job: LayerJob, announce: Callable[[str, float], None], threads: int, repeat: int, backend: Any = None
) -> Measured:
    """Check and time one job.

    Parameters
    ----------
    job : LayerJob
    announce : callable
        Told the name of each contender before it is compiled and called for the first time, "" when all have been, and how
        many seconds that may take; it may raise `Unsupported` with the reason to leave one out.
    threads : int
        For convt; XLA has those that it began with.
    repeat : int
        How many calls of each are timed.
    backend : str or sequence of str, optional
        As in `convt.use_backend`.

    Returns
    -------
    Measured
    """
    jax.config.update("jax_enable_x64", job.dtype == "float64")
    ours = Ours(threads, job.dtype)
    with use_backend(backend), ours.session():
        peers: list[Compiled] = []
        peers += contenders(job, lambda name: announce(name, patience(name, {peer.name: peer.seconds for peer in peers})))
        prepared = prepare(job, ours, peers, on_host=on_host)
        announce("", TIMING)
        right = [peer for peer in peers if peer.name in prepared.runs and peer.name not in prepared.wrong]
        tried = {peer.name: _tried(peer, prepared.runs[peer.name]) for peer in right}
        chosen = finalists(tried, [peer.name for peer in right if peer.asked.written])
        load = Load()
        times = alternate({name: prepared.runs[name] for name in chosen if tried[name] < SLOW}, repeat)
        others = load.others()
    jax.clear_caches()  # thousands of programs take much memory
    times |= {name: summarize([tried[name]]) for name in chosen if tried[name] >= SLOW}
    return Measured(times, tried, prepared.wrong, prepared.reasons, others)


def finalists(tried: dict[str, float], written: Sequence[str]) -> list[str]:
    """Who is timed: convt.jax, what users write in its faster order of axes, and the forms that are near the fastest.

    Examples
    --------
    >>> from convt.bench.xla.measure import finalists
    >>> finalists({"convt.jax": 1.0, "a": 8.0, "b": 9.0, "c": 3.0, "d": 4.0}, ["a", "b"])
    ['convt.jax', 'a', 'c', 'd']
    """
    forms = sorted((name for name in tried if name != OURS), key=tried.__getitem__)
    near = [name for name in forms if tried[name] <= NEAR * tried[forms[0]]][:MOST]
    usual = [name for name in forms if name in written][:1]
    return list(dict.fromkeys([*[OURS] * (OURS in tried), *usual, *near]))


def patience(name: str, seconds: Mapping[str, float]) -> float:
    """How long a contender may take to be compiled and called, in seconds: a minute, or less where it cannot be the fastest.

    Parameters
    ----------
    name : str
    seconds : mapping of str to float
        What a call took of those that have been called.

    Examples
    --------
    >>> from convt.bench.xla.measure import patience
    >>> patience("phases, first", {}), patience("phases, last", {"phases, first": 0.1})
    (60.0, 11.0)
    """
    kind = [each for each in seconds if each != OURS and (each.startswith(WRITTEN) or not name.startswith(WRITTEN))]
    return LIMIT if name == OURS else min([LIMIT, *(LEAST + NEAR_FIRST * seconds[each] for each in kind)])


def _tried(peer: Compiled, run: Run) -> float:
    """The fastest of some calls, or the one that was made if that was slow."""
    fastest = peer.seconds
    settle()
    for _ in range(TRIALS if fastest < SLOW else 0):
        run()
        fastest = min(fastest, peer.seconds)
    return fastest
