"""The arrays that MatConvNet accepts: real numbers, all of one class, single or double, with four dimensions.

On a device, the 16-bit floats that its backend computes with are classes too. Missing dimensions are 1, further ones are
folded into the fourth. Empty arrays may have any numeric class. Nothing is copied unless folding needs it. `take_in` takes
in the arrays of a call, `described` checks their shapes and dtypes; read `geometry.py` for the rules on sizes.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..core.arrays import as_array
from ..core.constant import Kept
from ..core.containers import container_of
from ..core.memory import Memory, memory_of, type_of

__all__ = ["CLASSES", "Outline", "Tensors", "described", "outlines_of", "reshape", "take_in", "words"]

CLASSES = {"float16": "half", "bfloat16": "bfloat16", "float32": "single", "float64": "double"}
NAMES = ("x", "f", "b", "dzdy")
_NUMERIC = "{name} must be an array of real numbers, {classes}, got {got}"
_MOST_DIMENSIONS = 7  # MatConvNet's own limit
_NOTHING = np.empty(0)

Outline: TypeAlias = tuple[tuple[int, ...], "np.dtype | str"]
"""An array's shape and its dtype, or, on a device, the name of its type."""


class Tensors(NamedTuple):
    """The shapes and the class of a call's arrays, in MATLAB's terms.

    Attributes
    ----------
    x, f : tuple of int
        Shapes, with four dimensions; f's is empty where it has no elements.
    b : tuple of int
        The caller's shape.
    dzdy : tuple of int or None
        With four dimensions; None for the forward pass.
    model : int
        The position among x, f, b and dzdy of the first array with elements, else 0; its class is that of the call.
    type_name : str
        The name of that class's dtype; float32 if all arrays are empty and it is none of the classes.
    mixed : bool
        Whether an array has another dtype than the call, which only an empty one may have.
    """

    x: tuple[int, ...]
    f: tuple[int, ...]
    b: tuple[int, ...]
    dzdy: tuple[int, ...] | None
    model: int
    type_name: str
    mixed: bool


def take_in(x: Any, f: Any, b: Any, dzdy: Any, place: Kept | None) -> tuple[Memory, list[Any]]:
    """Return the memory of a call's arrays, and a list of x, f, b and, if given, dzdy. None is an empty f or b.

    With a place, f is the array of filters that are declared constant.
    """
    values = [x, _NOTHING if f is None else f, _NOTHING if b is None or (type(b) is list and not b) else b]
    if dzdy is not None:
        values.append(dzdy)
    memory = memory_of(*values)
    if place is not None and values[1].size:
        values[1] = memory.constant(values[1], place)
    for position, value in enumerate(values):
        if memory.owner is not None or type(value) is not np.ndarray or value.dtype.kind != "f":
            values[position] = _accepted(memory, NAMES[position], value)
    return memory, values


def outlines_of(memory: Memory, arrays: list[Any]) -> tuple[Outline, ...]:
    """Return the shapes and dtypes of a call's arrays, which are all that `described` needs."""
    if memory.owner is None:
        return tuple([(array.shape, array.dtype) for array in arrays])
    return tuple([(array.shape, type_of(array)) for array in arrays])


def described(types: tuple[str, ...], outlines: tuple[Outline, ...]) -> Tensors:
    """Check the outlines of a call's arrays, in a memory that computes in `types`."""
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
    """Reshape an array in Fortran order, as MATLAB does; on a device, it must be possible without a copy."""
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
    """Return a shape in MATLAB's words: "3 x 4"."""
    return " x ".join(map(str, shape)) if len(shape) > 1 else f"a vector of {prod(shape)}"


def _accepted(memory: Memory, name: str, value: Any) -> Any:
    if memory.owner is None:
        plain = container_of(value) is None
    else:
        plain = name in "fb" and not memory.owner.owns(value) and not np.size(value)
    try:
        array = as_array(name, value) if plain else memory.take_in(name, value)
    except TypeError as error:
        if not plain:
            raise
        got = value.dtype if type(value) is np.ndarray else type(value).__name__
        raise TypeError(_NUMERIC.format(name=name, classes=_listed(memory.types), got=got)) from error
    if array.dtype.kind not in "iuf":
        raise TypeError(_NUMERIC.format(name=name, classes=_listed(memory.types), got=type_of(array)))
    if plain and array.dtype.kind != "f" and not hasattr(value, "dtype"):
        return array.astype(np.float64)  # Python's literals, which are double in MATLAB
    return array


def _check_classes(types: tuple[str, ...], sizes: list[int], names: list[str]) -> int:
    """Return the position of the first array with elements, or 0; all others with elements must have its class."""
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
    """Return the classes that arrays may have, in words."""
    *others, last = (CLASSES[each] for each in types)
    return f"{', '.join(others)} or {last}"


def _folded(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape with four dimensions, by MATLAB's rules."""
    return shape if len(shape) == 4 else (*(*shape, 1, 1, 1)[:3], prod(shape[3:]))
