"""Objects that have the members of a backend but not its class: wrapped, so that convt itself meets backends alone."""

from __future__ import annotations

from collections import deque
from typing import Any
from weakref import WeakValueDictionary

from .backend import Backend, DeviceBackend, loading

__all__ = ["as_backend", "missing_members", "what_is_wrong"]

_NEEDED = ["name", *sorted(Backend.__abstractmethods__)]
_MEMORY = sorted(DeviceBackend.__abstractmethods__ - Backend.__abstractmethods__)

# An adapter keeps its object alive, so no other object has the same id as long as the adapter is known.
_adapters: WeakValueDictionary[int, Backend] = WeakValueDictionary()
_latest: deque[Backend] = deque(maxlen=32)  # for those that are passed to many calls, and held by nothing else


def as_backend(candidate: Any) -> Backend:
    """Return a backend as it is, and for another object with its members an adapter, always the same for the same object.

    The adapter takes over the members that the object has. What it lacks comes from `Backend`, or from `DeviceBackend` if it
    has the members of a device's memory.

    Raises
    ------
    TypeError
        It lacks members for which there is no default.
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
    """The members that an object lacks to be a backend; all of them for a class, which is none yet."""
    return _NEEDED if isinstance(candidate, type) else _lacking(candidate, _NEEDED)


def what_is_wrong(candidate: Any, missing: list[str]) -> str:
    """The end of a message about an object that is no backend: what it lacks, and for a class that it is one."""
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
