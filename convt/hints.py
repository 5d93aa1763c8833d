"""Suggestions at the end of error messages about unknown names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean"]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'numpy'?"`` with the known name that is most similar, or "" if none is.

    Examples
    --------
    >>> from convt.hints import did_you_mean
    >>> did_you_mean("Nunpy", ["cpu", "numpy"]), did_you_mean("tpu9", ["cpu", "numpy"])
    ("; did you mean 'numpy'?", '')
    """
    close = difflib.get_close_matches(name.lower(), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
