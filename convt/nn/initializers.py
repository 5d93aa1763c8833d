"""Initialisers: the first values of filters and biases, by name, as a number, an array or a function.

=====================================================  ==============================================================
name                                                   values
=====================================================  ==============================================================
zeros, ones                                            the same everywhere
uniform, normal                                        Gluon's: within 0.07 of 0; of deviation 0.01
xavier, glorot_uniform; glorot_normal                  of variance ``2 / (fan_in + fan_out)`` [1]_
he, kaiming, he_uniform, kaiming_uniform;              of variance ``2 / fan_in`` [2]_
he_normal, kaiming_normal
bilinear                                               each channel's own bilinear interpolation: ``filters.bilinear`` [3]_
icnr                                                   he_normal, repeated strides times: no checkerboard [4]_
=====================================================  ==============================================================

``fan_in`` is the number of products that are added up in one element of the output, ``fan_out`` the number of products that
one element of x takes part in: away from the borders, and on average where the number varies with the stride. Strides
count: with kernel 4 and stride 2, an element of a transposed convolution's output meets 2 taps per axis, not 4.

Only the first two rows are for biases, which have no fans.

References
----------
.. [1] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
.. [2] K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers", arXiv:1502.01852.
.. [3] J. Long, E. Shelhamer and T. Darrell, "Fully convolutional networks for semantic segmentation", arXiv:1411.4038.
.. [4] A. Aitken et al., "Checkerboard artifact free sub-pixel convolution", arXiv:1707.02937.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from math import prod, sqrt
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..filters import icnr
from ..hints import did_you_mean
from .checks import as_real

__all__ = ["BIAS_NAMES", "WEIGHT_NAMES", "Bank", "accept", "draw_bias", "draw_weight", "is_array"]

Values = NDArray[Any]


@dataclass(frozen=True)
class Bank:
    """The shape and the options of a filter bank that is to be initialised.

    Attributes
    ----------
    shape : tuple of int
        (coarse channels, fine channels // groups, *kernel), whatever the layer's layout.
    strides, dilation : tuple of int
    groups : int
    transposed : bool
        Whether the layer is a transposed convolution.
    """

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    transposed: bool

    @property
    def fan_in(self) -> float:
        """Number of products that are added up in one element of the output."""
        return self._fans[self.transposed]

    @property
    def fan_out(self) -> float:
        """Number of products that one element of x takes part in."""
        return self._fans[not self.transposed]

    @property
    def _fans(self) -> tuple[float, float]:
        """Number of products for one coarse element, and for one fine element."""
        coarse, fine, *kernel = self.shape
        taps = prod(max(k / s, 1.0) for k, s in zip(kernel, self.strides, strict=True))
        return float(fine * prod(kernel)), coarse // self.groups * taps


def draw_weight(init: Any, bank: Bank, rng: Generator) -> Values:
    """Draw a bank by an initialiser's name, with axes in the order of `Bank.shape`."""
    if init in _PLAIN:
        return _PLAIN[init](bank.shape, rng)
    return _FOR_BANKS[init](bank, rng)


def draw_bias(init: Any, shape: tuple[int, ...], rng: Generator) -> Values:
    """Draw a bias by an initialiser's name."""
    return _PLAIN[init](shape, rng)


def accept(name: str, init: Any, names: tuple[str, ...]) -> Any:
    """Check an initialiser. Names and functions are returned as they are, numbers as a float, arrays as an array."""
    if isinstance(init, str):
        if init not in names:
            raise ValueError(
                f"{name} must be one of {', '.join(names)}, a number, an array or a function, got {init!r}"
                f"{did_you_mean(init, names)}"
            )
        return init
    if callable(init):
        return init
    array = as_real(name, init)
    return array if array.ndim else float(array)


def is_array(init: Any) -> bool:
    """Whether an accepted initialiser is an array, whose shape the bank then has."""
    return isinstance(init, np.ndarray)


def _uniform(limit: float, shape: tuple[int, ...], rng: Generator) -> Values:
    return rng.uniform(-limit, limit, shape)


def _normal(deviation: float, shape: tuple[int, ...], rng: Generator) -> Values:
    return deviation * rng.standard_normal(shape)


def _glorot_uniform(bank: Bank, rng: Generator) -> Values:
    return _uniform(sqrt(6 / (bank.fan_in + bank.fan_out)), bank.shape, rng)


def _glorot_normal(bank: Bank, rng: Generator) -> Values:
    return _normal(sqrt(2 / (bank.fan_in + bank.fan_out)), bank.shape, rng)


def _he_uniform(bank: Bank, rng: Generator) -> Values:
    return _uniform(sqrt(6 / bank.fan_in), bank.shape, rng)


def _he_normal(bank: Bank, rng: Generator) -> Values:
    return _normal(sqrt(2 / bank.fan_in), bank.shape, rng)


def _bilinear(bank: Bank, rng: Generator) -> Values:
    coarse, fine, *kernel = bank.shape
    if coarse != fine * bank.groups:
        raise ValueError(
            f"init must not be 'bilinear' unless there are as many channels as in_channels, got {bank.shape[:2]} for "
            f"{bank.groups} groups"
        )
    triangles = [1 - np.abs(np.arange(k) - (k - 1) / 2) / ((k + 1) // 2) for k in kernel]
    weight = np.zeros(bank.shape)
    weight[np.arange(coarse), np.arange(coarse) % fine] = reduce(np.multiply.outer, triangles)
    return weight


def _icnr(bank: Bank, rng: Generator) -> Values:
    coarse, fine, *kernel = bank.shape
    uneven = any(k % s for k, s in zip(kernel, bank.strides, strict=True))
    if not bank.transposed or uneven or set(bank.dilation) != {1}:
        raise ValueError(
            "init must not be 'icnr' unless the layer is transposed, not dilated, and its kernel_size a multiple of its "
            f"strides, got kernel_size {tuple(kernel)}, strides {bank.strides}, dilation {bank.dilation}"
        )
    repeated = [k // s for k, s in zip(kernel, bank.strides, strict=True)]
    return icnr(_normal(sqrt(2 / bank.fan_in), (coarse, fine, *repeated), rng), bank.strides)


_PLAIN: Mapping[str, Callable[[tuple[int, ...], Generator], Values]] = {
    "zeros": lambda shape, rng: np.zeros(shape),
    "ones": lambda shape, rng: np.ones(shape),
    "uniform": lambda shape, rng: _uniform(0.07, shape, rng),
    "normal": lambda shape, rng: _normal(0.01, shape, rng),
}
_FOR_BANKS: Mapping[str, Callable[[Bank, Generator], Values]] = {
    "xavier": _glorot_uniform,
    "glorot_uniform": _glorot_uniform,
    "glorot_normal": _glorot_normal,
    "he": _he_uniform,
    "kaiming": _he_uniform,
    "he_uniform": _he_uniform,
    "kaiming_uniform": _he_uniform,
    "he_normal": _he_normal,
    "kaiming_normal": _he_normal,
    "bilinear": _bilinear,
    "icnr": _icnr,
}
BIAS_NAMES = tuple(_PLAIN)
WEIGHT_NAMES = (*_PLAIN, *_FOR_BANKS)
