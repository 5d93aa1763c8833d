"""The network, of layers from `convt.nn`.

It is a small relative of FSRCNN (arXiv:1608.00367): it thinks in the coarse size, where pixels are few, and a transposed
convolution writes the fine picture at the end::

    coarse (3)  ->  conv 3x3 (16)  ->  conv 3x3 (16)  ->  conv_transpose 6x6, stride 2  ->  what bilinear misses (3)

No layer pads: every fine pixel is computed from true neighbours, and the picture loses `MARGIN` coarse pixels on each side.
`enlarge` adds to the bilinear picture what the network says it misses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..functions.upsampling import upsample
from ..nn import Conv2D, Conv2DTranspose, LeakyReLU, Sequential

if TYPE_CHECKING:
    from .photograph import Array

__all__ = ["MARGIN", "RESIDUAL_UNIT", "build", "enlarge"]

MARGIN = 3  # one coarse pixel per convolution of 3 x 3, one for the 6 x 6 at stride 2
RESIDUAL_UNIT = np.float32(0.1)  # of the full range: what bilinear misses is small, and networks like numbers near 1


def build(channels: int = 16, *, seed: int = 0, dtype: Any = np.float32) -> Sequential:
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
    Sequential
        From (N, 3, H, W) to (N, 3, 2 * (H - 2 * MARGIN), 2 * (W - 2 * MARGIN)).

    Examples
    --------
    >>> import numpy as np
    >>> from convt.demo.network import build
    >>> build()(np.zeros((1, 3, 20, 24), np.float32)).shape
    (1, 3, 28, 36)
    """
    return Sequential(
        Conv2D(channels, 3, weight_initializer="he_normal", in_channels=3),
        LeakyReLU(0.1),
        Conv2D(channels, 3, weight_initializer="he_normal", in_channels=channels),
        LeakyReLU(0.1),
        Conv2DTranspose(3, 6, strides=2, padding=4, weight_initializer="normal", in_channels=channels),
    ).initialize(rng=seed, dtype=dtype)


def enlarge(network: Sequential, coarse: Array) -> Array:
    """Enlarge a picture by 2: bilinearly, corrected by the network. Border pixels are repeated to make the margin it needs.

    Parameters
    ----------
    network : Sequential
        From `build`.
    coarse : ndarray, (3, H, W)

    Returns
    -------
    ndarray, (3, 2 * H, 2 * W)
    """
    wider = np.pad(coarse, [(0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)], mode="edge")
    missing = network.forward(wider[np.newaxis])[0]
    fine: Array = upsample(coarse, 2, mode="bilinear") + RESIDUAL_UNIT * missing
    return fine
