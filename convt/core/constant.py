"""Filters that are declared constant, and what backends keep for them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from ..loading import loading
from .containers import as_numpy

if TYPE_CHECKING:
    from ..typing import ArrayLike, NumPyArray

__all__ = ["Filters", "Kept", "kept", "placing", "unwrapped", "with_place", "wrapped"]

_place: ContextVar[Sequence[MutableMapping[Hashable, Any] | None]] = ContextVar("convt_kept", default=(None,))
_TIMES = 8  # the bytes of the filters: what is kept beside them has at most so many


class Kept(MutableMapping[Hashable, Any]):
    """What is kept for some filters, bounded in bytes: the least recently used goes first.

    Values tell their bytes by ``nbytes``. What alone would be too much is not kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: dict[Hashable, list[Any]] = {}  # the value, and when it was last used
        self._clock = count()

    @property
    def nbytes(self) -> int:
        """Of all values."""
        return sum(value.nbytes for value, _ in list(self._entries.values()))

    def __getitem__(self, key: Hashable) -> Any:
        entry = self._entries[key]
        entry[1] = next(self._clock)
        return entry[0]

    def __setitem__(self, key: Hashable, value: Any) -> None:
        if value.nbytes > self._most:
            return
        with loading:  # a fork waits for it, and a signal handler may take it again
            self._entries[key] = [value, next(self._clock)]
            while self.nbytes > self._most:
                del self._entries[min(self._entries, key=lambda each: self._entries[each][1])]

    def __delitem__(self, key: Hashable) -> None:
        with loading:
            del self._entries[key]

    def __iter__(self) -> Iterator[Hashable]:
        return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)


class Filters:
    """Filters that are declared constant: whatever takes w takes them, and need not prepare them anew in each call.

    A backend may keep what it makes of them: a packed copy for each shape and map that they are used with, for instance, or
    a copy on a device. The results are those of a bare array within rounding, and do not depend on what is kept.

    Parameters
    ----------
    w : array_like
        Filters in any layout, as `conv_transpose` and the others take them; copied. Of another library they may be, too, if
        they do not require a gradient.

    Raises
    ------
    TypeError
        w is no array of numbers, or requires a gradient.

    Notes
    -----
    Threads may share filters. Copies by ``pickle`` and ``copy`` have the array alone. Gradients with respect to them are
    plain arrays. Complex filters are accepted, but nothing is kept for them.

    Examples
    --------
    >>> import numpy as np, convt
    >>> w = convt.Filters([[[1.0, 10.0, 100.0]]])
    >>> w
    Filters((1, 1, 3), float64)
    >>> convt.conv_transpose([[1.0, 2.0]], w, stride=2)
    array([[  1.,  10., 102.,  20., 200.]])
    >>> w.array[0, 0, 0] = 5
    Traceback (most recent call last):
    ValueError: assignment destination is read-only
    """

    __slots__ = ("_array", "_kept")

    def __init__(self, w: ArrayLike) -> None:
        self._array = np.array(as_numpy("w", w), order="C", copy=True, subok=False)
        self._array.flags.writeable = False
        self._kept = Kept(_TIMES * self._array.nbytes)

    @property
    def array(self) -> NumPyArray:
        """The filters: C-contiguous, read-only."""
        return self._array

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of `array`."""
        return self._array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of `array`."""
        return self._array.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._array.ndim

    @property
    def nbytes(self) -> int:
        """The bytes of `array` and of all that is kept beside it, at most 9 times those of `array`."""
        return self._array.nbytes + self._kept.nbytes

    def clear(self) -> None:
        """Forget what is kept."""
        self._kept.clear()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NumPyArray:
        if copy:
            return np.array(self._array, dtype)
        array = np.asarray(self._array, dtype)
        if copy is False and array is not self._array:
            raise ValueError(f"dtype must be {self._array.dtype} where nothing may be copied, got {dtype}")
        return array

    def __reduce__(self) -> tuple[Callable[..., Filters], tuple[NumPyArray]]:
        return type(self), (self._array,)

    def __repr__(self) -> str:
        return f"Filters({self.shape}, {self.dtype})"


def kept() -> MutableMapping[Hashable, Any] | None:
    """Return the place where a backend may keep what it makes of the call's filters, or None if it may keep nothing.

    It is there only if the caller has declared the filters constant, during calls whose kernel they are. What is stored
    tells its bytes by ``nbytes``, and may be gone at the next call. A key is the backend's own and begins with its name; it
    has all that the value depends on except the filters' elements: the problem, for instance, and the kernel's strides,
    because the same filters are used in several shapes and layouts.
    """
    return _place.get()[0]


def unwrapped(w: Any) -> tuple[Any, Kept | None]:
    """What a caller gave as w: the array, and the place to keep what is made of it."""
    return (w._array, w._kept) if type(w) is Filters else (w, None)


def wrapped(array: Any, place: Kept | None) -> Any:
    """What `unwrapped` takes apart: `array`, a view of the filters, as filters again."""
    if place is None:
        return array
    filters = object.__new__(Filters)
    filters._array, filters._kept = array, place
    return filters


@contextmanager
def placing(place: Kept) -> Iterator[None]:
    """A block in which `kept` gives the place."""
    token = _place.set([place])
    try:
        yield
    finally:
        _place.reset(token)


def with_place(place: Kept, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a backend, whose calls find the place by `kept`."""

    def call(*arguments: Any) -> Any:
        held: list[MutableMapping[Hashable, Any] | None] = [place]
        token = None
        try:
            token = _place.set(held)
            return function(*arguments)
        finally:
            # Needs no memory. `set` and `reset` may be refused some, and leave the list to calls with other filters.
            held[0] = None
            if token is not None:
                _place.reset(token)

    return call
