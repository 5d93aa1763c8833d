"""Suggestions at the end of error messages about unknown names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

__all__ = ["did_you_mean", "no_attribute"]


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
    known = list(known)
    names = [(each.lower(), each) for each in known]
    names += [(other, each) for other, each in (synonyms or {}).items() if each in known]
    close = difflib.get_close_matches(name.lower(), [lower for lower, _ in names], n=1)
    if not close:
        return ""
    alike = [each for lower, each in names if lower == close[0]]  # more than one if they differ by capitals alone
    return f"; did you mean {difflib.get_close_matches(name, alike, n=1, cutoff=0)[0]!r}?"


def no_attribute(module: str, name: str, known: Iterable[str], synonyms: Mapping[str, str] | None = None) -> AttributeError:
    """Return what the ``__getattr__`` of a module raises; `known` and `synonyms` are those of `did_you_mean`.

    Examples
    --------
    >>> from convt.hints import no_attribute
    >>> no_attribute("convt", "conv2", ["conv", "upsample"])
    AttributeError("module 'convt' has no attribute 'conv2'; did you mean 'conv'?")
    """
    likely = "" if name.startswith("_") else did_you_mean(name, known, synonyms)
    return AttributeError(f"module {module!r} has no attribute {name!r}{likely}")
