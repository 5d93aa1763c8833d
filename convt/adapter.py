"""Wrap objects that have the members of a backend but not its class, so that the core sees instances of `Backend` only."""

from __future__ import annotations

from collections import deque
from typing import Any
from weakref import WeakValueDictionary

from .backend import Backend, DeviceBackend, loading

__all__ = ["as_backend", "missing_members", "what_is_wrong"]

_NEEDED = ["name", *sorted(Backend.__abstractmethods__)]
_MEMORY = sorted(DeviceBackend.__abstractmethods__ - Backend.__abstractmethods__)

# By id of the wrapped object, which its adapter keeps alive, so that no other object can have the same id.
_adapters: WeakValueDictionary[int, Backend] = WeakValueDictionary()
_latest: deque[Backend] = deque(maxlen=32)  # keeps those alive that are passed to call after call


def as_backend(candidate: Any) -> Backend:
    """Return a backend as it is, and for another object with its members an adapter, the same one for the same object.

    The adapter has the members of the object; those that it lacks come from `Backend`, or from `DeviceBackend` if it has the
    members of a device's memory.

    Raises
    ------
    TypeError
        The object lacks members for which there is no default.
    """
    if isinstance(candidate, Backend):
        return candidate
    missing = missing_members(candidate)
    if missing:
        raise TypeError(f"a backend must have the members of convt.Backend, got {what_is_wrong(candidate, missing)}")
    with loading:
        adapter = _adapters.get(id(candidate))
        if adapter is None:
            adapter = _adapters[id(candidate)] = _wrapped(candidate)
            _latest.append(adapter)
    return adapter


def missing_members(candidate: Any) -> list[str]:
    """Return the members that an object needs to be a backend and lacks; for a class, all of them."""
    return _NEEDED if isinstance(candidate, type) else _lacking(candidate, _NEEDED)


def what_is_wrong(candidate: Any, missing: list[str]) -> str:
    """Return the end of a message about an object that is not a backend: what it lacks, or that it is a class."""
    if isinstance(candidate, type):
        return f"the class {candidate.__name__} (pass an object of it: {candidate.__name__}())"
    return f"{candidate!r} without {', '.join(missing)}"


def _wrapped(candidate: Any) -> Backend:
    lacking = _lacking(candidate, _MEMORY)
    if lacking and len(lacking) < len(_MEMORY):
        raise TypeError(
            f"a backend with memory must have the members of convt.backend.DeviceBackend, got {candidate!r} without "
            f"{', '.join(lacking)}"
        )
    base = Backend if lacking else DeviceBackend
    members: dict[str, Any] = {"_adapted": candidate}
    for name in dir(base):
        if not name.startswith("_") and hasattr(candidate, name):
            member = getattr(candidate, name)
            members[name] = staticmethod(member) if callable(member) else member
    adapter: Backend = type("Adapter", (base,), members)()
    return adapter


def _lacking(candidate: Any, names: list[str]) -> list[str]:
    return [name for name in names if not hasattr(candidate, name)]
