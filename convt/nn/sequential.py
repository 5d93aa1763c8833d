"""Sequential: layers one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .checks import as_rng
from .layer import Layer
from .parameter import Array, Parameter

if TYPE_CHECKING:
    from ..typing import ArrayLike, FloatDTypeLike, WeightInitializer

__all__ = ["Sequential"]


class Sequential(Layer):
    """Layers one after the other, which together are a layer.

    Parameters
    ----------
    *layers : Layer
        Each at most once, because a layer keeps only its latest input.

    Raises
    ------
    TypeError, ValueError
        An argument is no layer, or a layer appears twice.

    Examples
    --------
    >>> import numpy as np
    >>> from convt import nn
    >>> net = nn.Sequential(nn.Conv2D(8, 3, padding="same"), nn.ReLU())
    >>> net.add(nn.Conv2DTranspose(3, 4, strides=2, padding=1))
    >>> net = net.initialize("he", rng=0)
    >>> net(np.zeros((1, 3, 32, 32), np.float32)).shape
    (1, 3, 64, 64)
    >>> net
    Sequential(
      (0): Conv2D(8, kernel_size=(3, 3), padding='same', in_channels=3)
      (1): ReLU()
      (2): Conv2DTranspose(3, kernel_size=(4, 4), strides=(2, 2), padding=1, in_channels=8)
    )
    >>> list(net.state_dict())
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    def __init__(self, *layers: Layer) -> None:
        self._layers: list[Layer] = []
        self.add(*layers)

    def add(self, *layers: Layer) -> None:
        """Append layers."""
        for position, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                raise TypeError(f"layers must be instances of convt.nn.Layer, got {layer!r}")
            if any(layer is other for other in (self, *self._layers, *layers[:position])):
                raise ValueError(f"layers must each be there once, got {layer!r} again")
        self._layers.extend(layers)

    def forward(self, x: ArrayLike) -> Array:
        """Compute the output: each layer takes that of the layer before it."""
        value: Any = x
        for layer in self._layers:
            value = layer.forward(value)
        y: Array = value
        return y

    def backward(self, dy: ArrayLike) -> Array:
        """Return the gradient of the latest x, given that of the output; add those of the parameters to their ``grad``."""
        value: Any = dy
        for layer in reversed(self._layers):
            value = layer.backward(value)
        dx: Array = value
        return dx

    def initialize(
        self,
        init: WeightInitializer | None = None,
        *,
        rng: int | np.random.Generator | None = None,
        dtype: FloatDTypeLike = np.float32,
    ) -> Self:
        """Initialise each layer, in order, from one stream of random numbers; see `Conv2D.initialize`.

        Returns
        -------
        Sequential
            Itself.
        """
        rng = as_rng(rng)
        for layer in self._layers:
            layer.initialize(init, rng=rng, dtype=dtype)
        return self

    def named_parameters(self) -> dict[str, Parameter]:
        """The parameters of all layers: "0.weight", "0.bias", ..."""
        return {
            f"{place}.{name}": parameter
            for place, layer in enumerate(self._layers)
            for name, parameter in layer.named_parameters().items()
        }

    def __len__(self) -> int:
        return len(self._layers)

    def __getitem__(self, place: int) -> Layer:
        return self._layers[place]

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._layers)

    def __repr__(self) -> str:
        lines = [f"  ({place}): {layer!r}".replace("\n", "\n  ") for place, layer in enumerate(self._layers)]
        return "\n".join(["Sequential(", *lines, ")"]) if lines else "Sequential()"
