"""Upsampling and its gradient for dask arrays: a chunk is upsampled with its neighbours' nearest elements, then cropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.arguments import as_flag
from ..core.slabs import Stretch, stretches
from ..functions import upsampling as numpys
from ..numpy_backend.upsampling import collect, interpolate, weights
from ..selection import BackendRequest
from .arguments import Array, as_lazy, asked_backend
from .chunking import Chunks, chosen, divided, order_of
from .graph import Task, mapped, rechunked, side_by_side

if TYPE_CHECKING:
    from ..typing import ChunksLike, LayoutName, ModeName, SizesLike

__all__ = ["upsample", "upsample_backward"]


def upsample(
    x: Array,
    scale: SizesLike,
    *,
    mode: ModeName = "nearest",
    align_corners: bool = False,
    layout: LayoutName | None = None,
    chunks: ChunksLike | None = None,
    backend: BackendRequest = None,
) -> Array:
    """Compute `convt.upsample` lazily.

    Parameters
    ----------
    x : dask.array.Array
        Of NumPy arrays, with known chunk sizes.
    scale, mode, align_corners, layout
        As in `convt.upsample`. With aligned corners, NumPy computes.
    chunks : sequence with one entry for each axis of y, optional
        As in `convt.blocks`, but that channels may be cut. By default those of x, with spatial sizes times the scale.
    backend : str, sequence of str or Backend, optional
        As in `convt.dask.conv_transpose`.

    Returns
    -------
    dask.array.Array

    Raises
    ------
    ValueError, TypeError, LookupError
        An argument breaks a rule; the message names it.

    Examples
    --------
    >>> import dask.array as da, convt
    >>> y = convt.upsample(da.arange(6, chunks=3), 2, mode="linear")
    >>> y.chunks, y[4:8].compute().tolist()
    (((6, 6),), [1.75, 2.25, 2.75, 3.25])
    """
    lazy = as_lazy("x", x)
    options = scale, mode, layout
    call = numpys.UPSAMPLE.find(options)(options, lazy.shape, lazy.dtype, as_flag("align_corners", align_corners))
    sizes = list(lazy.chunks)
    for axis, step in _steps(call).items():
        sizes[axis] = tuple(size * step for size in lazy.chunks[axis] if size)
    return _mapped("upsample", lazy, call, tuple(sizes), chunks, backend)


def upsample_backward(
    dy: Array,
    scale: SizesLike,
    *,
    mode: ModeName = "nearest",
    align_corners: bool = False,
    layout: LayoutName | None = None,
    chunks: ChunksLike | None = None,
    backend: BackendRequest = None,
) -> Array:
    """Compute `convt.upsample_backward` lazily.

    Parameters
    ----------
    dy : dask.array.Array
        The gradient of a scalar with respect to y: each spatial size is a multiple of its scale.
    scale, mode, align_corners, layout, backend
        As in `upsample`.
    chunks : sequence with one entry for each axis of the result, optional
        As in `upsample`. By default those of dy, with spatial sizes divided by the scale.

    Returns
    -------
    dask.array.Array

    Raises
    ------
    ValueError, TypeError, LookupError
        An argument breaks a rule; the message names it.
    """
    lazy = as_lazy("dy", dy)
    options = scale, mode, layout
    call = numpys.UPSAMPLE_BACKWARD.find(options)(options, lazy.shape, lazy.dtype, as_flag("align_corners", align_corners))
    sizes = list(lazy.chunks)
    for axis, step in _steps(call).items():
        sizes[axis] = divided(lazy.chunks[axis], step)
    return _mapped("upsample_backward", lazy, call, tuple(sizes), chunks, backend)


class _Along(NamedTuple):
    """The blocks of a result along a spatial axis, their slabs, and what of a slab's own result is kept."""

    blocks: tuple[Stretch, ...]
    slabs: tuple[Stretch, ...]
    kept: tuple[Stretch, ...]


@dataclass(frozen=True)
class _Task(Task):
    """What all tasks have in common: the function that they call on a slab, and how its result is cropped, by axis."""

    function: str
    along: dict[int, _Along]
    dtype: np.dtype
    options: dict[str, Any]

    def __call__(self, slab: np.ndarray, block_id: tuple[int, ...]) -> np.ndarray:
        result = getattr(numpys, self.function)(slab, **self.options)
        where = [slice(None)] * slab.ndim
        for axis, along in self.along.items():
            where[axis] = slice(*along.kept[block_id[axis]])
        return np.ascontiguousarray(result[tuple(where)], self.dtype)


