"""The maps of the operators for dask arrays: what all tasks of a map have in common, and the arrays that tasks are made for.

A data map, scatter or gather, is one call for each chunk of its result. The gradient of w is the sum, in a tree, of what the
chunks of the coarse side give.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.call import Operator, OperatorCall
from ..core.slabs import Part, axes_of, grid
from ..functions import operators as numpys
from .arguments import Array
from .chunking import Chunks, carried, halo, merged, order_of
from .graph import Task, mapped, rechunked, side_by_side, whole

__all__ = ["OperatorMaps"]


@dataclass(frozen=True)
class _Task(Task):
    """What all tasks of a map have in common.

    Attributes
    ----------
    function : str
        The function of convt that a task calls.
    parts : dict of int to tuple of Part
        The parts of the map, block by block, by the caller's spatial axis.
    dtype : numpy.dtype
        What a task computes with, and gives.
    options : dict
        Stride, dilation and the other keyword arguments that are alike for all.
    """

    function: str
    parts: dict[int, tuple[Part, ...]]
    dtype: np.dtype
    options: dict[str, Any]

    def at(self, block_id: tuple[int, ...]) -> list[Part]:
        """The parts of a block."""
        return [parts[block_id[axis]] for axis, parts in self.parts.items()]

    def computed(self, parts: list[Part], *arrays: Any, **options: Any) -> Any:
        """What the function gives with the padding of a block."""
        padding = tuple(part.padding for part in parts)
        return getattr(numpys, self.function)(*arrays, padding=padding, **self.options, **options)


@dataclass(frozen=True)
class _DataMap(_Task):
    """Scatter or gather; `channels` is the axis of channels, `count` their number in the result."""

    channels: int
    count: int

    def __call__(self, slab: np.ndarray, w: np.ndarray, bias: np.ndarray | None, block_id: tuple[int, ...]) -> np.ndarray:
        """A block of the result from its slab."""
        parts = self.at(block_id)
        if any(part.empty for part in parts):
            return self._unreached(slab, bias, parts)
        return np.asarray(self.computed(parts, slab.astype(self.dtype, copy=False), w, bias), self.dtype)

    def _unreached(self, slab: np.ndarray, bias: np.ndarray | None, parts: list[Part]) -> np.ndarray:
        sizes = dict(zip(self.parts, (part.y[1] - part.y[0] for part in parts), strict=True)) | {self.channels: self.count}
        y = np.zeros([sizes.get(axis, size) for axis, size in enumerate(slab.shape)], self.dtype)
        if bias is not None:
            y += bias.astype(self.dtype, copy=False).reshape([-1 if axis == self.channels else 1 for axis in range(y.ndim)])
        return y


@dataclass(frozen=True)
class _Correlate(_Task):
    """The gradient of w."""

    w_shape: tuple[int, ...]

    def __call__(self, coarse: np.ndarray, fine: np.ndarray, block_id: tuple[int, ...]) -> np.ndarray:
        """What a block of the coarse side adds, behind an axis of one element for each axis of the data."""
        parts = self.at(block_id)
        shape = (*(1,) * coarse.ndim, *self.w_shape)
        if any(part.empty for part in parts):
            return np.zeros(shape, self.dtype)
        pair = (coarse, fine) if self.function == "conv_transpose_backward" else (fine, coarse)
        x, dy = (each.astype(self.dtype, copy=False) for each in pair)
        w = np.broadcast_to(np.zeros((), self.dtype), self.w_shape)  # only its shape is read
        return np.asarray(self.computed(parts, x, w, None, dy, needs=("w",)).w, self.dtype).reshape(shape)


class OperatorMaps:
    """A call, and its arrays by the caller's axes."""

    def __init__(self, operator: Operator, call: OperatorCall, layout: Any, backend: Any) -> None:
        self.operator = operator
        self.problem = call.problem
        self.call = call
        self.order = order_of(call.frame)
        self.spatial = [axis for axis, each in enumerate(self.order) if each > 1]
        self.channels = self.order.index(1)
        self.geometry = axes_of(call.problem)
        self.options = {
            "stride": call.problem.stride,
            "dilation": call.problem.dilation,
            "groups": call.problem.groups,
            "layout": layout,
            "backend": backend,
        }

    def parts(self, operator_map: str, chunks: Chunks) -> dict[int, tuple[Part, ...]]:
        """The parts of a result with these chunks, by axis."""
        found = grid(self.problem, operator_map, [chunks[axis] for axis in self.spatial])
        return dict(zip(self.spatial, map(tuple, found), strict=True))

    def data_map(self, operator_map: str, x: Array, w: Any, bias: Any, chunks: Chunks) -> Array:
        """The map, with a result in these chunks; w and bias are nodes of the graph."""
        parts = self.parts(operator_map, chunks)
        slabs = self.slabs(x, parts, chunks)
        function = "conv_transpose" if operator_map == "scatter" else "conv"
        count = chunks[self.channels][0]
        task = _DataMap(function, parts, self.call.result, self.options, self.channels, count)
        return mapped(task, chunks, self.call.result, slabs, w, bias)

    def correlate(self, coarse: Array, fine: Array, w_shape: tuple[int, ...]) -> Array:
        """The gradient of w, summed over the chunks of the coarse side."""
        sizes = self.merged_chunks(coarse, scatters=False)
        coarse = whole(coarse, self.channels)
        for axis in self.spatial:
            coarse = rechunked(coarse, axis, sizes[axis])
        parts = self.parts("gather", sizes)
        slabs = self.slabs(fine, parts, sizes)
        function = f"{self.operator.name}_backward"
        task = _Correlate(function, parts, self.call.compute, self.options, w_shape)
        chunks = (*((1,) * count for count in coarse.numblocks), *((size,) for size in w_shape))
        behind = range(coarse.ndim, coarse.ndim + len(w_shape))
        terms = mapped(task, chunks, task.dtype, coarse, slabs, new_axis=behind)
        return terms.sum(axis=tuple(range(coarse.ndim)), dtype=task.dtype).astype(self.call.result)

    def slabs(self, x: Array, parts: dict[int, tuple[Part, ...]], chunks: Chunks) -> Array:
        """x with a chunk for each block of a result in these chunks."""
        x = whole(x, self.channels)
        for axis, each in enumerate(self.order):
            if each == 0:
                x = rechunked(x, axis, chunks[axis])
            elif each > 1:
                x = side_by_side(x, axis, [part.x for part in parts[axis]])
        return x

    def merged_chunks(self, array: Array, *, scatters: bool) -> Chunks:
        """The chunks of an array, with small ones merged; `scatters` is whether it is the fine side."""
        sizes = [(sum(each),) if axis == self.channels else each for axis, each in enumerate(array.chunks)]
        for axis, geometry in zip(self.spatial, self.geometry, strict=True):
            sizes[axis] = merged(sizes[axis], halo(geometry, scatters=scatters))
        return tuple(sizes)

    def carried_chunks(self, x: Array) -> Chunks:
        """The chunks of y that follow from those of x."""
        sizes = list(x.chunks)
        sizes[self.channels] = (self.call.shape[self.channels],)
        for axis, geometry in zip(self.spatial, self.geometry, strict=True):
            sizes[axis] = carried(sizes[axis], geometry, scatters=self.operator.data_map == "scatter")
        return tuple(sizes)
