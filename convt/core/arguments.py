"""The forms that arguments may take, and how they become one number per spatial axis.

`as_sizes` and `as_padding` convert options, which may be lists or NumPy integers, to hashable values; `are_keys` tells
whether options are hashable without that. `per_axis` and `per_axis_pairs` give one value per spatial axis and check it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from operator import index
from typing import Any, TypeAlias, TypeGuard, cast

import numpy as np

from ..hints import did_you_mean

__all__ = [
    "BYTES_LIMIT",
    "ELEMENTS_LIMIT",
    "Padding",
    "Sizes",
    "are_keys",
    "as_count",
    "as_flag",
    "as_names",
    "as_padding",
    "as_path",
    "as_shape",
    "as_size",
    "as_sizes",
    "is_number",
    "per_axis",
    "per_axis_pairs",
]

Sizes: TypeAlias = int | tuple[int, ...]
Padding: TypeAlias = str | int | tuple[int | tuple[int, int], ...]

BYTES_LIMIT = 2**62  # for one array; a complex one takes twice as many, which still fit into an int64
ELEMENTS_LIMIT = 2**58  # for one array whose dtype is not known yet; an element takes at most 16 bytes

PADDING_NAMES = ("valid", "same", "same_lower")

_PADDING_RULE = f"an integer, one or a (before, after) pair per spatial axis, or one of {PADDING_NAMES}"
_PADDING_SYNONYMS = {"same_upper": "same", "notset": "valid"}  # ONNX's
_INTEGER_LIMIT = 2**63
_SIMPLE = frozenset((int, str, type(None)))  # values of other types may be equal but mean different things: 1 and True


def are_keys(options: tuple[Any, ...]) -> bool:
    """Return whether all options are hashable, and equal ones mean the same."""
    return _SIMPLE.issuperset(map(type, options)) or all(map(_is_key, options))


def _is_key(option: Any) -> bool:
    if type(option) is not tuple:
        return type(option) in _SIMPLE
    return all(type(entry) in _SIMPLE or (type(entry) is tuple and _SIMPLE.issuperset(map(type, entry))) for entry in option)


def as_size(name: str, value: Any, rule: str = "an integer") -> int:
    """Return an integer that fits into 64 bits. A float, a bool or a string raises a TypeError."""
    if type(value) is not int:
        try:
            if isinstance(value, bool):
                raise TypeError
            value = index(value)
        except TypeError:
            raise TypeError(f"{name} must be {rule}, got {value!r}") from None
    if not -_INTEGER_LIMIT <= value < _INTEGER_LIMIT:
        raise ValueError(f"{name} must fit into 64 bits, got an integer of {value.bit_length()} bits")
    return cast(int, value)


def as_count(name: str, value: Any, least: int = 1) -> int:
    """Return an integer that is at least `least`."""
    number = as_size(name, value)
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
    return number


def as_sizes(name: str, value: Any) -> Sizes:
    """Return an integer or a tuple of integers."""
    values = _entries(value)
    if values is None:
        return as_size(name, value, "an integer or a sequence of integers")
    return _each(name, values)


def as_shape(name: str, value: Any) -> tuple[int, ...]:
    """Return a shape as a tuple; sizes must not be negative."""
    values = _entries(value)
    if values is None:
        raise TypeError(f"{name} must be a sequence of integers, got {value!r}")
    shape = _each(name, values)
    if shape and min(shape) < 0:
        raise ValueError(f"{name} must have no negative sizes, got {shape}")
    return shape


def as_padding(value: Any) -> Padding:
    """Return a padding name, an integer, or a tuple of integers and (before, after) pairs."""
    if isinstance(value, str):
        if value not in PADDING_NAMES:
            likely = did_you_mean(value, PADDING_NAMES, _PADDING_SYNONYMS)
            raise ValueError(f"padding must be {_PADDING_RULE}, got {value!r}{likely}")
        return value
    values = _entries(value)
    if values is None:
        return as_size("padding", value, _PADDING_RULE)
    return tuple(_as_padding_entry(f"padding[{axis}]", entry) for axis, entry in enumerate(values))


def as_names(name: str, value: Any, allowed: tuple[str, ...]) -> Collection[str]:
    """Return a collection of names, each of which must be allowed. A string counts as one name."""
    names = (value,) if isinstance(value, str) else value
    if type(names) is not tuple and (not isinstance(names, Collection) or getattr(names, "ndim", 1) != 1):
        raise TypeError(f"{name} must be a collection of names from {allowed}, got {value!r}")
    for each in names:
        if not isinstance(each, str) or each not in allowed:
            raise ValueError(f"{name} must hold names from {allowed}, got {value!r}")
    return cast(Collection[str], names)


def as_flag(name: str, value: Any) -> bool:
    """Return a Python bool. NumPy's bools are accepted, numbers are not."""
    if type(value) is bool:
        return value
    if not isinstance(value, np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def is_number(value: Any) -> TypeGuard[float]:
    """Return whether a value is a real number of Python or NumPy. A bool is not one."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def as_path(name: str, value: Any) -> str:
    """Return the path of a file as a string. An integer, which `open` takes for an open file, is refused."""
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else value
    if not isinstance(path, str):
        raise TypeError(f"{name} must be a str or a path, got {value!r}")
    if not path or "\0" in path:
        raise ValueError(f"{name} must be the path of a file, got {path!r}")
    return path


def per_axis(name: str, value: Sizes, axes: int, *, least: int) -> tuple[int, ...]:
    """Return one value per spatial axis, each at least `least`."""
    if isinstance(value, int):
        if value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}")
        return (value,) * axes
    if len(value) != axes:
        raise ValueError(f"{name} must be an integer or have one per spatial axis ({axes}), got {len(value)}: {value}")
    if min(value) < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return value


def per_axis_pairs(value: Padding, axes: int) -> tuple[tuple[int, int], ...]:
    """Return a (before, after) pair per spatial axis. A name counts as 0; what "same" means depends on the sizes."""
    if isinstance(value, str):
        value = 0
    if isinstance(value, int):
        return ((value, value),) * axes
    if len(value) != axes:
        raise ValueError(
            f"padding must be an integer, or have an integer or a (before, after) pair per spatial axis ({axes}), got "
            f"{len(value)}: {value}"
        )
    return tuple((entry, entry) if isinstance(entry, int) else entry for entry in value)


def _as_padding_entry(name: str, entry: Any) -> int | tuple[int, int]:
    pair = _entries(entry)
    if pair is None:
        return as_size(name, entry, "an integer or a (before, after) pair")
    if len(pair) != 2:
        raise ValueError(f"{name} must be an integer or a (before, after) pair, got {entry!r}")
    before, after = _each(name, pair)
    return before, after


def _each(name: str, values: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(as_size(f"{name}[{position}]", value) for position, value in enumerate(values))


def _entries(value: Any) -> tuple[Any, ...] | None:
    """Return the entries of a sequence or an array, or None for a single value."""
    if type(value) is int or isinstance(value, str | bytes):
        return None
    axes = getattr(value, "ndim", 0)
    return tuple(value) if isinstance(value, Sequence) or (isinstance(axes, int) and axes > 0) else None
