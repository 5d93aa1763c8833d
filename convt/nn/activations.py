"""Activations: nonlinear functions, applied element by element."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.arrays import as_operand, compute_type, result_type
from ..core.bfloat16 import is_bfloat16, widened
from .checks import check_gradient, in_range, no_forward, take_gradient, take_real
from .layer import Layer
from .parameter import Array

if TYPE_CHECKING:
    from ..typing import ArrayLike

__all__ = ["LeakyReLU", "ReLU", "Sigmoid", "Tanh"]


class _Elementwise(Layer):
    """A function of each element. `_value` keeps what `_gradient` needs."""

    _kept: Any = None
    _like: Any = None

    def forward(self, x: ArrayLike) -> Array:
        """Compute the output, of x's shape; integers become float64."""
        memory, x, self._like = take_real(x)
        dtype = result_type([x.dtype])
        y: Array = self._value(as_operand(x, compute_type(dtype) if is_bfloat16(dtype) else dtype))
        given: Array = memory.give_back(y, None, dtype)
        return given

    def backward(self, dy: ArrayLike) -> Array:
        """Return the gradient of the latest x, given that of the output."""
        if self._kept is None:
            raise no_forward(self)
        memory, dy = take_gradient(self._like, dy)
        check_gradient(dy, self._kept.shape)
        dx = self._gradient(widened(dy))
        given: Array = memory.give_back(dx, None, dy.dtype if is_bfloat16(dy.dtype) else dx.dtype)
        return given

    @abstractmethod
    def _value(self, x: Array) -> Any: ...

    @abstractmethod
    def _gradient(self, dy: NDArray[Any]) -> Any: ...


class LeakyReLU(_Elementwise):
    """``x`` where x is positive, else ``slope * x``.

    Parameters
    ----------
    slope : float
        From 0, which is `ReLU`, to below 1.

    References
    ----------
    .. [1] A. L. Maas, A. Y. Hannun and A. Y. Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.

    Examples
    --------
    >>> from convt import nn
    >>> bend = nn.LeakyReLU(0.1)
    >>> bend([-2.0, 3.0]), bend.backward([1.0, 1.0])
    (array([-0.2,  3. ]), array([0.1, 1. ]))
    """

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = in_range("slope", slope, 1)

    def __repr__(self) -> str:
        return f"LeakyReLU({self.slope})"

    def _value(self, x: Array) -> Any:
        self._kept = x > 0
        return np.where(self._kept, x, self.slope * x)

    def _gradient(self, dy: NDArray[Any]) -> Any:
        return np.where(self._kept, dy, self.slope * dy)


class ReLU(_Elementwise):
    """``max(x, 0)``; NaN stays NaN.

    Examples
    --------
    >>> from convt import nn
    >>> bend = nn.ReLU()
    >>> bend([-2.0, 3.0]), bend.backward([1.0, 1.0])
    (array([0., 3.]), array([0., 1.]))
    """

    def _value(self, x: Array) -> Any:
        self._kept = x > 0
        return np.maximum(x, 0)

    def _gradient(self, dy: NDArray[Any]) -> Any:
        return dy * self._kept


class Sigmoid(_Elementwise):
    """``1 / (1 + exp(-x))``, without overflow.

    Examples
    --------
    >>> from convt import nn
    >>> bend = nn.Sigmoid()
    >>> bend([-1000.0, 0.0]), bend.backward([1.0, 1.0])
    (array([0. , 0.5]), array([0.  , 0.25]))
    """

    def _value(self, x: Array) -> Any:
        self._kept = 0.5 + 0.5 * np.tanh(0.5 * x)
        return self._kept.copy()

    def _gradient(self, dy: NDArray[Any]) -> Any:
        return dy * (self._kept * (1 - self._kept))


class Tanh(_Elementwise):
    """``tanh(x)``.

    Examples
    --------
    >>> from convt import nn
    >>> bend = nn.Tanh()
    >>> bend([0.0]), bend.backward([3.0])
    (array([0.]), array([3.]))
    """

    def _value(self, x: Array) -> Any:
        self._kept = np.tanh(x)
        return self._kept.copy()

    def _gradient(self, dy: NDArray[Any]) -> Any:
        return dy * (1 - self._kept**2)
