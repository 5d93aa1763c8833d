"""Containers: arrays of other libraries in the host's memory, whose kind a call's results are given back in.

How a library's arrays become NumPy's and back is told by a module that its name, the top-level package of its arrays' class,
is registered for in the entry-point group ``convt.arrays``::

    [project.entry-points."convt.arrays"]
    torch = "convt.kinds.torch"

The first class in a type's MRO that lies in a registered package decides. Nothing is imported before such an array comes. A
module has

``accepts(x)``
    Whether x is an array; what is not goes the way of everything that NumPy can make an array of.
``take(x)``
    The array as a plain `numpy.ndarray`, which shares x's memory where that is possible. numpy.float32 and the like for
    numbers; bfloat16 is `BFLOAT16` or that of ml_dtypes. A TypeError or ValueError whose message begins with "must" says
    why x is refused: the name of the argument is put before it.
``give(array, like)``
    A NumPy array that nobody else has, as an array of the library, beside `like`, the caller's first one.
``put(array, out)``, if arrays can be written
    Called at last for the caller's `out`: `array` either shares its memory, then it has the result already, or does not.
``call(function, x, arguments)``, if calls may be made by functions of the library's own
    What convt's function of that name gives for x, its first argument, and the others by their names; or NotImplemented,
    and the arrays are taken.

Libraries that nobody has registered are served by the array API standard, if their arrays have ``__array_namespace__``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..entry_points import by_name, entry_points
from ..loading import loading
from .arrays import as_array, check_dtype
from .bfloat16 import widened

if TYPE_CHECKING:
    from ..entry_points import Point

__all__ = [
    "GROUP",
    "Container",
    "Containers",
    "as_numbers",
    "as_numpy",
    "by_library",
    "caller_of",
    "container_of",
    "sources",
]

GROUP = "convt.arrays"

_OURS = "convt.kinds."
_FUNCTIONS = ("accepts", "take", "give")
_NUMPY = (np.ndarray, np.generic, int, float, complex, str, bytes, list, tuple)
_MOST_TYPES = 64
_UNKNOWN: Any = object()


@dataclass(frozen=True)
class Container:
    """A kind of array.

    Attributes
    ----------
    name : str
        The top-level package of its class.
    source : str
        Who knows it, for messages.
    module : module
        With the functions above.
    """

    name: str
    source: str
    module: Any

    def accepts(self, value: Any) -> bool:
        """Whether a value of such a type is an array."""
        try:
            return bool(self.module.accepts(value))
        except Exception as error:
            raise TypeError(
                f"accepts() of {self.source} must tell whether it takes a {type(value).__name__}, got {_told(error)}"
            ) from error

    def is_kind_of(self, other: Container) -> bool:
        """Whether it is the same kind of array, though perhaps of another package."""
        return bool(self.module == other.module)

    def take(self, name: str, value: Any) -> np.ndarray:
        """The argument `name` as an array of numbers."""
        try:
            array = self.module.take(value)
        except MemoryError:
            raise
        except Exception as error:
            if isinstance(error, TypeError | ValueError) and str(error).startswith("must "):
                raise (TypeError if isinstance(error, TypeError) else ValueError)(f"{name} {error}") from error.__cause__
            raise TypeError(
                f"{name} must be an array that {self.source} can take, got a {type(value).__name__} ({_told(error)})"
            ) from error
        if type(array) is not np.ndarray:
            raise TypeError(f"take() of {self.source} must return a numpy.ndarray for {name}, got {type(array).__name__}")
        check_dtype(name, array.dtype)
        return array

    def give(self, array: np.ndarray, like: Any) -> Any:
        """A result as such an array."""
        try:
            return self.module.give(array, like)
        except MemoryError:
            raise
        except Exception as error:
            raise TypeError(
                f"the result must become a {type(like).__name__} by {self.source}, got {array.dtype} of {array.shape} "
                f"({_told(error)})"
            ) from error

    def place(self, out: Any) -> np.ndarray:
        """Where to write what goes to the caller's `out`: its memory, or a new array that `put` copies."""
        array = self.take("out", out)
        if array.flags.writeable and (not array.size or np.may_share_memory(array, self.take("out", out))):
            return array
        if not hasattr(self.module, "put"):
            raise TypeError(f"out must be an array that can be written, got a {type(out).__name__} of {self.name}")
        return np.empty(array.shape, array.dtype)

    def put(self, array: np.ndarray, out: Any) -> None:
        """Finish what was written where `place` said."""
        if hasattr(self.module, "put"):
            self.module.put(array, out)


