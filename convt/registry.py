"""The registry: which backends are installed, and which of them could be loaded.

Backends are entry points in the group ``convt.backends``, or ``convt.device_backends`` if they compute in a device's memory:
the latter are not imported for arrays in the host's memory, unless they are requested by name. Listing backends imports
nothing; each is imported once, when it is first needed. If that fails, every request for it raises the same
`BackendUnavailable`, and a warning is issued at once unless the backend itself raised a `BackendUnavailable`. All imports
happen under one lock, `convt.loading`, so that a process may fork while another thread makes its first call.
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
    """The state of a registered backend.

    Attributes
    ----------
    name : str
    usable : bool
    reason : str or None
        Why it cannot be used; None if it can.
    priority : int or None
        None if it cannot be used.
    source : str
        The value of its entry point, "module:object", and the distribution that registers it.
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
        From the standard library or `convt.entry_points`. If a name occurs twice, the first is used, with a warning.

    Attributes
    ----------
    owners : dict of type to DeviceBackend
        By type of array, the backend that owned the last array of that type on a device; filled by `convt.core.memory`.
    repeats : dict
        Calls on devices that can be repeated; filled by `convt.core.repeats`.
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
        """Return the registered names, sorted. Nothing is imported."""
        return sorted(self._points)

    def check_name(self, name: str, source: str = "backend") -> None:
        """Raise a LookupError for a name that is not registered; it lists the names that are, and suggests one."""
        if name not in self._points:
            raise LookupError(f"{source} must be one of {self.names()}, got {name!r}{did_you_mean(name, self._points)}")

    def get(self, name: str) -> Backend:
        """Return the backend of that name; import it if necessary.

        Raises
        ------
        LookupError
            The name is not registered.
        BackendUnavailable
            It cannot be used; the exception that was raised when it was loaded is the cause.
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
        """Return all usable backends, including those for devices, in order of descending priority."""
        if self._ranked is None:
            with loading:
                self._ranked = self._rank(self.names())
        return self._ranked

    def hosts(self) -> list[Backend]:
        """Return all usable backends except those for devices, which are not imported, in order of descending priority."""
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
        """Return the state of the backend of that name; load it if necessary."""
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
    """Return the registry of this process, with the entry points of all installed distributions."""
    global _installed
    if _installed is None:
        with loading:
            if _installed is None:
                _installed = Registry(entry_points(GROUP, DEVICE_GROUP))
    return _installed
