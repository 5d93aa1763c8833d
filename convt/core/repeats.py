"""Repeated calls on a device: a call like an earlier one skips all checks, as only the addresses of its arrays are new.

The first such call is made by `execution.py`. If the backend describes arrays by `convt.backend.DeviceBackend.outline`, what
its `prepare` returns is kept, and makes the later ones. All that a check depends on is part of the key or is checked again.
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
    """Return the key of a call: all that it depends on except memory, or None if that is not known.

    If no array of x's type has been on a device so far, this costs one look-up.
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
    """Return the result of a call whose key is kept, or None for any other."""
    prepared = registry().repeats.get(key)
    return None if prepared is None else prepared(x, w, bias)


def keep(key: Key, backend: Backend, data_map: str, problem: Problem, arrays: tuple[Any, ...], result: Any) -> None:
    """Keep a call that succeeded; `arrays` are as the backend took them, the output last, `result` is the caller's."""
    if not isinstance(backend, DeviceBackend):
        return
    kept = registry().repeats
    if len(kept) >= _MOST:
        kept.clear()
    left, right, bias, out = arrays
    kept[key] = backend.prepare(data_map, problem, left, right, bias, out, result)
