"""Environment variables that are read at every call, at little cost; and the folder for what is compiled here."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["Variable", "cache_folder"]


class Variable:
    """An environment variable.

    Parameters
    ----------
    name : str

    Attributes
    ----------
    name : str
    """

    __slots__ = ("_key", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._key = os.environ.encodekey(name)

    def get(self) -> str | None:
        """Return its value now, or None if it is not set."""
        # For a name that is not set, os.environ.get raises and catches an exception, which is slow.
        if self._key in getattr(os.environ, "_data", (self._key,)):
            return os.environ.get(self.name)
        return None


def cache_folder() -> Path:
    """Return the folder for what is compiled on this machine: ``CONVT_CACHE``, or a folder of the user's."""
    chosen = os.environ.get("CONVT_CACHE")
    return Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "convt"
