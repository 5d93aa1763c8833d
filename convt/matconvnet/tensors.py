"""What MatConvNet counts as arrays: real numbers, all of one class, single or double, with four dimensions.

Missing dimensions are 1, further ones are folded into the fourth. Empty arrays may have any numeric class. Nothing is copied
unless folding forces it. Read `geometry.py` for the rules on sizes, `memory.py` for arrays on a GPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..arrays import as_array
from .memory import DeviceMemory, Memory, memory_of

__all__ = ["Tensors", "as_tensors"]

_CLASSES = {np.dtype(np.float32): "single", np.dtype(np.float64): "double"}
_NUMERIC = "{name} must be an array of real numbers, single or double, got {got}"
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
        """The dtype's name in MATLAB."""
        return _CLASSES[self.dtype]

    def empty(self) -> Any:
        """MATLAB's empty matrix, in the class of the others."""
        return self.memory.empty(self.dtype)


def as_tensors(x: Any, f: Any, b: Any, dzdy: Any) -> Tensors:
    """Accept the arrays of one call; anything else is an error. None stands for an empty f or b."""
    values = {"x": x, "f": () if f is None else f, "b": () if b is None else b}
    if dzdy is not None:
        values["dzdy"] = dzdy
    memory = memory_of(*values.values())
    arrays = {name: _accepted(memory, name, value) for name, value in values.items()}
    dtype = _common_class(arrays)
    arrays = {name: memory.convert(array, dtype) for name, array in arrays.items()}
    return Tensors(memory, **{name: array if name == "b" else _fold(memory, name, array) for name, array in arrays.items()})


def _accepted(memory: Memory, name: str, value: Any) -> Any:
    if isinstance(memory, DeviceMemory) and not (name in "fb" and not memory.owner.owns(value) and _is_empty(value)):
        array = memory.accept(name, value)
        _check_form(name, array)
        return array
    return _as_numeric(name, value)


def _is_empty(value: Any) -> bool:
    """Whether an array that does not lie on the device stands for none."""
    return not np.size(value)


def _as_numeric(name: str, value: Any) -> np.ndarray:
    try:
        array = as_array(name, value)
    except TypeError as error:
        got = value.dtype if type(value) is np.ndarray else type(value).__name__
        raise TypeError(_NUMERIC.format(name=name, got=got)) from error
    _check_form(name, array)
    if array.dtype.kind != "f" and not hasattr(value, "dtype"):
        return array.astype(np.float64)  # Python's literals, which are double in MATLAB
    return array


def _check_form(name: str, array: Any) -> None:
    if array.dtype.kind not in "iuf":
        raise TypeError(_NUMERIC.format(name=name, got=array.dtype))
    if array.ndim > _MOST_DIMENSIONS:
        raise ValueError(f"{name} must have at most {_MOST_DIMENSIONS} dimensions, got {array.ndim}")


def _common_class(arrays: dict[str, Any]) -> np.dtype:
    """The dtype that all non-empty arrays share; if there are none, x's own, or single where that is neither."""
    native = {name: np.dtype(array.dtype.type) for name, array in arrays.items()}
    filled = [name for name, array in arrays.items() if array.size]
    first = filled[0] if filled else "x"
    for name in filled:
        if native[name] not in _CLASSES:
            raise TypeError(f"{name} must be single or double, got {native[name]} (convert it: {name}.astype(np.float32))")
        if native[name] != native[first]:
            raise TypeError(
                f"{name} must have the class of {first}, {_CLASSES[native[first]]}, got {_CLASSES[native[name]]} (convert "
                f"it: {name}.astype({first}.dtype))"
            )
    return native[first] if native[first] in _CLASSES else np.dtype(np.float32)


def _fold(memory: Memory, name: str, array: Any) -> Any:
    """With four dimensions, by MATLAB's rules."""
    if array.ndim == 4:
        return array
    shape = (*array.shape, 1, 1, 1)[:3]
    return memory.reshape(name, array, (*shape, prod(array.shape[3:])))
