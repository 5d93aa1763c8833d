"""The registry: which backends are installed, and what became of those that were loaded.

Plugins are entry points of the group ``convt.backends``, or of ``convt.device_backends`` if they are for a device's memory:
these are not even imported for arrays in the host's memory, unless they are asked for by name. Listing them imports
nothing; one is imported when it is first needed, once. If that fails, the reason is remembered and told every time it is
asked for; a warning tells it at once, unless the plugin itself says that it cannot be used here (`BackendUnavailable`). All
of it happens under one lock, `convt.loading`, so that a process may fork while another thread makes its first call.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .adapter import as_backend, missing_members
from .backend import Backend, BackendUnavailable, DeviceBackend, loading
from .entry_points import entry_points
from .hints import did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint as StandardEntryPoint
    from typing import TypeAlias

    from .entry_points import EntryPoint

    Point: TypeAlias = EntryPoint | StandardEntryPoint

__all__ = ["DEVICE_GROUP", "GROUP", "BackendState", "Registry", "registry"]

GROUP = "convt.backends"
DEVICE_GROUP = "convt.device_backends"


@dataclass(frozen=True)
class BackendState:
    """What is known about one registered backend.

    Attributes
    ----------
    name : str
    usable : bool
    reason : str or None
        Why it cannot be used; None if it can.
    priority : int or None
        None if it cannot be used.
    source : str
        The entry point's value, "module:object", and the distribution that brought it.
    """

    name: str
    usable: bool
    reason: str | None
    priority: int | None
    source: str


class Registry:
    """Backends by name, loaded on first use.

    Parameters
    ----------
    points : iterable of EntryPoint
        The standard library's or ours. A name that occurs twice counts once, with a warning: the first stays.

    Attributes
    ----------
    owners : dict of type to DeviceBackend
        The backend that owned the last array of a type that lay on a device; `convt.core.memory` keeps it.
    repeats : dict
        Calls that can be made again, which `convt.core.repeats` keeps.
    """

    def __init__(self, points: Iterable[Point]) -> None:
        self._points: dict[str, Point] = {}
        self._devices: set[str] = set()
        for point in points:
            known = self._points.setdefault(point.name, point)
            if point.group == DEVICE_GROUP and known.value == point.value:
                self._devices.add(point.name)
            if known.value != point.value:
                warnings.warn(
                    f"two packages register the backend {point.name!r}: {_source(known)} is used, {_source(point)} is not",
                    RuntimeWarning,
                    stacklevel=2,
                )
        self._loaded: dict[str, Backend] = {}
        self._failures: dict[str, BackendUnavailable] = {}
        self._ranked: list[Backend] | None = None
        self._hosts: list[Backend] | None = None
        self.owners: dict[type, DeviceBackend] = {}
        self.repeats: dict[Any, Any] = {}

    def names(self) -> list[str]:
        """The registered names, sorted; imports nothing."""
        return sorted(self._points)

    def check_name(self, name: str, source: str = "backend") -> None:
        """A LookupError for a name that nothing registers, with the names that are and the likely one."""
        if name not in self._points:
            raise LookupError(f"{source} must be one of {self.names()}, got {name!r}{did_you_mean(name, self._points)}")

    def get(self, name: str) -> Backend:
        """The backend of that name, imported if it is not yet.

        Raises
        ------
        LookupError
            Nothing registers that name.
        BackendUnavailable
            It cannot be used; the cause of the first failure is attached.
        """
        loaded = self._loaded.get(name)
        if loaded is not None:
            return loaded
        self.check_name(name)
        with loading:
            if name not in self._loaded and name not in self._failures:
                self._load(name)
            if name in self._failures:
                failure = self._failures[name]
                raise BackendUnavailable(*failure.args) from failure.__cause__
            return self._loaded[name]

    def ranked(self) -> list[Backend]:
        """All usable backends, those for devices too, the highest priority first; for arrays that lie on a device."""
        if self._ranked is None:
            with loading:
                self._ranked = self._rank(self.names())
        return self._ranked

    def hosts(self) -> list[Backend]:
        """All usable backends but those registered for a device, the highest priority first; imports no other."""
        if self._hosts is None:
            with loading:
                self._hosts = self._rank([name for name in self.names() if name not in self._devices])
        return self._hosts

    def _rank(self, names: list[str]) -> list[Backend]:
        usable = []
        for name in names:
            with suppress(BackendUnavailable):
                usable.append(self.get(name))
        return sorted(usable, key=lambda backend: -backend.priority)

    def state(self, name: str) -> BackendState:
        """What became of the backend of that name; loads it if need be."""
        try:
            backend = self.get(name)
        except BackendUnavailable as failure:
            return BackendState(name, False, str(failure), None, _source(self._points[name]))
        return BackendState(name, True, None, backend.priority, _source(self._points[name]))

    def _load(self, name: str) -> None:
        point = self._points[name]
        try:
            made = point.load()
            backend = as_backend(made() if missing_members(made) and callable(made) else made)
            _check_attributes(name, backend)
        except Exception as error:
            expected = isinstance(error, BackendUnavailable)
            cause = str(error) if expected else f"{type(error).__name__}: {error}"
            failure = BackendUnavailable(f"backend {name!r} ({_source(point)}) cannot be used: {cause}")
            failure.__cause__ = error
            self._failures[name] = failure
            if not expected:
                warnings.warn(str(failure), RuntimeWarning, stacklevel=2)
        else:
            self._loaded[name] = backend


def _check_attributes(name: str, backend: Backend) -> None:
    if backend.name != name:
        raise ValueError(f"a backend's name must equal its entry point's {name!r}, got {backend.name!r}")
    if not isinstance(backend.priority, int):
        raise TypeError(f"a backend's priority must be an integer, got {backend.priority!r}")


def _source(point: Point) -> str:
    distribution = getattr(point, "dist", None)
    return f"{point.value} of {distribution.name} {distribution.version}" if distribution else point.value


_installed: Registry | None = None


def registry() -> Registry:
    """The registry of this process: the entry points of all installed distributions."""
    global _installed
    if _installed is None:
        with loading:
            if _installed is None:
                _installed = Registry(entry_points(GROUP, DEVICE_GROUP))
    return _installed
