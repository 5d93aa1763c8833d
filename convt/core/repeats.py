"""Calls on a device that are like an earlier one: all but their memory is known, and the backend does them again at once.

The road of a call, `execution.py`, is gone once; what it found is kept for the arrays' outlines, where their backend is a
`convt.backend.DeviceBackend` that tells outlines. Whatever a check depends on is part of the key or is checked anew.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from ..backend import Backend, DeviceBackend
from ..registry import registry
from ..selection import standing_request
from .arguments import are_keys
from .call import Operator
from .problem import Problem

__all__ = ["Key", "again", "keep", "key_of"]

Key: TypeAlias = tuple[Any, ...]

_MOST = 4096


def key_of(operator: Operator, options: tuple[Any, ...], x: Any, w: Any, bias: Any) -> Key | None:
    """What the call depends on; None where that cannot be told.

    Of the types of arrays that never lay on a device before, nothing is asked.
    """
    owner = registry().owners.get(type(x))
    if owner is None or not are_keys(options):
        return None
    request = standing_request()
    if not (request is None or isinstance(request, tuple)):
        return None
    outlines = owner.outline(x, w) if bias is None else owner.outline(x, w, bias)
    return None if outlines is None else (operator, options, request, outlines)


def again(key: Key, x: Any, w: Any, bias: Any) -> Any:
    """The result of a call whose like is kept, else None."""
    prepared = registry().repeats.get(key)
    return None if prepared is None else prepared(x, w, bias)


def keep(key: Key, backend: Backend, data_map: str, problem: Problem, arrays: tuple[Any, ...], result: Any) -> None:
    """Remember a call that went well: the arrays as its backend saw them, the output last, and the caller's result."""
    if not isinstance(backend, DeviceBackend):
        return
    kept = registry().repeats
    if len(kept) >= _MOST:
        kept.clear()
    left, right, bias, out = arrays
    kept[key] = backend.prepare(data_map, problem, left, right, bias, out, result)
