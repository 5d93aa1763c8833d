"""Dask arrays for tests: cut anywhere, computed in this thread."""

from typing import Any

import dask
import dask.array as da
import numpy as np
from strategies import cuts


def integers(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers whose sums and products are exact in any order."""
    return rng.integers(-5, 6, shape).astype("f8")


def cut(draw: Any, array: np.ndarray) -> da.Array:
    """The array in chunks of any sizes."""
    return da.from_array(array, chunks=tuple(each or (0,) for each in draw(cuts(array.shape))))


def computed(*arrays: da.Array | None) -> tuple[Any, ...]:
    """The arrays, whose chunks must be of the sizes and the dtype that they are said to be of."""
    blocks = [[] if array is None else array.to_delayed().ravel().tolist() for array in arrays]
    return tuple(map(_assembled, arrays, dask.compute(*blocks, scheduler="synchronous")))


def _assembled(array: da.Array | None, blocks: list[np.ndarray]) -> np.ndarray | None:
    if array is None:
        return None
    result = np.empty(array.shape, array.dtype)
    for where, block in zip(da.core.slices_from_chunks(array.chunks), blocks, strict=True):
        assert block.shape == result[where].shape
        assert block.dtype == array.dtype
        result[where] = block
    return result
