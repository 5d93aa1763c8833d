"""Layer: the base class of everything that a network is made of."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

import numpy as np

from . import state
from .parameter import Array, Parameter

if TYPE_CHECKING:
    from ..typing import ArrayLike, FloatDTypeLike, WeightInitializer

__all__ = ["Layer"]


class Layer(ABC):
    """A function with its gradient. A layer of your own defines `forward`, `backward` and, if it learns, `named_parameters`.

    `backward` needs what the latest `forward` was given, so a layer keeps that array, without copying it. Do not change it
    between the two, and do not share layers between threads.

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
        """Compute the output."""

    @abstractmethod
    def backward(self, dy: ArrayLike) -> Array:
        """Return the gradient of the latest x, given that of the output; add those of the parameters to their ``grad``."""

    def __call__(self, x: ArrayLike) -> Array:
        """The same as `forward`."""
        return self.forward(x)

    def initialize(
        self,
        init: WeightInitializer | None = None,
        *,
        rng: int | np.random.Generator | None = None,
        dtype: FloatDTypeLike = np.float32,
    ) -> Self:
        """Give the parameters their first values and return the layer; see `Conv2D.initialize`.

        Layers without parameters do nothing.
        """
        return self

    def named_parameters(self) -> dict[str, Parameter]:
        """The parameters by name, as in `state_dict`."""
        return {}

    def parameters(self) -> list[Parameter]:
        """All parameters, for an optimiser."""
        return list(self.named_parameters().values())

    def zero_grad(self) -> None:
        """Set the gradients of all parameters to zero; `backward` adds to them."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def freeze(self) -> Self:
        """Make the parameters read-only, so that their layers are faster, and return the layer.

        What a backend makes of filters, such as a packed copy for each shape of x, is kept then, up to 8 times their bytes.
        `backward` still works, and adds to the gradients; an optimiser's step is an error until `unfreeze`.

        Raises
        ------
        RuntimeError
            A parameter has no data yet; none is frozen.
        """
        state.require_data(self.named_parameters(), "it is frozen")
        for parameter in self.parameters():
            parameter.freeze()
        return self

    def unfreeze(self) -> Self:
        """Let the parameters be changed again, forget what was kept, and return the layer."""
        for parameter in self.parameters():
            parameter.unfreeze()
        return self

    def state_dict(self) -> dict[str, Array]:
        """Copies of the parameters by name.

        Raises
        ------
        RuntimeError
            A parameter has no data yet.
        """
        return state.collect(self.named_parameters())

    def load_state_dict(self, arrays: Mapping[str, ArrayLike]) -> None:
        """Set the parameters to the arrays of a `state_dict`. Nothing is changed unless all of them fit.

        A layer that is not initialised takes sizes and types from the arrays; an initialised one keeps its own.

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
        """Write `state_dict` to a file, in NumPy's npz format. One that was there is replaced when all is written.

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
        """Read what `save` wrote, under the rules of `load_state_dict`, which are checked before any array is read.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        OSError, KeyError, ValueError, TypeError
            The file cannot be read, is no npz file, or does not fit.
        """
        self.load_state_dict(state.read(path, self.named_parameters()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
