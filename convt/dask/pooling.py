"""Max pooling with indices, its inverse and their gradients for dask arrays. Indices are positions in all of x.

Read `places.py` for what tasks do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.arrays import INDEX
from ..core.indices import check_indices
from ..core.sampling import Dtypes, compared, copied, summed
from ..core.slabs import Part, Stretch, axes_of, grid, stretches
from ..core.windows import Windows, pooled, unpooled
from ..functions.pooling import Pooled
from ..selection import BackendRequest
from .arguments import Array, as_chunked, as_lazy, asked_backend
from .chunking import Chunks, carried, chosen, halo, order_of
from .graph import mapped, rechunked, side_by_side
from .places import Collecting, Geography, Pooling, Taken, Unpooling

if TYPE_CHECKING:
    from ..typing import ArrayLike, ChunksLike, IndexingName, LayoutName, PaddingLike, SizesLike

__all__ = ["max_pool", "max_pool_backward", "max_unpool", "max_unpool_backward"]


def max_pool(
    x: Array,
    size: SizesLike,
    stride: SizesLike | None = None,
    padding: PaddingLike = 0,
    *,
    indexing: IndexingName = "spatial",
    layout: LayoutName | None = None,
    chunks: ChunksLike | None = None,
    backend: BackendRequest = None,
) -> Pooled[Array]:
    """Compute `convt.max_pool` lazily.

    Parameters
    ----------
    x : dask.array.Array
        Of NumPy arrays, with known chunk sizes.
    size, stride, padding, indexing, layout
        As in `convt.max_pool`. Indices are positions in all of x.
    chunks : sequence with one entry for each axis of y, optional
        As in `convt.blocks`, but that channels may be cut. By default those of x, with spatial sizes divided by the stride;
        small ones are merged.
    backend : str, sequence of str or Backend, optional
        As in `convt.dask.conv_transpose`.

    Returns
    -------
    Pooled
        Named tuple (y, indices) of dask arrays; ``dask.compute`` of both reads x once.

    Raises
    ------
    ValueError, TypeError, LookupError
        An argument breaks a rule; the message names it.

    Examples
    --------
    >>> import dask.array as da, convt
    >>> y, indices = convt.max_pool(da.from_array([[1, 2, 6, 3], [3, 5, 2, 1]], chunks=2), 2)
    >>> y.compute(), indices.compute()
    (array([[5, 6]]), array([[5, 2]]))
    """
    lazy = as_lazy("x", x)
    if lazy.dtype.kind == "c":
        raise TypeError(f"x must hold real numbers, as complex ones have no order, got {lazy.dtype}")
    call = pooled("x", lazy, compared, (size, stride, padding, indexing, layout, None))
    cut = _Cut(call, "gather", lazy.chunks, chunks)
    parts = {axis: tuple(each) for axis, each in cut.parts.items()}
    slabs = cut.slabs(lazy, {axis: [part.x for part in each] for axis, each in parts.items()})
    task = Pooling(cut.geography(), parts, cut.options(backend))
    both = mapped(task, cut.chunks, object, slabs)
    y, indices = (mapped(Taken(place), cut.chunks, dtype, both) for place, dtype in enumerate((call.result, INDEX)))
    return Pooled(y, indices)


def max_pool_backward(
    dy: Array,
    indices: ArrayLike,
    size: SizesLike,
    stride: SizesLike | None = None,
    padding: PaddingLike = 0,
    *,
    output_size: SizesLike | None = None,
    indexing: IndexingName = "spatial",
    layout: LayoutName | None = None,
    chunks: ChunksLike | None = None,
    backend: BackendRequest = None,
) -> Array:
    """Compute `convt.max_pool_backward` lazily.

    Parameters
    ----------
    dy : dask.array.Array
        The gradient of a scalar with respect to y, in the shape of y.
    indices : dask.array.Array or array_like of integers
        The indices that `max_pool` returned: each lies in its window.
    size, stride, padding, output_size, indexing, layout, backend
        As in `convt.max_pool_backward`.
    chunks : sequence with one entry for each axis of the result, optional
        As in `max_pool`. By default those of dy, with spatial sizes times the stride.

    Returns
    -------
    dask.array.Array

    Raises
    ------
    ValueError, TypeError, LookupError
        An argument breaks a rule; the message names it. An index outside of its window is found by compute().
    """
    options = (size, stride, padding, indexing, layout, output_size)
    return _at_indices("max_pool_backward", "dy", dy, indices, summed, options, chunks, backend)


def max_unpool(
    y: Array,
    indices: ArrayLike,
    size: SizesLike,
    stride: SizesLike | None = None,
    padding: PaddingLike = 0,
    output_size: SizesLike | None = None,
    *,
    indexing: IndexingName = "spatial",
    layout: LayoutName | None = None,
    chunks: ChunksLike | None = None,
    backend: BackendRequest = None,
) -> Array:
    """Compute `convt.max_unpool` lazily; all is as in `max_pool_backward`.

    Examples
    --------
    >>> import dask.array as da, numpy as np, convt
    >>> y, indices = da.from_array([[5, 6], [7, 8]], chunks=1), np.array([[5, 2], [12, 15]])
    >>> convt.max_unpool(y, indices, 2).compute()
    array([[0, 0, 6, 0],
           [0, 5, 0, 0],
           [0, 0, 0, 0],
           [7, 0, 0, 8]])
    """
    options = (size, stride, padding, indexing, layout, output_size)
    return _at_indices("max_unpool", "y", y, indices, copied, options, chunks, backend)


def max_unpool_backward(
    dy: Array,
    indices: ArrayLike,
    size: SizesLike,
    stride: SizesLike | None = None,
    padding: PaddingLike = 0,
    *,
    indexing: IndexingName = "spatial",
    layout: LayoutName | None = None,
    chunks: ChunksLike | None = None,
    backend: BackendRequest = None,
) -> Array:
    """Compute `convt.max_unpool_backward` lazily.

    Parameters
    ----------
    dy : dask.array.Array
        The gradient of a scalar with respect to what `max_unpool` returned, in its shape.
    indices : dask.array.Array or array_like of integers
        The indices that `max_unpool` was given: each lies in its window.
    size, stride, padding, indexing, layout, backend
        As in `convt.max_unpool_backward`.
    chunks : sequence with one entry for each axis of the result, optional
        As in `max_pool`. By default those of dy, with spatial sizes divided by the stride; small ones are merged.

    Returns
    -------
    dask.array.Array
        In the shape of indices.

    Raises
    ------
    ValueError, TypeError, LookupError
        As in `max_pool_backward`.

    Examples
    --------
    >>> import dask.array as da, convt
    >>> convt.max_unpool_backward(da.arange(1, 9, chunks=4), [1, 2, 5, 7], 2).compute()
    array([2, 3, 6, 8])
    """
    lazy, places = as_lazy("dy", dy), as_chunked("indices", indices)
    call = pooled("dy", lazy, copied, (size, stride, padding, indexing, layout, None))
    check_indices("the pooled dy", call.shape, places)
    cut = _Cut(call, "gather", lazy.chunks, chunks)
    parts, kept = cut.with_neighbours()
    task = Collecting(cut.geography(), parts, kept, cut.options(backend))
    slabs = cut.slabs(lazy, {axis: [part.x for part in each] for axis, each in parts.items()})
    beside = cut.slabs(places, {axis: [part.y for part in each] for axis, each in parts.items()})
    return mapped(task, cut.chunks, call.result, slabs, beside)


def _at_indices(
    function: str,
    name: str,
    values: Any,
    indices: Any,
    dtypes: Callable[[np.dtype], Dtypes],
    options: tuple[Any, ...],
    chunks: Any,
    backend: BackendRequest,
) -> Array:
    lazy, places = as_lazy(name, values), as_chunked("indices", indices)
    call = unpooled(name, lazy, dtypes, options)
    check_indices(name, lazy.shape, places)
    cut = _Cut(call, "scatter", lazy.chunks, chunks)
    parts = {axis: tuple(each) for axis, each in cut.parts.items()}
    stretches_of_x = {axis: [part.x for part in each] for axis, each in parts.items()}
    axes = tuple(axes_of(call.problem))
    task = Unpooling(function, cut.geography(), axes, parts, call.result, cut.options(backend))
    operands = (cut.slabs(array, stretches_of_x) for array in (lazy, places))
    return mapped(task, cut.chunks, call.result, *operands)


class _Cut:
    """A call of pooling, by the caller's axes; y is what `operator_map` makes."""

    def __init__(self, call: Windows, operator_map: str, x_chunks: Chunks, chunks: Any) -> None:
        self.call = call
        self.order = order_of(call.frame)
        self.spatial = [axis for axis, each in enumerate(self.order) if each > 1]
        if chunks is not None:
            self.chunks = chosen(chunks, call.shape, call.frame, whole="")
        else:
            sizes = list(x_chunks)
            for axis, geometry in zip(self.spatial, axes_of(call.problem), strict=True):
                sizes[axis] = carried(sizes[axis], geometry, scatters=operator_map == "scatter")
            self.chunks = tuple(sizes)
        found = grid(call.problem, operator_map, [self.chunks[axis] for axis in self.spatial])
        self.parts = dict(zip(self.spatial, found, strict=True))

    def slabs(self, array: Array, parts: dict[int, list[Stretch]]) -> Array:
        """The array with a chunk for each block of the result."""
        for axis, sizes in enumerate(self.chunks):
            array = side_by_side(array, axis, parts[axis]) if axis in parts else rechunked(array, axis, sizes)
        return array

    def with_neighbours(self) -> tuple[dict[int, tuple[Part, ...]], dict[int, tuple[Stretch, ...]]]:
        """The parts of coarse blocks together with those whose windows overlap theirs, and where in these blocks lie."""
        parts, kept = {}, {}
        for axis, geometry in zip(self.spatial, axes_of(self.call.problem), strict=True):
            beside = halo(geometry, scatters=False)
            blocks = list(stretches(self.chunks[axis], geometry.coarse))
            wide = [(max(0, begin - beside), min(geometry.coarse, end + beside)) for begin, end in blocks]
            fine = [geometry.fine_of(*each) for each in wide]
            parts[axis] = tuple(Part(y, x, geometry.padding(x, y)) for y, x in zip(wide, fine, strict=True))
            kept[axis] = tuple((begin - y[0], end - y[0]) for (begin, end), y in zip(blocks, wide, strict=True))
        return parts, kept

    def geography(self) -> Geography:
        """Where blocks lie."""
        first = {
            axis: tuple(np.cumsum((0, *self.chunks[axis]))[:-1].tolist()) for axis, each in enumerate(self.order) if each < 2
        }
        problem = self.call.problem
        return Geography(self.order, problem.fine_shape, problem.fine_channels, first, self.call.tensor_indices)

    def options(self, backend: BackendRequest) -> dict[str, Any]:
        """The arguments that are alike for all tasks."""
        problem, layout = self.call.problem, self.call.frame.layout.name
        sizes = {"size": problem.kernel_shape, "stride": problem.stride}
        return {**sizes, "layout": layout, "backend": asked_backend(backend)}
