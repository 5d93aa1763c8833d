"""What MatConvNet counts as arrays: real numbers, all of one class, single or double, with four dimensions.

On a device, the half types that its backend computes with are classes too. Missing dimensions are 1, further ones are folded
into the fourth. Empty arrays may have any numeric class. Nothing is copied unless folding forces it. `take_in` accepts the
arrays of a call, `described` says from their outlines alone what they are as tensors; read `geometry.py` for the rules on
sizes.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..core.arrays import as_array
from ..core.containers import container_of
from ..core.memory import Memory, memory_of, type_of

__all__ = ["CLASSES", "Outline", "Tensors", "described", "outlines_of", "reshape", "take_in", "words"]

CLASSES = {"float16": "half", "bfloat16": "bfloat16", "float32": "single", "float64": "double"}
NAMES = ("x", "f", "b", "dzdy")
_NUMERIC = "{name} must be an array of real numbers, {classes}, got {got}"
_MOST_DIMENSIONS = 7  # MatConvNet's own limit
_NOTHING = np.empty(0)

Outline: TypeAlias = tuple[tuple[int, ...], "np.dtype | str"]
"""An array's shape and dtype; on a device, the name of its type."""


class Tensors(NamedTuple):
    """The arrays of a call as MATLAB sees them; what they are is known without their data.

    Attributes
    ----------
    x, f : tuple of int
        Shapes, with four dimensions; f's is empty where it has no elements.
    b : tuple of int
        The caller's shape.
    dzdy : tuple of int or None
        With four dimensions; None for the forward pass.
    model : int
        Which of x, f, b and dzdy is the first that has elements, else 0; its class is the call's.
    type_name : str
        The name of that class's type; float32 for another numeric class, where nothing has elements.
    mixed : bool
        Whether an array has another dtype than the call, as only one without elements may.
    """

    x: tuple[int, ...]
    f: tuple[int, ...]
    b: tuple[int, ...]
    dzdy: tuple[int, ...] | None
    model: int
    type_name: str
    mixed: bool


def take_in(x: Any, f: Any, b: Any, dzdy: Any) -> tuple[Memory, list[Any]]:
    """The memory of a call's arrays, then x, f, b and dzdy if it is given; None stands for an empty f or b."""
    values = [x, _NOTHING if f is None else f, _NOTHING if b is None or (type(b) is list and not b) else b]
    if dzdy is not None:
        values.append(dzdy)
    memory = memory_of(*values)
    for position, value in enumerate(values):
        if memory.owner is not None or type(value) is not np.ndarray or value.dtype.kind != "f":
            values[position] = _accepted(memory, NAMES[position], value)
    return memory, values


def outlines_of(memory: Memory, arrays: list[Any]) -> tuple[Outline, ...]:
    """As much of a call's arrays as `described` looks at."""
    if memory.owner is None:
        return tuple([(array.shape, array.dtype) for array in arrays])
    return tuple([(array.shape, type_of(array)) for array in arrays])


def described(types: tuple[str, ...], outlines: tuple[Outline, ...]) -> Tensors:
    """The tensors of a call with arrays of these outlines, in a memory with such types."""
    for name, (shape, _) in zip(NAMES, outlines, strict=False):
        if len(shape) > _MOST_DIMENSIONS:
            raise ValueError(f"{name} must have at most {_MOST_DIMENSIONS} dimensions, got {len(shape)}")
    names = [each if isinstance(each, str) else each.name for _, each in outlines]
    model = _check_classes(types, [prod(shape) for shape, _ in outlines], names)
    x, f, b, *dzdy = (shape for shape, _ in outlines)
    type_name = names[model] if names[model] in types else "float32"
    mixed = any(each != type_name for _, each in outlines)
    return Tensors(_folded(x), _folded(f), b, _folded(dzdy[0]) if dzdy else None, model, type_name, mixed)


def reshape(memory: Memory, name: str, array: Any, shape: tuple[int, ...]) -> Any:
    """The elements in the same order, which is MATLAB's; nothing is copied on a device."""
    if array.shape == shape:
        return array
    try:
        return array.reshape(shape, order="F")
    except ValueError as error:
        owner = "" if memory.owner is None else f" on backend {memory.owner.name!r}"
        raise ValueError(
            f"{name} must lie in Fortran order to become {words(shape)}{owner}, got {words(array.shape)} in another order "
            "(copy it into Fortran order first)"
        ) from error


def words(shape: tuple[int, ...]) -> str:
    """A shape in MATLAB's words: "3 x 4"."""
    return " x ".join(map(str, shape)) if len(shape) > 1 else f"a vector of {prod(shape)}"


def _accepted(memory: Memory, name: str, value: Any) -> Any:
    if memory.owner is None:
        plain = container_of(value) is None
    else:
        plain = name in "fb" and not memory.owner.owns(value) and not np.size(value)
    if plain:
        return _as_numeric(memory, name, value)
    array = memory.take_in(name, value)
    if array.dtype.kind not in "iuf":
        raise TypeError(_NUMERIC.format(name=name, classes=_listed(memory.types), got=type_of(array)))
    return array


def _as_numeric(memory: Memory, name: str, value: Any) -> np.ndarray:
    got = value.dtype if type(value) is np.ndarray else type(value).__name__
    try:
        array = as_array(name, value)
    except TypeError as error:
        raise TypeError(_NUMERIC.format(name=name, classes=_listed(memory.types), got=got)) from error
    if array.dtype.kind not in "iuf":
        raise TypeError(_NUMERIC.format(name=name, classes=_listed(memory.types), got=type_of(array)))
    if array.dtype.kind != "f" and not hasattr(value, "dtype"):
        return array.astype(np.float64)  # Python's literals, which are double in MATLAB
    return array


def _check_classes(types: tuple[str, ...], sizes: list[int], names: list[str]) -> int:
    """The position of the first array that has elements, whose class all others of those have; 0 if there is none."""
    filled = [position for position, size in enumerate(sizes) if size]
    first = filled[0] if filled else 0
    for position in filled:
        name, got = NAMES[position], names[position]
        if got not in types:
            raise TypeError(f"{name} must be {_listed(types)}, got {got} (convert it: {name}.astype(np.float32))")
        if got != names[first]:
            raise TypeError(
                f"{name} must have the class of {NAMES[first]}, {CLASSES[names[first]]}, got {CLASSES[got]} (convert it: "
                f"{name}.astype({NAMES[first]}.dtype))"
            )
    return first


def _listed(types: tuple[str, ...]) -> str:
    """The classes that arrays may have, in words."""
    *others, last = (CLASSES[each] for each in types)
    return f"{', '.join(others)} or {last}"


def _folded(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with four dimensions, by MATLAB's rules."""
    return shape if len(shape) == 4 else (*(*shape, 1, 1, 1)[:3], prod(shape[3:]))
