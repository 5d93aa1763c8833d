"""Caches of plans: as quick as `functools.lru_cache`, and bounded in bytes."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from threading import Lock
from typing import Any, ParamSpec, TypeVar

__all__ = ["bounded_cache"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


def bounded_cache(entries: int, most: int, size: Callable[[_T], int]) -> Callable[[Callable[_P, _T]], Any]:
    """Like ``lru_cache(entries)``, but emptied before values of more than `most` bytes are kept.

    Only a miss counts bytes, those of values that have gone since included: a hit costs what lru_cache's does. A single value
    may be larger than all of them may be.

    Parameters
    ----------
    entries : int
    most : int
    size : callable
        The bytes of a value.

    Examples
    --------
    >>> zeros = bounded_cache(100, 30, len)(bytes)
    >>> [zeros(n) for n in (10, 20, 10)] and zeros.cache_info().currsize
    2
    >>> zeros(1) and zeros.cache_info().currsize
    1
    """

    def decorate(function: Callable[_P, _T]) -> Any:
        lock, kept = Lock(), 0

        @lru_cache(maxsize=entries)
        def cached(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            nonlocal kept
            value = function(*args, **kwargs)
            with lock:
                kept += size(value)
                if kept > most:
                    cached.cache_clear()
                    kept = size(value)
            return value

        return cached

    return decorate
