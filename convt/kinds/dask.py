"""Collections of dask: `convt.dask` makes lazy calls of those on arrays; what it does not have is refused.

To load them into memory is for their owner to decide.
"""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["accepts", "call", "give", "take"]


def accepts(x: Any) -> bool:
    """Whether it is a collection of dask, of arrays or other."""
    return hasattr(x, "__dask_graph__")


def call(function: str, x: Any, arguments: dict[str, Any]) -> Any:
    """The lazy result, if x is an array and `convt.dask` has the function."""
    from dask.array import Array

    from .. import dask as lazy

    if not isinstance(x, Array) or function not in lazy.__all__:
        return NotImplemented
    out = arguments.pop("out", None)
    if out is not None:
        raise TypeError(f"out must be None where x is a dask array, whose result is made later, got a {type(out).__name__}")
    return getattr(lazy, function)(x, **arguments)


def take(x: Any) -> NoReturn:
    """Refuse it."""
    raise TypeError(
        f"must not be lazy, got a dask {type(x).__name__} (load it by numpy.asarray(x), or, where the batch alone is cut, "
        "use x.map_blocks; convt.dask tells which functions take dask arrays)"
    )


def give(array: Any, like: Any) -> NoReturn:
    """Never called, as nothing is taken."""
    raise TypeError(f"no result becomes a dask {type(like).__name__}")