@dataclass(frozen=True)
class _Corners(Task):
    """The same with aligned corners, where positions depend on the whole: by NumPy, with weights of the whole."""

    function: str
    along: dict[int, _Along]
    compute: np.dtype
    dtype: np.dtype
    sizes: dict[int, tuple[int, int]]  # the number of coarse elements in all, and the scale

    def __call__(self, slab: np.ndarray, block_id: tuple[int, ...]) -> np.ndarray:
        array = slab.astype(self.compute, copy=False)
        for axis, along in self.along.items():
            i, k, t = weights(*self.sizes[axis], True)
            first, last = along.slabs[block_id[axis]]
            begin, end = along.blocks[block_id[axis]]
            if self.function == "upsample":
                array = interpolate(array, axis, i[begin:end] - first, k[begin:end] - first, t[begin:end])
            else:  # one element more at either end, for what neighbours get
                i, k, t = i[first:last] - begin + 1, k[first:last] - begin + 1, t[first:last]
                array = collect(array, axis, end - begin + 2, i, k, t).take(range(1, end - begin + 1), axis)
        return np.ascontiguousarray(array, self.dtype)


def _mapped(
    function: str, array: Array, call: Any, carried: Chunks, chunks: ChunksLike | None, backend: BackendRequest
) -> Array:
    """The result, in the chunks that are asked for, or in those that follow from the array's."""
    wanted = carried if chunks is None else chosen(chunks, call.shape, call.frame, whole="")
    aligned = bool(call.align_corners)
    cut = {"upsample": _up, "upsample_backward": _down}[function]
    asked = asked_backend(backend)
    along, sizes = {}, {}
    for axis, step in _steps(call).items():
        blocks = tuple(stretches(wanted[axis], 0))
        size = (array if function == "upsample" else call).shape[axis]
        along[axis] = _aligned(function, blocks, size, step) if aligned else cut(blocks, size, step, call.mode == "bilinear")
        sizes[axis] = size, step
    for axis, chunk in enumerate(wanted):
        array = side_by_side(array, axis, along[axis].slabs) if axis in along else rechunked(array, axis, chunk)
    task: Any = _Corners(function, along, call.compute, call.result, sizes)
    if not aligned:
        layout = call.frame.layout.name
        options = {"scale": call.problem.stride, "mode": call.mode, "layout": layout, "backend": asked}
        task = _Task(function, along, call.result, options)
    return mapped(task, wanted, call.result, array)


def _steps(call: Any) -> dict[int, int]:
    """The scale, by the caller's spatial axis."""
    return {axis: call.problem.stride[each - 2] for axis, each in enumerate(order_of(call.frame)) if each > 1}


def _up(blocks: tuple[Stretch, ...], size: int, step: int, halo: int) -> _Along:
    """For fine blocks; `size` is that of the coarse axis."""
    slabs = tuple((max(0, begin // step - halo), min(size, -(-end // step) + halo)) for begin, end in blocks)
    kept = tuple((begin - first * step, end - first * step) for (begin, end), (first, _) in zip(blocks, slabs, strict=True))
    return _Along(blocks, slabs, kept)


def _down(blocks: tuple[Stretch, ...], size: int, step: int, halo: int) -> _Along:
    """For coarse blocks; `size` is that of the coarse axis."""
    wide = tuple((max(0, begin - halo), min(size, end + halo)) for begin, end in blocks)
    kept = tuple((begin - first, end - first) for (begin, end), (first, _) in zip(blocks, wide, strict=True))
    return _Along(blocks, tuple((first * step, last * step) for first, last in wide), kept)


def _aligned(function: str, blocks: tuple[Stretch, ...], size: int, step: int) -> _Along:
    """For blocks of either kind; nothing is cropped."""
    i, k, _ = weights(size, step, True)
    if function == "upsample":
        slabs = tuple((int(i[begin]), int(k[end - 1]) + 1) for begin, end in blocks)
    else:
        slabs = tuple((int(np.searchsorted(k, begin)), int(np.searchsorted(i, end))) for begin, end in blocks)
    return _Along(blocks, slabs, ())
