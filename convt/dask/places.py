"""Tasks of pooling: what chunks of maxima and their places are made by, where places are positions in the whole."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..core.arrays import INDEX
from ..core.slabs import Axis, Part, Stretch
from ..functions import pooling as numpys
from .graph import Task

__all__ = ["Collecting", "Geography", "Pooling", "Taken", "Unpooling"]


@dataclass(frozen=True)
class Geography:
    """Where blocks lie in the whole, and how indices count.

    Attributes
    ----------
    order : tuple of int
        For each of the caller's axes, which of (N, C, *spatial) it is.
    fine_shape : tuple of int
        The spatial sizes of the whole fine array.
    channels : int
    first : dict of int to tuple of int
        For the axes of images and channels, where each block begins.
    tensor_indices : bool
    """

    order: tuple[int, ...]
    fine_shape: tuple[int, ...]
    channels: int
    first: dict[int, tuple[int, ...]]
    tensor_indices: bool

    def spatial_shape(self, array: np.ndarray) -> tuple[int, ...]:
        """The spatial sizes of a block."""
        return tuple(size for size, each in zip(array.shape, self.order, strict=True) if each > 1)

    def moved(self, indices: np.ndarray, fine: tuple[int, ...], origin: tuple[int, ...]) -> np.ndarray:
        """Positions in a part of the fine array, which begins at `origin`, as spatial positions in all of it."""
        at = np.unravel_index(indices, fine)
        return np.ravel_multi_index([each + first for each, first in zip(at, origin, strict=True)], self.fine_shape)

    def planes(self, array: np.ndarray, block_id: tuple[int, ...]) -> np.ndarray | int:
        """What indices that count all of the tensor have in addition, for each element of a block."""
        if not self.tensor_indices:
            return 0
        steps = {0: self.channels * prod(self.fine_shape), 1: prod(self.fine_shape)}
        total: np.ndarray = np.zeros((1,) * array.ndim, INDEX)
        for axis, first in self.first.items():
            along = np.arange(array.shape[axis], dtype=INDEX) + first[block_id[axis]]
            total = total + (along * steps[self.order[axis]]).reshape(
                [-1 if each == axis else 1 for each in range(array.ndim)]
            )
        return total

    def local(self, indices: np.ndarray, covered: list[Stretch], block_id: tuple[int, ...]) -> np.ndarray:
        """Indices as positions in a part of the fine array, which must have them."""
        spatial = indices.astype(INDEX) - self.planes(indices, block_id)
        shape = self.fine_shape
        if spatial.size and not (spatial.min() >= 0 and spatial.max() < prod(shape)):
            wrong = indices[(spatial < 0) | (spatial >= prod(shape))].flat[0]
            raise ValueError(f"indices must be positions in {shape}, got {wrong}")
        at = np.unravel_index(spatial, shape)
        for each, (begin, end) in zip(at, covered, strict=True):
            outside = (each < begin) | (each >= end)
            if outside.any():
                raise ValueError(
                    f"indices must lie in their windows where arrays are cut in chunks, got {indices[outside].flat[0]} near "
                    "those of others (see convt.max_unpool, which takes any, for NumPy arrays)"
                )
        local = [each - begin for each, (begin, _) in zip(at, covered, strict=True)]
        return np.ravel_multi_index(local, tuple(end - begin for begin, end in covered))


@dataclass(frozen=True)
class Pooling(Task):
    """What all tasks of `max_pool` have in common."""

    geography: Geography
    parts: dict[int, tuple[Part, ...]]
    options: dict[str, Any]
    function: str = "max_pool"

    def __call__(self, slab: np.ndarray, block_id: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """The maxima of a block and their indices."""
        parts = [each[block_id[axis]] for axis, each in self.parts.items()]
        y, indices = numpys.max_pool(slab, padding=tuple(part.padding for part in parts), **self.options)
        where = self.geography
        indices = where.moved(indices, where.spatial_shape(slab), tuple(part.x[0] for part in parts))
        return y, indices + where.planes(indices, block_id)


@dataclass(frozen=True)
class Taken(Task):
    """One of the two that `Pooling` makes."""

    place: int
    function: str = "max_pool"

    def __call__(self, both: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        return both[self.place]


@dataclass(frozen=True)
class Unpooling(Task):
    """What all tasks of `max_pool_backward` or `max_unpool` have in common."""

    function: str
    geography: Geography
    axes: tuple[Axis, ...]
    parts: dict[int, tuple[Part, ...]]
    dtype: np.dtype
    options: dict[str, Any]

    def __call__(self, slab: np.ndarray, indices: np.ndarray, block_id: tuple[int, ...]) -> np.ndarray:
        """A block of the result: the part of it that the slab's windows cover, cropped."""
        parts = {axis: each[block_id[axis]] for axis, each in self.parts.items()}
        if any(part.empty for part in parts.values()):
            shape = [parts[axis].y[1] - parts[axis].y[0] if axis in parts else size for axis, size in enumerate(slab.shape)]
            return np.zeros(shape, self.dtype)
        coarse = [part.x for part in parts.values()]
        covered = [axis.fine_of(*each) for axis, each in zip(self.axes, coarse, strict=True)]
        padding = tuple(axis.padding(*pair) for axis, *pair in zip(self.axes, covered, coarse, strict=True))
        sizes = tuple(end - begin for begin, end in covered)
        places = self.geography.local(indices, covered, block_id)
        result = getattr(numpys, self.function)(slab, places, padding=padding, output_size=sizes, **self.options)
        return self._cropped(result, dict(zip(parts, covered, strict=True)), parts)

    def _cropped(self, result: np.ndarray, covered: dict[int, Stretch], parts: dict[int, Part]) -> np.ndarray:
        """The block, of which windows may cover less, or more."""
        where, pad = [slice(None)] * result.ndim, [(0, 0)] * result.ndim
        for axis, (begin, end) in covered.items():
            first, last = parts[axis].y
            where[axis] = slice(max(first, begin) - begin, min(last, end) - begin)
            pad[axis] = (max(0, begin - first), max(0, last - end))
        return np.pad(result[tuple(where)], pad)


@dataclass(frozen=True)
class Collecting(Task):
    """What all tasks of `max_unpool_backward` have in common: the parts of blocks and their neighbours, and what is kept."""

    geography: Geography
    parts: dict[int, tuple[Part, ...]]
    kept: dict[int, tuple[Stretch, ...]]
    options: dict[str, Any]
    function: str = "max_unpool_backward"

    def __call__(self, slab: np.ndarray, indices: np.ndarray, block_id: tuple[int, ...]) -> np.ndarray:
        """A block of the result, whose neighbours tell which of its elements have been overwritten."""
        parts = [each[block_id[axis]] for axis, each in self.parts.items()]
        places = self.geography.local(indices, [part.x for part in parts], block_id)
        result = numpys.max_unpool_backward(slab, places, padding=tuple(part.padding for part in parts), **self.options)
        where = [slice(None)] * result.ndim
        for axis, each in self.kept.items():
            where[axis] = slice(*each[block_id[axis]])
        return np.ascontiguousarray(result[tuple(where)])
