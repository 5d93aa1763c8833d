"""Parameter: an array that is learned, and the gradient accumulated for it."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.arguments import ELEMENTS_LIMIT, as_shape
from ..core.arrays import result_type
from ..core.constant import Filters
from .checks import as_real

if TYPE_CHECKING:
    from ..typing import ArrayLike, ShapeLike

__all__ = ["Array", "Parameter"]

Array = NDArray[np.floating[Any]]


class Parameter:
    """An array of a layer, and the sum of the gradients that its backward passes found.

    Parameters
    ----------
    name : str
        Its name in the layer; used in messages.
    shape : tuple of int
        0 for a size that is not known yet; the first data sets it.

    Examples
    --------
    >>> from convt import nn
    >>> bias = nn.Parameter("bias", (3,))
    >>> bias
    Parameter(bias, (3,), not initialised)
    >>> bias.data = [1, 2, 3]
    >>> bias.data -= 0.5
    >>> bias.data, bias.grad
    (array([0.5, 1.5, 2.5]), array([0., 0., 0.]))
    """

    def __init__(self, name: str, shape: ShapeLike) -> None:
        if not isinstance(name, str):
            raise TypeError(f"name must be a str, got {name!r}")
        self.name = name
        self._shape = as_shape("shape", shape)
        if prod(size or 1 for size in self._shape) >= ELEMENTS_LIMIT:
            raise ValueError(f"{name} must have fewer than 2**58 elements, got shape {self._shape}")
        self._data: Array | None = None
        self._grad: Array | None = None
        self._filters: Filters | None = None  # while frozen

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape; a size that is not known yet is 0."""
        return self._shape

    @property
    def initialized(self) -> bool:
        """Whether the parameter has data."""
        return self._data is not None

    @property
    def frozen(self) -> bool:
        """Whether the data are read-only, from `freeze` to `unfreeze`."""
        return self._filters is not None

    def freeze(self) -> None:
        """Make the data read-only, so that what backends make of them can be kept.

        Raises
        ------
        RuntimeError
            The parameter has no data yet.
        """
        if self._filters is None:
            self._filters = Filters(self.data)
            self._data = self._filters.array

    def unfreeze(self) -> None:
        """Let the data be changed again."""
        if self._filters is not None:
            self._data = self._filters.array.copy()
            self._filters = None

    def require_unfrozen(self) -> None:
        """Raise a RuntimeError if the data are read-only."""
        if self.frozen:
            raise RuntimeError(f"{self.name} must not be frozen when it is changed: call unfreeze() first")

    @property
    def operand(self) -> Array | Filters:
        """What an operator is given: the data, or while frozen the filters that they are."""
        return self.data if self._filters is None else self._filters

    @property
    def data(self) -> Array:
        """The values; they may be changed in place, unless the parameter is frozen.

        An assigned array is copied. The first one sets the type (float64 for integers), later ones are converted to it.

        Raises
        ------
        RuntimeError
            The parameter has no data yet, or is assigned to while frozen.
        ValueError, TypeError
            The assigned value has another shape, or is no array of real numbers.
        """
        return self._existing(self._data) if self._filters is None else self._filters.array

    @data.setter
    def data(self, value: ArrayLike) -> None:
        if value is self._data:  # as after ``data -= step``
            return
        self.require_unfrozen()
        array = self.check(value)
        if self._data is None:
            self._data = array.astype(result_type([array.dtype]))
            self._grad = np.zeros_like(self._data)
            self._shape = array.shape
        else:
            self._data[...] = array

    @property
    def grad(self) -> Array:
        """The gradient, of the shape and the type of the data; zero until a backward pass adds to it.

        Raises
        ------
        RuntimeError
            The parameter has no data yet.
        ValueError, TypeError
            The assigned value has another shape, or is no array of real numbers.
        """
        return self._existing(self._grad)

    @grad.setter
    def grad(self, value: ArrayLike) -> None:
        if value is not self._grad:
            self.grad[...] = self.check(value)

    def zero_grad(self) -> None:
        """Set the gradient to zero."""
        if self._grad is not None:
            self._grad[...] = 0

    def reset(self, data: Array) -> None:
        """Replace the data, also its type, and set the gradient to zero."""
        self.require_unfrozen()
        self._data = self._grad = None
        self.data = data

    def check(self, value: Any) -> Array:
        """The value as an array of this parameter's shape.

        Raises
        ------
        ValueError, TypeError
            It has another shape, or is no array of real numbers.
        """
        array = as_real(self.name, value)
        wanted = self._shape
        if len(array.shape) != len(wanted) or any(w not in (0, s) for s, w in zip(array.shape, wanted, strict=True)):
            shape = ", ".join(str(size or "any") for size in wanted) + ("," if len(wanted) == 1 else "")
            raise ValueError(f"{self.name} must have shape ({shape}), got {array.shape}")
        if 0 in array.shape:
            raise ValueError(f"{self.name} must have at least 1 element along each axis, got shape {array.shape}")
        return array

    def __repr__(self) -> str:
        if self._data is None:
            return f"Parameter({self.name}, {self._shape}, not initialised)"
        return f"Parameter({self.name}, {self._shape}, {self._data.dtype}{', frozen' if self.frozen else ''})"

    def _existing(self, array: Array | None) -> Array:
        if array is None:
            unknown = " and call the layer, which then knows its sizes" if 0 in self._shape else ""
            raise RuntimeError(f"{self.name} must be initialised before it is used: call initialize(){unknown}")
        return array
