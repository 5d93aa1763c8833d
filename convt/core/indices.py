"""Indices of maxima, converted between the caller's form and the one that backends take.

Backends take int64 indices with axes (N, C, *spatial). Each is the flat position of an element in the spatial axes of its
image and channel. The caller's have the caller's axes and dtype, and may count the elements of the whole tensor.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..backend import Backend
from .arrays import INDEX
from .execution import ask
from .memory import HostMemory, Memory, type_of
from .problem import Problem, inside
from .windows import Windows

__all__ = ["check_indices", "outside", "require_inside", "to_planes", "to_tensor"]


def to_planes(memory: Memory, backend: Backend, call: Windows, name: str, shape: tuple[int, ...], array: Any) -> Any:
    """Return the caller's indices as backends take them. Values are not checked; the shape must be that of array `name`."""
    check_indices(name, shape, array)
    indices = call.frame.view(memory.as_int64(array))
    if not call.tensor_indices:
        return indices
    places = memory.empty(call.problem.coarse_array_shape, INDEX, indices)
    _move(backend, call, indices, -1, places)
    return places


def check_indices(name: str, shape: tuple[int, ...], indices: Any) -> None:
    """Raise unless indices, of which no value is read, are integers in the shape of array `name`."""
    if indices.dtype.kind not in "iu":
        raise TypeError(f"indices must be integers, got {type_of(indices)}")
    if indices.shape != shape:
        lost = name in ("y", "dy") and len(indices.shape) == len(shape)
        likely = f" (where {name} has been unpooled itself: pass output_size there, to get back what pooling rounded off)"
        raise ValueError(f"indices.shape must equal that of {name}, {shape}, got {indices.shape}{likely * lost}")


def to_tensor(memory: Memory, backend: Backend, call: Windows, indices: Any) -> Any:
    """Return the indices that a backend wrote, which have the caller's axes already, in the caller's indexing."""
    if not call.tensor_indices:
        return indices
    moved = memory.empty(call.shape, INDEX, indices)
    _move(backend, call, call.frame.view(indices), 1, call.frame.view(moved))
    return moved


def require_inside(memory: Memory, call: Windows, places: Any, indices: Any, *, sized: bool) -> None:
    """Raise before `out` is modified if an index is out of range. A device's backend checks that before it writes."""
    if isinstance(memory, HostMemory) and not inside(call.problem, places):
        raise outside(memory, call, places, indices, sized=sized)


def outside(memory: Memory, call: Windows, places: Any, indices: Any, *, sized: bool) -> ValueError:
    """Return the error about the first index out of range; `places` are the indices as the backend took them.

    `sized` is whether the function has an output_size.
    """
    elements = prod(call.problem.fine_shape)
    host = memory.to_host(places)
    at = np.unravel_index(int(((host < 0) | (host >= elements)).argmax()), host.shape)
    larger = sized and _larger(call.problem, int(host[at]))
    likely = "; where pooling rounded a size off, pass it as output_size" if larger else ""
    first = int(at[0] * call.problem.fine_channels + at[1]) * elements if call.tensor_indices else 0
    return ValueError(
        f"indices must be from {first} to {first + elements - 1} (positions in {call.problem.fine_shape}"
        f"{' of their image and channel' if call.tensor_indices else ''}), got "
        f"{call.frame.view(memory.to_host(indices))[at]}{likely}"
    )


def _larger(problem: Problem, index: int) -> bool:
    """Return whether an index out of range is one in the largest array that pooling reduces to the same size."""
    rounded = (n + stride - 1 for n, stride in zip(problem.fine_shape, problem.stride, strict=True))
    return prod(problem.fine_shape) <= index < prod(rounded)


def _move(backend: Backend, call: Windows, indices: Any, sign: int, moved: Any) -> None:
    if call.problem.batch:
        ask(backend, backend.move_indices, call.problem, indices, sign, moved)