@dataclass(frozen=True)
class _ArrayApi:
    """Any library whose arrays follow the array API standard."""

    package: str

    def accepts(self, x: Any) -> bool:
        return True

    def take(self, x: Any) -> np.ndarray:
        if not hasattr(x, "__dlpack__"):
            raise TypeError(
                f"must give its memory away by __dlpack__, got a {type(x).__name__} of {self.package} without "
                "(numpy.asarray(x) may convert it)"
            )
        try:
            return np.from_dlpack(x)
        except (BufferError, RuntimeError, TypeError, ValueError):
            return np.asarray(x)

    def give(self, array: np.ndarray, like: Any) -> Any:
        namespace = like.__array_namespace__()
        given = namespace.from_dlpack(array)
        return given if given.device == like.device else given.to_device(like.device)

    def put(self, array: np.ndarray, out: Any) -> None:
        if not np.may_share_memory(array, self.take(out)):
            out[...] = self.give(array, out)


class Containers:
    """The kinds of array, by the types of values.

    Parameters
    ----------
    points : iterable of EntryPoint
        A name that occurs twice counts once, with a warning: convt's own stays, else the first.
    """

    def __init__(self, points: Iterable[Point]) -> None:
        self._points = by_name(points, "arrays of", ours=_OURS)
        self._known: dict[type, Container | None] = {}

    def sources(self) -> dict[str, str]:
        """Who knows the arrays of which package, without importing it."""
        return {name: point.value for name, point in sorted(self._points.items())}

    def of(self, value: Any) -> Container | None:
        """The kind of a value; None for what NumPy makes an array of."""
        kind = type(value)
        found = self._known.get(kind, _UNKNOWN)
        if found is _UNKNOWN:
            found = self._find(kind)
            if len(self._known) >= _MOST_TYPES:
                self._known.clear()
            self._known[kind] = found
        return found if found is not None and found.accepts(value) else None

    def _find(self, kind: type) -> Container | None:
        if issubclass(kind, _NUMPY):
            return None
        for package in map(_package, kind.__mro__):
            if package in self._points:
                return self._load(self._points[package])
        if hasattr(kind, "__array_namespace__"):
            package = _package(kind)
            return Container(package, f"the array API, as arrays of {package} follow it,", _ArrayApi(package))
        return None

    def _load(self, point: Point) -> Container:
        source = f"{point.value} (for arrays of {point.name!r})"
        try:
            with loading:
                module = point.load()
        except Exception as error:
            raise TypeError(f"arrays of {point.name!r} must come with {point.value}, got {_told(error)}") from error
        lacking = [name for name in _FUNCTIONS if not callable(getattr(module, name, None))]
        if lacking:
            raise TypeError(f"{source} must have the functions {', '.join(_FUNCTIONS)}, got none named {', '.join(lacking)}")
        return Container(point.name, source, module)


def container_of(value: Any) -> Container | None:
    """The kind of an argument that is an array of another library than NumPy; else None.

    Raises
    ------
    TypeError
        Who says to know it cannot be used.
    """
    return None if type(value) is np.ndarray else _containers().of(value)


def sources() -> dict[str, str]:
    """The modules that know arrays of other libraries, by the packages of those."""
    return _containers().sources()


def caller_of(x: Any) -> Callable[[str, Any, dict[str, Any]], Any] | None:
    """The function `call` of the library of a call's first array; None where that has no functions of its own."""
    container = container_of(x)
    return None if container is None else getattr(container.module, "call", None)


def by_library(function: str, x: Any, /, **arguments: Any) -> Any:
    """What the library of x, a call's first array, gives by a function of its own, or NotImplemented."""
    caller = caller_of(x)
    return NotImplemented if caller is None else caller(function, x, arguments)


def as_numpy(name: str, value: Any) -> np.ndarray:
    """The argument as an array of numbers, whatever its kind."""
    container = container_of(value)
    return as_array(name, value) if container is None else container.take(name, value)


def as_numbers(name: str, value: Any) -> np.ndarray:
    """As `as_numpy`, for what NumPy itself computes with: bfloat16 becomes float32."""
    return widened(as_numpy(name, value))


def _package(kind: type) -> str:
    return str(getattr(kind, "__module__", "")).partition(".")[0]


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


_installed: Containers | None = None


def _containers() -> Containers:
    """Those of this process."""
    global _installed
    if _installed is None:
        with loading:
            if _installed is None:
                _installed = Containers(entry_points(GROUP))
    return _installed
