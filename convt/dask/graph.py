"""How tasks come about: overlapping slabs of x are laid side by side, chunk beside chunk, and each chunk becomes one of y.

All is made of dask's own slicing, concatenation and `map_blocks`, axis after axis: the graph grows with the number of blocks
alone, and a chunk of x is read once for all blocks that need it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dask.array as da
import numpy as np

from ..core.slabs import Stretch
from .arguments import Array
from .chunking import Chunks

__all__ = ["Task", "mapped", "rechunked", "side_by_side", "whole"]


class Task:
    """What makes a chunk of a result when it is called; dask names the tasks by its function of convt."""

    function: str

    @property
    def __name__(self) -> str:
        """Where dask looks for a name."""
        return f"convt-{self.function}"


def side_by_side(x: Array, axis: int, parts: Sequence[Stretch]) -> Array:
    """x with these stretches of an axis, which may overlap, one after the other, each as one chunk.

    One without elements, which dask would leave out, becomes one of a single element.
    """
    kept = [part if part[0] < part[1] else (0, 1) for part in parts]
    sizes = tuple(end - begin for begin, end in kept)
    if not _follow(kept, x.shape[axis]):
        before = (slice(None),) * axis
        x = da.concatenate([x[(*before, slice(*part))] for part in kept], axis=axis)
    return rechunked(x, axis, sizes)


def rechunked(x: Array, axis: int, sizes: tuple[int, ...]) -> Array:
    """x with chunks of these sizes along an axis."""
    # On a cluster dask might send everything through its disks instead, as if all chunks went to all others.
    return x if x.chunks[axis] == sizes else x.rechunk({axis: sizes}, method="tasks")


def whole(x: Array, axis: int) -> Array:
    """x with all of an axis in one chunk."""
    return rechunked(x, axis, (x.shape[axis],))


def mapped(task: Callable[..., Any], chunks: Chunks, dtype: Any, *operands: Any, **options: Any) -> Array:
    """The array whose chunks a task makes from those of operands, and from what operands without chunks are."""
    meta = np.empty((0,) * len(chunks), dtype)
    return da.map_blocks(task, *operands, chunks=chunks, dtype=meta.dtype, meta=meta, **options)


def _follow(parts: Sequence[Stretch], size: int) -> bool:
    ends = [0, *(end for _, end in parts)]
    return ends[-1] == size and all(begin == end for (begin, _), end in zip(parts, ends, strict=False))
