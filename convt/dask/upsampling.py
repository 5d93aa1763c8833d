"""Upsampling and its gradient for dask arrays: a chunk is upsampled with its neighbours' nearest elements, then cropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.arguments import as_flag
from ..core.slabs import Stretch, stretches
from ..functions import upsampling as numpys
from ..selection import BackendRequest
from .arguments import Array, as_lazy, asked_backend
from .chunking import Chunks, chosen, divided, order_of
from .graph import mapped, rechunked, side_by_side

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
    scale, mode, layout
        As in `convt.upsample`.
    align_corners : bool
        As in `convt.upsample`; only where x is not cut along its spatial axes, as each position depends on all of x's size.
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
    cut = _Cut("upsample", call, align_corners, asked_backend(backend))
    cut.check_corners("x", lazy)
    if chunks is not None:
        wanted = chosen(chunks, call.shape, call.frame, whole="")
    else:
        sizes = list(lazy.chunks)
        for axis, step in cut.steps.items():
            sizes[axis] = tuple(size * step for size in lazy.chunks[axis] if size)
        wanted = tuple(sizes)
    parts = {}
    for axis, step in cut.steps.items():
        slabs = [
            (max(0, begin // step - cut.halo), min(lazy.shape[axis], -(-end // step) + cut.halo))
            for begin, end in stretches(wanted[axis], 0)
        ]
        lazy = side_by_side(lazy, axis, slabs)
        parts[axis] = tuple(
            (begin - slab[0] * step, end - slab[0] * step)
            for (begin, end), slab in zip(stretches(wanted[axis], 0), slabs, strict=True)
        )
    return cut.mapped(lazy, wanted, parts)


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
    cut = _Cut("upsample_backward", call, align_corners, asked_backend(backend))
    cut.check_corners("dy", lazy)
    if chunks is not None:
        wanted = chosen(chunks, call.shape, call.frame, whole="")
    else:
        sizes = list(lazy.chunks)
        for axis, step in cut.steps.items():
            sizes[axis] = divided(lazy.chunks[axis], step)
        wanted = tuple(sizes)
    parts = {}
    for axis, step in cut.steps.items():
        wide = [
            (max(0, begin - cut.halo), min(call.shape[axis], end + cut.halo)) for begin, end in stretches(wanted[axis], 0)
        ]
        lazy = side_by_side(lazy, axis, [(begin * step, end * step) for begin, end in wide])
        parts[axis] = tuple(
            (begin - slab[0], end - slab[0]) for (begin, end), slab in zip(stretches(wanted[axis], 0), wide, strict=True)
        )
    return cut.mapped(lazy, wanted, parts)


@dataclass(frozen=True)
class _Task:
    """What all tasks have in common: which function they call, and what they keep of its result, by axis and block."""

    function: str
    kept: dict[int, tuple[Stretch, ...]]
    dtype: np.dtype
    options: dict[str, Any]

    def __call__(self, slab: np.ndarray, block_id: tuple[int, ...]) -> np.ndarray:
        whole = getattr(numpys, self.function)(slab, **self.options)
        where = [slice(None)] * slab.ndim
        for axis, kept in self.kept.items():
            where[axis] = slice(*kept[block_id[axis]])
        return np.ascontiguousarray(whole[tuple(where)], self.dtype)


class _Cut:
    """A call of either function, by the caller's axes."""

    def __init__(self, function: str, call: Any, align_corners: bool, backend: Any) -> None:
        order = order_of(call.frame)
        self.function = function
        self.call = call
        self.steps = {axis: call.problem.stride[each - 2] for axis, each in enumerate(order) if each > 1}
        self.halo = max(call.problem.coarse_shape) if align_corners else int(call.mode == "bilinear")
        self.options = {
            "scale": call.problem.stride,
            "mode": call.mode,
            "align_corners": align_corners,
            "layout": call.frame.layout.name,
            "backend": backend,
        }

    def check_corners(self, name: str, array: Array) -> None:
        """Raise for aligned corners where positions cannot be told from a chunk."""
        if self.call.align_corners and any(len(array.chunks[axis]) > 1 for axis in self.steps):
            raise ValueError(
                f"align_corners must be False where {name} is cut along a spatial axis, got True for chunks {array.chunks} "
                f"(see {name}.rechunk)"
            )

    def mapped(self, slabs: Array, chunks: Chunks, kept: dict[int, tuple[Stretch, ...]]) -> Array:
        """The result, from slabs that are chunks already along the spatial axes."""
        for axis, sizes in enumerate(chunks):
            if axis not in self.steps:
                slabs = rechunked(slabs, axis, sizes)
        task = _Task(self.function, kept, self.call.result, self.options)
        return mapped(task, self.function, chunks, self.call.result, slabs)
