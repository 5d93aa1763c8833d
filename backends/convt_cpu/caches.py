"""Caches of plans: as quick as `functools.lru_cache`, and bounded in bytes."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, ParamSpec, TypeVar

from convt.backend import loading

__all__ = ["bounded_cache"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


def bounded_cache(entries: int, most: int, size: Callable[[_T], int]) -> Callable[[Callable[_P, _T]], Any]:
    """Like ``lru_cache(entries)``, but emptied before values of more than `most` bytes are kept.

    Bytes are counted where a value is made, and those of values that have gone count too: what is found costs as much as
    in an lru_cache. A single value may have more.

    Parameters
    ----------
    entries : int
    most : int
    size : callable
        The bytes of a value.
    """

    def decorate(function: Callable[_P, _T]) -> Any:
        kept = 0

        @lru_cache(maxsize=entries)
        def cached(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            nonlocal kept
            value = function(*args, **kwargs)
            with loading:  # a fork waits for it, and a signal handler may take it again
                kept += size(value)
                if kept > most:
                    cached.cache_clear()
                    kept = size(value)
            return value

        return cached

    return decorate
