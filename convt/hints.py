"""Suggestions at the end of error messages about unknown names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

__all__ = ["did_you_mean"]


def did_you_mean(name: object, known: Iterable[str], synonyms: Mapping[str, str] | None = None) -> str:
    """Return ``"; did you mean 'numpy'?"`` with the known name that is most similar, or "" if none is.

    Parameters
    ----------
    name : object
        What was given. If it is not a string, nothing is suggested.
    known : iterable of str
    synonyms : mapping of str to str, optional
        Other libraries' names, in lower case, for known ones.

    Examples
    --------
    >>> from convt.hints import did_you_mean
    >>> did_you_mean("Nunpy", ["cpu", "numpy"]), did_you_mean("tpu9", ["cpu", "numpy"])
    ("; did you mean 'numpy'?", '')
    >>> did_you_mean("interpolate", ["conv", "upsample"], {"interpolate": "upsample"})
    "; did you mean 'upsample'?"
    """
    if not isinstance(name, str):
        return ""
    names = {each.lower(): each for each in known}
    names |= {other: each for other, each in (synonyms or {}).items() if each in names.values()}
    close = difflib.get_close_matches(name.lower(), names, n=1)
    return f"; did you mean {names[close[0]]!r}?" if close else ""
