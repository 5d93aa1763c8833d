"""The choice: cases by name or family, peers by name, threads by what the process may use."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence

from ..hints import did_you_mean
from .cases import CASES, Case

__all__ = ["check_repeat", "cores", "select_cases", "split", "threads_or_all"]


def split(arguments: Iterable[str] | None, known: Collection[str], rule: str) -> list[str]:
    """Names from arguments that hold one each or several with commas, each name once.

    Parameters
    ----------
    arguments : iterable of str, optional
    known : collection of str
        The names to allow.
    rule : str
        What they must be, for the message.

    Returns
    -------
    list of str

    Raises
    ------
    LookupError
        A name is not known; the message has the likely one.

    Examples
    --------
    >>> from convt.bench.choice import split
    >>> split(["red,green", "red"], ["red", "green", "blue"], "colours must be primary")
    ['red', 'green']
    >>> split(["gren"], ["red", "green", "blue"], "colours must be primary")
    Traceback (most recent call last):
    LookupError: colours must be primary, got 'gren'; did you mean 'green'?
    """
    words = [word.strip() for argument in arguments or () for word in argument.split(",")]
    names = list(dict.fromkeys(word for word in words if word))
    for name in names:
        if name not in known:
            raise LookupError(f"{rule}, got {name!r}{did_you_mean(name, known)}")
    return names


def select_cases(arguments: Sequence[str] | None = None) -> list[Case]:
    """Cases in the order of `CASES`.

    Parameters
    ----------
    arguments : sequence of str, optional
        Names of cases or families, several with commas; all cases by default.

    Returns
    -------
    list of Case

    Raises
    ------
    LookupError
        There is no such case or family.

    Examples
    --------
    >>> from convt.bench.choice import select_cases
    >>> [case.name for case in select_cases(["istft,fcn-8"])]
    ['fcn-8', 'istft-513', 'istft-1026']
    """
    families = dict.fromkeys(case.family for case in CASES.values())
    wanted = split(arguments, [*families, *CASES], "cases must be names or families that --list shows")
    return [case for case in CASES.values() if not wanted or case.name in wanted or case.family in wanted]


def cores() -> int:
    """How many the process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_or_all(threads: int | None) -> int:
    """The number of threads, by default one for each core that the process may use.

    Raises
    ------
    ValueError
        More than that, for then they would take turns, or less than one.
    """
    if threads is None:
        return cores()
    if not 1 <= threads <= cores():
        raise ValueError(f"threads must be from 1 to {cores()}, the cores that this process may use, got {threads}")
    return threads


def check_repeat(repeat: int) -> None:
    """A ValueError for a number of samples below 1."""
    if repeat < 1:
        raise ValueError(f"repeat must be at least 1, got {repeat}")
