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
    """The arrays, whose chunks must have the sizes and the dtype that they are said to have."""
    results = dask.compute(*arrays, scheduler="synchronous")
    for array, result in zip(arrays, results, strict=True):
        if array is not None:
            assert result.shape == array.shape
            assert result.dtype == array.dtype
            check_chunks(array)
    return results


def check_chunks(array: da.Array) -> None:
    """Raise unless each chunk has the size that the array's says."""
    blocks = array.to_delayed()
    for place, block in zip(np.ndindex(blocks.shape), dask.compute(*blocks.ravel(), scheduler="synchronous"), strict=True):
        assert block.shape == tuple(sizes[at] for sizes, at in zip(array.chunks, place, strict=True))
        assert block.dtype == array.dtype
