"""The contestants: three ways to enlarge a picture by 2, each a transposed convolution.

They take and give (3, H, W); `learned` adds to `bilinear` what the network says it misses.
"""

from __future__ import annotations

import numpy as np

from ..functions.operators import conv_transpose
from ..nn import Sequential
from ..upscale import upscale
from .network import MARGIN
from .photograph import Array

__all__ = ["RESIDUAL_UNIT", "bilinear", "learned", "nearest"]

RESIDUAL_UNIT = np.float32(0.1)  # of the full range: what bilinear misses is small, and networks like numbers near 1


def nearest(coarse: Array) -> Array:
    """Each pixel as a block of 2 x 2."""
    block = np.ones((len(coarse), 1, 2, 2), coarse.dtype)
    fine: Array = conv_transpose(coarse, block, stride=2, groups=len(coarse))
    return fine


def bilinear(coarse: Array) -> Array:
    """Straight lines between the pixels."""
    fine: Array = upscale(coarse, 2)
    return fine


def learned(network: Sequential, coarse: Array) -> Array:
    """Bilinear, corrected by the network; the border pixels are repeated to make the margin it needs."""
    wider = np.pad(coarse, [(0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)], mode="edge")
    missing = network.forward(wider[np.newaxis])[0]
    fine: Array = bilinear(coarse) + RESIDUAL_UNIT * missing
    return fine
