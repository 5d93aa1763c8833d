"""Arrays of JAX in the host's memory: views on the way in; on the way out JAX decides whether to copy.

Without ``jax_enable_x64``, JAX has no types of 64 bits: such results become those of 32.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["accepts", "give", "take"]


def accepts(x: Any) -> bool:
    """Whether it is an array, or a tracer in the place of one."""
    return isinstance(x, jax.Array | jax.core.Tracer)


def take(x: Any) -> np.ndarray:
    """The array as a read-only view, of ml_dtypes' types where NumPy has none."""
    if isinstance(x, jax.core.Tracer):
        raise TypeError(
            f"must have values, got a {type(x).__name__}, which JAX puts in an array's place (within jax.jit, jax.grad and "
            "the like, use convt.jax.conv_transpose and convt.jax.conv; call others outside, or by jax.pure_callback)"
        )
    platforms = {device.platform for device in x.devices()}
    if platforms != {"cpu"}:
        raise TypeError(
            f"must lie in the host's memory or on a device with a backend, got an array on {', '.join(sorted(platforms))} "
            "(jax.device_get(x) copies it)"
        )
    return np.asarray(x)


def give(array: np.ndarray, like: Any) -> Any:
    """The array as one of JAX, on the device of `like` if that is on one alone."""
    given, devices = jnp.asarray(array), like.devices()
    if len(devices) == 1 and given.devices() != devices:
        given = jax.device_put(given, next(iter(devices)))
    if array.dtype.kind in "iu" and given.dtype != array.dtype and array.size:
        most = np.iinfo(given.dtype).max
        if int(array.max()) > most:
            raise ValueError(f"must hold integers of at most {most} without jax_enable_x64, got {array.max()}")
    return given
