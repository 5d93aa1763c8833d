"""Layer: what a step of a network is, and what all of them can do."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from . import state
from .parameter import Array, Parameter

if TYPE_CHECKING:
    from ..typing import ArrayLike, FloatDTypeLike, WeightInitializer

__all__ = ["Layer"]


class Layer(ABC):
    """A map with a way back. A layer of your own needs `forward`, `backward` and, if it learns, `named_parameters`.

    A layer remembers what its latest `forward` was given, without a copy, because `backward` needs it: do not change that
    array in between, and let each thread have layers of its own.

    Examples
    --------
    >>> import numpy as np
    >>> from convt import nn
    >>> class Square(nn.Layer):
    ...     def forward(self, x):
    ...         self.x = x
    ...         return x**2
    ...     def backward(self, dy):
    ...         return 2 * self.x * dy
    >>> net = nn.Sequential(nn.Tanh(), Square())
    >>> float(net(np.array([0.0]))[0])
    0.0
    """

    @abstractmethod
    def forward(self, x: ArrayLike) -> Array:
        """Y for x."""

    @abstractmethod
    def backward(self, dy: ArrayLike) -> Array:
        """The gradient of x from that of the latest y; those of the parameters are added to their ``grad``."""

    def __call__(self, x: ArrayLike) -> Array:
        """The same as `forward`."""
        return self.forward(x)

    def initialize(  # noqa: B027 - as it says
        self,
        init: WeightInitializer | None = None,
        *,
        rng: int | np.random.Generator | None = None,
        dtype: FloatDTypeLike = np.float32,
    ) -> None:
        """Give the parameters their first values; see `Conv2D.initialize`. Layers without parameters do nothing."""

    def named_parameters(self) -> dict[str, Parameter]:
        """The parameters by the names that the layer's state knows them by."""
        return {}

    def parameters(self) -> list[Parameter]:
        """All parameters, for an optimiser."""
        return list(self.named_parameters().values())

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters; `backward` adds to them."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def state_dict(self) -> dict[str, Array]:
        """Copies of the parameters by name.

        Raises
        ------
        RuntimeError
            A parameter has no data yet.
        """
        return state.collect(self.named_parameters())

    def load_state_dict(self, arrays: Mapping[str, ArrayLike]) -> None:
        """Take over what `state_dict` gave. Nothing is changed unless all of it fits.

        A layer that is not initialised takes sizes and types from the arrays, one that is keeps its own.

        Parameters
        ----------
        arrays : mapping of str to array_like

        Raises
        ------
        KeyError
            A parameter is missing, or there is one that the layer does not have.
        ValueError, TypeError
            An array has the wrong shape, or holds no real numbers.
        """
        state.restore(self.named_parameters(), arrays)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `state_dict` to a file, in NumPy's npz format.

        Parameters
        ----------
        path : str or path-like
            Written as it is, without adding an extension.

        Raises
        ------
        RuntimeError, OSError
            A parameter has no data yet, or the file cannot be written.
        """
        state.write(self.state_dict(), path)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Read what `save` wrote, under the rules of `load_state_dict`.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        OSError, KeyError, ValueError, TypeError
            The file cannot be read, is no npz file, or does not fit.
        """
        self.load_state_dict(state.read(path))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
