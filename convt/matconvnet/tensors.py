"""What MatConvNet counts as arrays: real numbers, all of one class, single or double, with four dimensions.

On a device, the half types that its backend computes with are classes too.

Missing dimensions are 1, further ones are folded into the fourth. Empty arrays may have any numeric class. Nothing is copied
unless folding forces it. Read `geometry.py` for the rules on sizes, `memory.py` for arrays on a GPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..core.arrays import as_array
from ..core.memory import type_of
from .memory import DeviceMemory, Memory, memory_of

__all__ = ["Tensors", "as_tensors"]

_CLASSES = {"float16": "half", "bfloat16": "bfloat16", "float32": "single", "float64": "double"}
_NUMERIC = "{name} must be an array of real numbers, {classes}, got {got}"
_MOST_DIMENSIONS = 7  # MatConvNet's own limit


@dataclass(frozen=True)
class Tensors:
    """The arrays of one call, in one dtype; on a device, the backend's kind of arrays instead of ndarrays.

    Attributes
    ----------
    memory : Memory
        Where they lie.
    x, f : ndarray
        With four dimensions.
    b : ndarray
        In the caller's shape; empty where there are no biases.
    dzdy : ndarray or None
        With four dimensions; None for the forward pass.
    """

    memory: Memory
    x: Any
    f: Any
    b: Any
    dzdy: Any = None

    @property
    def dtype(self) -> np.dtype:
        """What all of them hold."""
        dtype: np.dtype = self.x.dtype
        return dtype

    @property
    def class_name(self) -> str:
        """Their type's name in MATLAB."""
        return _CLASSES[type_of(self.x)]

    def empty(self) -> Any:
        """MATLAB's empty matrix, in the class of the others."""
        return self.memory.empty(self.x)


def as_tensors(x: Any, f: Any, b: Any, dzdy: Any) -> Tensors:
    """Accept the arrays of one call; anything else is an error. None stands for an empty f or b."""
    values = {"x": x, "f": () if f is None else f, "b": () if b is None else b}
    if dzdy is not None:
        values["dzdy"] = dzdy
    memory = memory_of(*values.values())
    arrays = {name: _accepted(memory, name, value) for name, value in values.items()}
    model = arrays[_check_classes(memory, arrays)]
    dtype = np.dtype(model.dtype.type) if _type_of(model) in memory.types else np.dtype(np.float32)
    arrays = {name: memory.convert(array, dtype, model) for name, array in arrays.items()}
    return Tensors(memory, **{name: array if name == "b" else _fold(memory, name, array) for name, array in arrays.items()})


def _accepted(memory: Memory, name: str, value: Any) -> Any:
    if isinstance(memory, DeviceMemory) and not (name in "fb" and not memory.owner.owns(value) and _is_empty(value)):
        array = memory.accept(name, value)
        _check_form(memory, name, array)
        return array
    return _as_numeric(memory, name, value)


def _is_empty(value: Any) -> bool:
    """Whether an array that does not lie on the device stands for none."""
    return not np.size(value)


def _as_numeric(memory: Memory, name: str, value: Any) -> np.ndarray:
    try:
        array = as_array(name, value)
    except TypeError as error:
        got = value.dtype if type(value) is np.ndarray else type(value).__name__
        raise TypeError(_NUMERIC.format(name=name, classes=_class_words(memory), got=got)) from error
    _check_form(memory, name, array)
    if array.dtype.kind != "f" and not hasattr(value, "dtype"):
        return array.astype(np.float64)  # Python's literals, which are double in MATLAB
    return array


def _check_form(memory: Memory, name: str, array: Any) -> None:
    if array.dtype.kind not in "iuf":
        raise TypeError(_NUMERIC.format(name=name, classes=_class_words(memory), got=array.dtype))
    if array.ndim > _MOST_DIMENSIONS:
        raise ValueError(f"{name} must have at most {_MOST_DIMENSIONS} dimensions, got {array.ndim}")


def _check_classes(memory: Memory, arrays: dict[str, Any]) -> str:
    """The name of the first array that is not empty, whose class all others of those have; "x" if there is none."""
    types = {name: _type_of(array) for name, array in arrays.items()}
    filled = [name for name, array in arrays.items() if array.size]
    first = filled[0] if filled else "x"
    for name in filled:
        if types[name] not in memory.types:
            raise TypeError(
                f"{name} must be {_class_words(memory)}, got {types[name]} (convert it: {name}.astype(np.float32))"
            )
        if types[name] != types[first]:
            raise TypeError(
                f"{name} must have the class of {first}, {_CLASSES[types[first]]}, got {_CLASSES[types[name]]} (convert "
                f"it: {name}.astype({first}.dtype))"
            )
    return first


def _type_of(array: Any) -> str:
    """The type's name in memory, whatever the order of its bytes."""
    return type_of(array) if array.dtype.isnative else array.dtype.name


def _class_words(memory: Memory) -> str:
    """The classes that arrays may have, in words."""
    *others, last = (_CLASSES[each] for each in memory.types)
    return f"{', '.join(others)} or {last}"


def _fold(memory: Memory, name: str, array: Any) -> Any:
    """With four dimensions, by MATLAB's rules."""
    if array.ndim == 4:
        return array
    shape = (*array.shape, 1, 1, 1)[:3]
    return memory.reshape(name, array, (*shape, prod(array.shape[3:])))
