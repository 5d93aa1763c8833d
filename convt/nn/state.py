"""The state of a layer: its parameters as a dict of arrays, and that dict as an npz file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ..core.arguments import as_path
from .parameter import Array, Parameter

__all__ = ["collect", "read", "restore", "write"]


def collect(parameters: Mapping[str, Parameter]) -> dict[str, Array]:
    """Copies of the parameters' data."""
    missing = [name for name, parameter in parameters.items() if not parameter.initialized]
    if missing:
        raise RuntimeError(f"the layer must be initialised before its state is taken, got no data for {_list(missing)}")
    return {name: parameter.data.copy() for name, parameter in parameters.items()}


def restore(parameters: Mapping[str, Parameter], arrays: Mapping[str, Any]) -> None:
    """Set the parameters, after all arrays have been checked."""
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
    for name, parameter in parameters.items():
        parameter.data = checked[name]


def write(arrays: Mapping[str, Array], path: str | os.PathLike[str]) -> None:
    """Write an npz file; no extension is added to its name."""
    named: dict[str, Any] = dict(arrays)
    with open(as_path("path", path), "wb") as file:
        np.savez(file, **named)


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The arrays of an npz file; nothing in it is executed."""
    name = as_path("path", path)
    try:
        with np.load(name, allow_pickle=False) as archive:
            return dict(archive)
    except (ValueError, EOFError, TypeError, BadZipFile) as error:
        raise ValueError(f"path must be an npz file of arrays of numbers, got {name!r} ({error})") from None


def _list(names: list[str]) -> str:
    return ", ".join(map(repr, names))
