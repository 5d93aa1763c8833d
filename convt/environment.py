"""Environment variables that are read at every call, at little cost."""

from __future__ import annotations

import os

__all__ = ["Variable"]


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
