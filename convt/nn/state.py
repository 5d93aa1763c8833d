"""The state of a layer: its parameters as a dict of arrays, and that dict as an npz file."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from math import prod
from typing import Any, BinaryIO
from zipfile import BadZipFile, ZipFile

import numpy as np

from ..core.arguments import as_path
from ..core.arrays import outline
from ..replacing import replacing
from .parameter import Array, Parameter

__all__ = ["collect", "read", "require_data", "restore", "write"]

_BROKEN = (ValueError, EOFError, TypeError, RuntimeError, BadZipFile, zlib.error)
_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def collect(parameters: Mapping[str, Parameter]) -> dict[str, Array]:
    """Copies of the parameters' data."""
    require_data(parameters, "its state is taken")
    return {name: parameter.data.copy() for name, parameter in parameters.items()}


def require_data(parameters: Mapping[str, Parameter], before: str) -> None:
    """Raise a RuntimeError unless all parameters have data."""
    missing = [name for name, parameter in parameters.items() if not parameter.initialized]
    if missing:
        raise RuntimeError(f"the layer must be initialised before {before}, got no data for {_list(missing)}")


def restore(parameters: Mapping[str, Parameter], arrays: Mapping[str, Any]) -> None:
    """Set the parameters, after all arrays have been checked."""
    checked = _checked(parameters, arrays)
    for parameter in parameters.values():
        parameter.require_unfrozen()
    for name, parameter in parameters.items():
        parameter.data = checked[name]


def write(arrays: Mapping[str, Array], path: str | os.PathLike[str]) -> None:
    """Write an npz file, whole or not at all; no extension is added to its name."""
    named: dict[str, Any] = dict(arrays)
    with replacing(as_path("path", path)) as file:
        np.savez(file, **named)


def read(path: str | os.PathLike[str], parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """The arrays of an npz file; of one that does not fit, none is read. Nothing in it is executed."""
    name = as_path("path", path)
    with open(name, "rb") as file:
        try:
            outlines = _outlines(file)
        except _BROKEN as error:
            raise _no_archive(name, error) from None
        _checked(parameters, outlines)
        file.seek(0)
        try:
            with np.load(file, allow_pickle=False) as archive:
                return dict(archive)
        except _BROKEN as error:
            raise _no_archive(name, error) from None


def _checked(parameters: Mapping[str, Parameter], arrays: Mapping[str, Any]) -> dict[str, Array]:
    """The arrays for the parameters, if they are there, no others are, and all of them fit."""
    if not isinstance(arrays, Mapping):
        raise TypeError(f"arrays must be a mapping of names to arrays, got {type(arrays).__name__}")
    missing = [name for name in parameters if name not in arrays]
    unexpected = [str(name) for name in arrays if name not in parameters]
    if missing or unexpected:
        problems = [f"no {_list(missing)}"] * bool(missing) + [f"the unknown {_list(unexpected)}"] * bool(unexpected)
        raise KeyError(f"arrays must hold exactly the layer's parameters, got {' and '.join(problems)}")
    checked = {}
    for name, parameter in parameters.items():
        try:
            checked[name] = parameter.check(arrays[name])
        except (TypeError, ValueError) as error:
            raise type(error)(f"arrays[{name!r}]: {error}") from None
    return checked


def _outlines(file: BinaryIO) -> dict[str, Array]:
    """Arrays of the names, shapes and dtypes in an npz file, but of one element in memory."""
    outlines = {}
    with ZipFile(file) as archive:
        for info in archive.infolist():
            name, extension = os.path.splitext(info.filename)
            if extension != ".npy":
                raise ValueError(f"{info.filename!r} is no array")
            with archive.open(info) as member:
                version = np.lib.format.read_magic(member)
                if version not in _READERS:
                    raise ValueError(f"{name!r} is no array of numbers")
                shape, _, dtype = _READERS[version](member)
                size = member.tell() + prod(shape) * dtype.itemsize
            if dtype.hasobject or info.file_size != size:
                raise ValueError(f"{name!r} is no array of {shape} {dtype}")
            outlines[name] = outline(shape, dtype)
    return outlines


def _no_archive(name: str, error: Exception) -> ValueError:
    return ValueError(f"path must be an npz file of arrays of numbers, got {name!r} ({error})")


def _list(names: list[str]) -> str:
    return ", ".join(map(repr, names))
