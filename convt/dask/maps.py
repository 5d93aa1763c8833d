"""The maps of the operators for dask arrays: what all tasks of a map have in common, and the arrays that tasks are made for.

A data map, scatter or gather, is one call for each chunk of its result. The gradient of w is the sum, in a tree, of what the
chunks of the coarse side give.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.call import Operator, OperatorCall
from ..core.slabs import Part, axes_of, grid
from ..functions import operators as numpys
from .arguments import Array
from .chunking import Chunks, carried, halo, merged, order_of
from .graph import mapped, rechunked, side_by_side, whole

__all__ = ["OperatorMaps"]


@dataclass(frozen=True)
class _Task:
    """What all tasks of a data map, or of a filter gradient, have in common.

    Attributes
    ----------
    function : str
        The function of convt that a task calls.
    parts : dict of int to tuple of Part
        The parts of the map's result, by the caller's spatial axis.
    shape : tuple of int
        The shape of the filters.
    dtype : numpy.dtype
        What a task's result is of.
    options : dict
        Stride, dilation and the other keyword arguments that are alike for all.
    """

    function: str
    parts: dict[int, tuple[Part, ...]]
    shape: tuple[int, ...]
    dtype: np.dtype
    channels: tuple[int, int]  # the axis of channels, and their number in the result
    options: dict[str, Any]

    def at(self, block_id: tuple[int, ...]) -> list[Part]:
        """The parts of a block."""
        return [parts[block_id[axis]] for axis, parts in self.parts.items()]

    def data_map(self, slab: np.ndarray, w: np.ndarray, bias: np.ndarray | None, block_id: tuple[int, ...]) -> np.ndarray:
        """A block of the result from its slab."""
        parts = self.at(block_id)
        if any(part.empty for part in parts):
            return self._unreached(slab, bias, parts)
        padding = tuple(part.padding for part in parts)
        y = self._call()(slab.astype(self.dtype, copy=False), w, bias, padding=padding, **self.options)
        return np.asarray(y, self.dtype)

    def correlate(self, coarse: np.ndarray, fine: np.ndarray, block_id: tuple[int, ...]) -> np.ndarray:
        """What a block of the coarse side adds to the gradient of w, with as many further axes in front as data has."""
        parts = self.at(block_id)
        alike = (1,) * coarse.ndim
        if any(part.empty for part in parts):
            return np.zeros((*alike, *self.shape), self.dtype)
        pair = (coarse, fine) if self.function == "conv_transpose_backward" else (fine, coarse)
        x, dy = (each.astype(self.dtype, copy=False) for each in pair)
        w = np.broadcast_to(np.zeros((), self.dtype), self.shape)  # only its shape is read
        padding = tuple(part.padding for part in parts)
        dw = self._call()(x, w, None, dy, padding=padding, needs=("w",), **self.options).w
        return np.asarray(dw, self.dtype).reshape(*alike, *self.shape)

    def _call(self) -> Callable[..., Any]:
        return getattr(numpys, self.function)  # type: ignore[no-any-return]

    def _unreached(self, slab: np.ndarray, bias: np.ndarray | None, parts: list[Part]) -> np.ndarray:
        axis, count = self.channels
        shape = list(slab.shape)
        shape[axis] = count
        for each, part in zip(self.parts, parts, strict=True):
            shape[each] = part.y[1] - part.y[0]
        y = np.zeros(shape, self.dtype)
        if bias is not None:
            y += bias.astype(self.dtype, copy=False).reshape([count if each == axis else 1 for each in range(slab.ndim)])
        return y


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
        task = _Task(function, parts, (), self.call.result, (self.channels, count), self.options)
        return mapped(task.data_map, function, chunks, self.call.result, slabs, w, bias)

    def correlate(self, coarse: Array, fine: Array, w_shape: tuple[int, ...]) -> Array:
        """The gradient of w, summed over the chunks of the coarse side."""
        sizes = self.merged_chunks(coarse, scatters=False)
        coarse = whole(coarse, self.channels)
        for axis in self.spatial:
            coarse = rechunked(coarse, axis, sizes[axis])
        parts = self.parts("gather", sizes)
        slabs = self.slabs(fine, parts, sizes)
        function = f"{self.operator.name}_backward"
        task = _Task(function, parts, w_shape, self.call.compute, (self.channels, 1), self.options)
        ones = tuple((1,) * len(each) for each in coarse.chunks)
        chunks = (*ones, *((size,) for size in w_shape))
        axes = range(coarse.ndim)
        terms = mapped(
            task.correlate,
            function,
            chunks,
            task.dtype,
            coarse,
            slabs,
            new_axis=range(coarse.ndim, coarse.ndim + len(w_shape)),
        )
        return terms.sum(axis=tuple(axes), dtype=task.dtype).astype(self.call.result)

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
