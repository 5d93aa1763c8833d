"""Trials: one call that is drawn, what it must give, and the arrays that it must leave alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .answers import Answer
from .memory import Placed


@dataclass
class Trial:
    """A call, not made yet.

    Attributes
    ----------
    words : str
        What is called, for people.
    call : callable
        ``call(backend)`` makes the call and gives its results by name; it may be made again.
    answers : dict of str to Answer or None
        What the results must be.
    inputs : dict of str to Placed
        Their memory must stay as it is, but for what `out` may have of it.
    out : Placed, optional
        Where the result must be.
    refused : tuple of types
        If not empty, the call must raise one of these, and write nothing.
    accepted : tuple of types
        Errors that the call may raise.
    engines : tuple of str
        Those that are worth forcing.
    """

    words: str
    call: Callable[[str | None], dict[str, Any]]
    answers: dict[str, Answer | None]
    inputs: dict[str, Placed] = field(default_factory=dict)
    out: Placed | None = None
    refused: tuple[type[Exception], ...] = ()
    accepted: tuple[type[Exception], ...] = ()
    engines: tuple[str, ...] = ()
