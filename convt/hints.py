"""The likely fix at the end of an error message about a name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean"]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'numpy'?"`` for the known name that is most like this one, "" if none is.

    Examples
    --------
    >>> from convt.hints import did_you_mean
    >>> did_you_mean("Nunpy", ["cpu", "numpy"]), did_you_mean("tpu9", ["cpu", "numpy"])
    ("; did you mean 'numpy'?", '')
    """
    close = difflib.get_close_matches(name.lower(), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
