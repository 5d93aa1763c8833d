"""Rules that several layers share, each written once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.arguments import is_number
from ..core.arrays import as_array

__all__ = ["as_real", "as_rng", "check_gradient", "in_range", "no_forward"]


def as_real(name: str, value: Any) -> NDArray[Any]:
    """The value as an array of real numbers; an array is not copied."""
    array = as_array(name, value)
    if array.dtype.kind == "c":
        raise TypeError(f"{name} must hold real numbers, got {array.dtype} (layers learn real filters)")
    return array


def as_rng(rng: Any) -> np.random.Generator:
    """A source of random numbers: the generator that was given, or a new one from a seed."""
    seed = isinstance(rng, int | np.integer) and not isinstance(rng, bool) and rng >= 0
    if not (seed or rng is None or isinstance(rng, np.random.Generator)):
        raise TypeError(f"rng must be an integer of at least 0, a numpy.random.Generator or None, got {rng!r}")
    return np.random.default_rng(rng)


def in_range(name: str, value: Any, limit: float) -> float:
    """A number of at least 0 and below the limit."""
    if not is_number(value):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not 0 <= value < limit:
        raise ValueError(f"{name} must be at least 0 and {'finite' if limit == np.inf else f'below {limit}'}, got {value!r}")
    return float(value)


def check_gradient(dy: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Raise unless dy has the output's shape."""
    if dy.shape != shape:
        raise ValueError(f"dy.shape must equal the output's {shape}, got {dy.shape}")


def no_forward(layer: Any) -> RuntimeError:
    """The error of a `backward` that no `forward` came before."""
    return RuntimeError(f"backward must follow a forward, got none before it (layer {layer!r})")
