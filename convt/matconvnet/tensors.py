"""What MatConvNet counts as arrays: real numbers, all of one class, single or double, with four dimensions.

Missing dimensions are 1, further ones are folded into the fourth. Empty arrays may have any numeric class. Nothing is copied
unless folding forces it. Read `geometry.py` for the rules on sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..arrays import as_array, as_operand

__all__ = ["Tensors", "as_tensors"]

_CLASSES = {np.dtype(np.float32): "single", np.dtype(np.float64): "double"}
_NUMERIC = "{name} must be an array of real numbers, single or double, got {got}"
_MOST_DIMENSIONS = 7  # MatConvNet's own limit


@dataclass(frozen=True)
class Tensors:
    """The arrays of one call, in one dtype.

    Attributes
    ----------
    x, f : ndarray
        With four dimensions.
    b : ndarray
        In the caller's shape; empty where there are no biases.
    dzdy : ndarray or None
        With four dimensions; None for the forward pass.
    """

    x: np.ndarray
    f: np.ndarray
    b: np.ndarray
    dzdy: np.ndarray | None = None

    @property
    def dtype(self) -> np.dtype:
        """What all of them hold."""
        return self.x.dtype

    @property
    def class_name(self) -> str:
        """The dtype's name in MATLAB."""
        return _CLASSES[self.dtype]

    def empty(self) -> np.ndarray:
        """MATLAB's empty matrix, in the class of the others."""
        return np.empty((0, 0), self.dtype)


def as_tensors(x: Any, f: Any, b: Any, dzdy: Any) -> Tensors:
    """Accept the arrays of one call; anything else is an error. None stands for an empty f or b."""
    values = {"x": x, "f": () if f is None else f, "b": () if b is None else b}
    if dzdy is not None:
        values["dzdy"] = dzdy
    arrays = {name: _as_numeric(name, value) for name, value in values.items()}
    dtype = _common_class(arrays)
    arrays = {name: as_operand(array, dtype) for name, array in arrays.items()}
    return Tensors(**{name: array if name == "b" else _fold(array) for name, array in arrays.items()})


def _as_numeric(name: str, value: Any) -> np.ndarray:
    try:
        array = as_array(name, value)
    except TypeError as error:
        got = value.dtype if type(value) is np.ndarray else type(value).__name__
        raise TypeError(_NUMERIC.format(name=name, got=got)) from error
    if array.dtype.kind not in "iuf":
        raise TypeError(_NUMERIC.format(name=name, got=array.dtype))
    if array.ndim > _MOST_DIMENSIONS:
        raise ValueError(f"{name} must have at most {_MOST_DIMENSIONS} dimensions, got {array.ndim}")
    if array.dtype.kind != "f" and not hasattr(value, "dtype"):
        return array.astype(np.float64)  # Python's literals, which are double in MATLAB
    return array


def _common_class(arrays: dict[str, np.ndarray]) -> np.dtype:
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


def _fold(array: np.ndarray) -> np.ndarray:
    """With four dimensions, by MATLAB's rules."""
    if array.ndim == 4:
        return array
    shape = (*array.shape, 1, 1, 1)[:3]
    return array.reshape((*shape, prod(array.shape[3:])), order="F")
