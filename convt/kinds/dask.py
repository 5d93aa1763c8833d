"""Collections of dask: refused, as to load them into memory is for their owner to decide."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["accepts", "give", "take"]


def accepts(x: Any) -> bool:
    """Whether it is a collection of dask, of arrays or other."""
    return hasattr(x, "__dask_graph__")


def take(x: Any) -> NoReturn:
    """Refuse it."""
    raise TypeError(
        f"must not be lazy, got a dask {type(x).__name__} (load it by numpy.asarray(x), or, where the batch alone "
        "is cut, use x.map_blocks; convt.dask, which will cut the other axes too, is still to come)"
    )


def give(array: Any, like: Any) -> NoReturn:
    """Never called, as nothing is taken."""
    raise TypeError(f"no result becomes a dask {type(like).__name__}")
