"""The network: layers with a forward and a backward, each a few lines around convt's operators.

It is a small relative of FSRCNN (arXiv:1608.00367): it thinks in the coarse size, where pixels are few, and a transposed
convolution writes the fine picture at the end::

    coarse (3)  ->  conv 3x3 (16)  ->  conv 3x3 (16)  ->  conv_transpose 6x6, stride 2  ->  what bilinear misses (3)

No layer pads: every fine pixel is computed from true neighbours, and the picture loses `MARGIN` coarse pixels on each side.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..execution import Gradients
from ..operators import conv, conv_backward, conv_transpose, conv_transpose_backward

__all__ = ["MARGIN", "Conv", "ConvTranspose", "Layer", "LeakyReLU", "Network", "Parameter", "build"]

Array = NDArray[np.floating[Any]]

MARGIN = 3  # one coarse pixel per convolution of 3 x 3, one for the 6 x 6 at stride 2


class Parameter:
    """Numbers that are learnt, and the latest gradient with regard to them.

    Attributes
    ----------
    value, gradient : ndarray
        Of one shape; the gradient is zero until a backward pass has been made.
    """

    def __init__(self, value: Array) -> None:
        self.value = value
        self.gradient = np.zeros_like(value)


class Layer(Protocol):
    """A step of the network. `backward` belongs to the latest `forward`."""

    parameters: list[Parameter]

    def forward(self, x: Array) -> Array:
        """Y for (N, C, H, W)."""

    def backward(self, dy: Array) -> Array:
        """The gradient of x from that of y; those of the parameters are left in them."""


class Conv:
    """`convt.conv` with a filter bank and a bias.

    Parameters
    ----------
    w : ndarray, (out, in, kh, kw)
    **options
        As for the operator.
    """

    def __init__(self, w: Array, **options: Any) -> None:
        self.w = Parameter(w)
        self.bias = Parameter(np.zeros(self._outputs(w), w.dtype))
        self.parameters = [self.w, self.bias]
        self.options = options

    def forward(self, x: Array) -> Array:
        """Y, with x kept for the way back."""
        self.x = x
        return self._forward(x, self.w.value, self.bias.value)

    def backward(self, dy: Array) -> Array:
        """The gradients of all three arguments."""
        gradients = self._backward(self.x, self.w.value, self.bias.value, dy)
        self.w.gradient, self.bias.gradient = gradients.w, gradients.bias
        dx: Array = gradients.x
        return dx

    def _outputs(self, w: Array) -> int:
        return len(w)

    def _forward(self, *arguments: Array) -> Array:
        y: Array = conv(*arguments, **self.options)
        return y

    def _backward(self, *arguments: Array) -> Gradients:
        return conv_backward(*arguments, **self.options)


class ConvTranspose(Conv):
    """`convt.conv_transpose` with a filter bank and a bias.

    Parameters
    ----------
    w : ndarray, (in, out, kh, kw)
    **options
        As for the operator.
    """

    def _outputs(self, w: Array) -> int:
        return len(w[0])

    def _forward(self, *arguments: Array) -> Array:
        y: Array = conv_transpose(*arguments, **self.options)
        return y

    def _backward(self, *arguments: Array) -> Gradients:
        return conv_transpose_backward(*arguments, **self.options)


class LeakyReLU:
    """``max(x, slope * x)``: what bends the network, which would be linear without it.

    Parameters
    ----------
    slope : float
        Between 0 and 1.
    """

    def __init__(self, slope: float = 0.1) -> None:
        self.slope = slope
        self.parameters: list[Parameter] = []

    def forward(self, x: Array) -> Array:
        """Y, with the sign of x kept for the way back."""
        self.positive = x > 0
        return np.where(self.positive, x, self.slope * x)

    def backward(self, dy: Array) -> Array:
        """The gradient of x."""
        return np.where(self.positive, dy, self.slope * dy)


class Network:
    """Layers one after the other; itself a layer.

    Parameters
    ----------
    *layers : Layer
    """

    def __init__(self, *layers: Layer) -> None:
        self.layers = layers
        self.parameters = [parameter for layer in layers for parameter in layer.parameters]

    def forward(self, x: Array) -> Array:
        """Y of the last layer."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy: Array) -> Array:
        """The gradient of x."""
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy


def build(channels: int = 16, *, seed: int = 0, dtype: Any = np.float32) -> Network:
    """The demo's network with its starting values.

    Parameters
    ----------
    channels : int
        Of the two hidden layers.
    seed : int
        Of the random numbers.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    Network
        From (N, 3, H, W) to (N, 3, 2 * (H - 2 * MARGIN), 2 * (W - 2 * MARGIN)).

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers", arXiv:1502.01852 (the starting values).

    Examples
    --------
    >>> import numpy as np
    >>> from convt.demo.network import build
    >>> build().forward(np.zeros((1, 3, 20, 24), np.float32)).shape
    (1, 3, 28, 36)
    """
    random = np.random.default_rng(seed)

    def normal(*shape: int, deviation: float) -> Array:
        return (deviation * random.standard_normal(shape)).astype(dtype)

    return Network(
        Conv(normal(channels, 3, 3, 3, deviation=(2 / 27) ** 0.5)),
        LeakyReLU(),
        Conv(normal(channels, channels, 3, 3, deviation=(2 / (9 * channels)) ** 0.5)),
        LeakyReLU(),
        ConvTranspose(normal(channels, 3, 6, 6, deviation=0.01), stride=2, padding=4),
    )
