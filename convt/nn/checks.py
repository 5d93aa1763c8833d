"""Rules that several layers share, each written once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.arguments import is_number
from ..core.containers import as_numbers
from ..core.memory import ContainerMemory, HostMemory, host_memory_of

__all__ = ["as_real", "as_rng", "check_gradient", "in_range", "no_forward", "take_gradient", "take_real"]


def as_real(name: str, value: Any) -> NDArray[Any]:
    """The value as an array of real numbers; an array is not copied, but for bfloat16, which becomes float32."""
    return _real(name, as_numbers(name, value))


def take_real(x: Any) -> tuple[HostMemory, NDArray[Any], Any]:
    """The memory for the results of a layer, its input x as an array of real numbers, and an array of x's kind."""
    memory = host_memory_of(x)
    array = _real("x", memory.take_in("x", x))
    return memory, array, x if isinstance(memory, ContainerMemory) else array


def take_gradient(like: Any, dy: Any) -> tuple[HostMemory, NDArray[Any]]:
    """The memory for the gradient of an input of some kind, and that of the output, of this kind or NumPy's."""
    memory = host_memory_of(like)
    return memory, _real("dy", memory.take_in("dy", dy))


def _real(name: str, array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind == "c":
        raise TypeError(f"{name} must hold real numbers, got {array.dtype} (layers learn real filters)")
    return array


def as_rng(rng: Any) -> np.random.Generator:
    """A source of random numbers: the generator that was given, or a new one from a seed."""
    seed = isinstance(rng, int | np.integer) and not isinstance(rng, bool) and rng >= 0
    if not (seed or rng is None or isinstance(rng, np.random.Generator)):
        raise TypeError(f"rng must be an integer of at least 0, a numpy.random.Generator or None, got {rng!r}")
    try:
        return np.random.default_rng(rng)
    except RuntimeError as error:  # what Python raises where there is no memory for the generator's lock
        raise MemoryError(str(error)) from error


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
