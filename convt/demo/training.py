"""The training: random patches, the mean squared error, a rate that fades out.

The network sees the coarse picture and is asked for what bilinear interpolation misses, in units of `RESIDUAL_UNIT`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, pi

import numpy as np

from ..functions.upsampling import upsample
from ..nn import Adam, Sequential
from .network import MARGIN, RESIDUAL_UNIT
from .photograph import Array, Part

__all__ = ["Patches", "train"]

BATCH = 16
SIDE = 24
RATE = 5e-3


class Patches:
    """Pairs of patches from random places, in one of a square's eight positions.

    Parameters
    ----------
    part : Part
        Where to cut them from; at least SIDE coarse pixels in height and width.
    seed : int
        Of the random numbers.
    """

    def __init__(self, part: Part, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._coarse = np.pad(part.coarse, [(0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)], mode="edge")
        self._missing = (part.fine - upsample(part.coarse, 2, mode="bilinear")) / RESIDUAL_UNIT
        self._places = part.coarse.shape[1] - SIDE + 1, part.coarse.shape[2] - SIDE + 1

    def draw(self, count: int = BATCH) -> tuple[Array, Array]:
        """Some patches.

        Parameters
        ----------
        count : int
            How many.

        Returns
        -------
        coarse : ndarray, (count, 3, SIDE + 2 * MARGIN, SIDE + 2 * MARGIN)
        missing : ndarray, (count, 3, 2 * SIDE, 2 * SIDE)
            What the network should answer.
        """
        corners = self._random.integers(self._places, size=(count, 2))
        coarse = np.stack([_patch(self._coarse, corner, SIDE + 2 * MARGIN) for corner in corners])
        missing = np.stack([_patch(self._missing, 2 * corner, 2 * SIDE) for corner in corners])
        turns, mirrored = int(self._random.integers(4)), bool(self._random.integers(2))
        return _turn(coarse, turns, mirrored), _turn(missing, turns, mirrored)


def train(network: Sequential, part: Part, steps: int, seed: int = 0) -> Iterator[float]:
    """Teach the network, one step for each loss that is asked for.

    Parameters
    ----------
    network : Sequential
        Changed in place.
    part : Part
        All that it is shown.
    steps : int
        How many there are until the rate has faded out.
    seed : int
        Of the random numbers.

    Yields
    ------
    float
        The mean squared error on the latest patches, before they were learnt from.
    """
    patches = Patches(part, seed)
    adam = Adam(network.parameters(), betas=(0.9, 0.99))
    for step in range(steps):
        coarse, missing = patches.draw()
        error = network.forward(coarse) - missing
        network.zero_grad()
        network.backward(2 / error.size * error)
        adam.learning_rate = RATE * (1 + cos(pi * step / steps)) / 2
        adam.step()
        yield float(np.mean(error**2))


def _patch(picture: Array, corner: Array, side: int) -> Array:
    top, left = corner
    return picture[:, top : top + side, left : left + side]


def _turn(patches: Array, turns: int, mirrored: bool) -> Array:
    turned = np.rot90(patches, turns, axes=(2, 3))
    return turned[..., ::-1] if mirrored else turned
