"""What is accepted: dask arrays whose sizes are known, and beside them NumPy's or dask arrays."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import dask
import dask.array as da
import numpy as np
from dask.base import tokenize

from ..core.arrays import as_array, check_dtype
from ..core.constant import Filters
from ..core.containers import container_of
from ..selection import BackendRequest, check_request, standing_request

__all__ = ["Array", "Constant", "as_chunked", "as_constant", "as_lazy", "asked_backend"]

Array: TypeAlias = da.Array


class Constant(NamedTuple):
    """An array that every task needs all of.

    Attributes
    ----------
    shape, dtype
    node : dask.delayed.Delayed
        What tasks are given in its place.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    node: Any


def as_lazy(name: str, value: Any) -> Array:
    """Return the argument, which must be a dask array of NumPy arrays with known sizes."""
    if not isinstance(value, da.Array):
        raise TypeError(f"{name} must be a dask array, got {type(value).__name__} (see dask.array.from_array)")
    if any(np.isnan(size) for size in value.shape):
        raise ValueError(
            f"{name} must have chunks of known sizes, got shape {value.shape} (see {name}.compute_chunk_sizes())"
        )
    if type(value._meta) is not np.ndarray:
        raise TypeError(f"{name} must be a dask array of NumPy arrays, got one of {type(value._meta).__name__}")
    check_dtype(name, value.dtype)
    return value


def as_chunked(name: str, value: Any) -> Array:
    """Return the argument, a dask array or NumPy's, as a dask array."""
    if not isinstance(value, da.Array):
        value = da.from_array(_plain(name, value))
    return as_lazy(name, value)


def as_constant(name: str, value: Any) -> Constant:
    """Return the argument, NumPy's, Filters or a dask array of one chunk, as a node of the graph. NumPy's is copied."""
    if isinstance(value, Filters):
        return Constant(value.shape, value.dtype, dask.delayed(value, name=f"filters-{tokenize(value.array)}"))
    if not isinstance(value, da.Array):
        array = _plain(name, value).copy()
        return Constant(array.shape, array.dtype, dask.delayed(array, pure=True))
    array = as_lazy(name, value)
    if array.npartitions != 1:
        raise ValueError(f"{name} must be one chunk, got chunks {array.chunks} (see {name}.rechunk(-1))")
    return Constant(array.shape, array.dtype, array.to_delayed().item())


def asked_backend(backend: BackendRequest) -> Any:
    """Return the backend that is asked for now, as workers know nothing of a ``with`` block around the call."""
    check_request(backend)
    return standing_request() if backend is None else backend


def _plain(name: str, value: Any) -> np.ndarray:
    other = container_of(value)
    if other is not None:
        raise TypeError(
            f"{name} must be a dask array, as the first array is, or a NumPy array, got a {type(value).__name__} of "
            f"{other.name}"
        )
    return as_array(name, value)
