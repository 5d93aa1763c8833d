"""Layouts and frames: which axis of the caller's arrays is which.

Backends take data as (N, C, *spatial) and kernels as (coarse channels, fine channels // groups, *spatial). A layout says
which axis of the caller's array is which; transposing to the backends' order copies nothing.

=========  ======================  =====================================
layout     data                    kernel
=========  ======================  =====================================
``NCHW``   N, C, H, W              coarse, fine // groups, kh, kw
``NHWC``   N, H, W, C              kh, kw, fine // groups, coarse
``HWCN``   H, W, C, N              kh, kw, fine // groups, coarse
=========  ======================  =====================================

and likewise NCW, NWC, WCN (one spatial axis) and NCDHW, NDHWC, DHWCN (three).

A `Frame` is a layout together with the number of axes that the caller's arrays have. Data without a batch axis, or without
a channel axis too, becomes (N, C, *spatial) by adding axes of length 1. The rank of w gives the number of spatial axes of an
operator. For upsampling and pooling it is given by the first of these that is there: `layout`; the mode ("linear" 1,
"trilinear" 3); the length of a scale or size with one value per axis; else the rank of the array: (W), (H, W), (C, H, W),
(N, C, H, W) and (N, C, D, H, W) have 1, 2, 2, 2 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..hints import did_you_mean

__all__ = ["CHANNELS_FIRST", "LAYOUTS", "Frame", "Layout", "as_layout_name", "frame_of", "layout_for"]

_SPATIAL = {1: "W", 2: "HW", 3: "DHW"}
_USUAL = {1: 1, 2: 2, 3: 2, 4: 2, 5: 3}  # number of spatial axes by the rank of an array, if nothing else gives it


@dataclass(frozen=True)
class Layout:
    """One axis order.

    Attributes
    ----------
    name : str
    axes : int
        Number of spatial axes.
    data : tuple of int
        The caller's axes in the order (N, C, *spatial).
    kernel : tuple of int
        The caller's kernel axes in the order (coarse, fine // groups, *spatial).
    identity : bool
        Whether the caller's order is already (N, C, *spatial).
    data_back, kernel_back : tuple of int
        The inverse permutations: the axes of (N, C, *spatial) and (coarse, fine // groups, *spatial) in the caller's order.
    """

    name: str
    axes: int
    data: tuple[int, ...]
    kernel: tuple[int, ...]
    identity: bool = field(init=False)
    data_back: tuple[int, ...] = field(init=False)
    kernel_back: tuple[int, ...] = field(init=False)

    def __hash__(self) -> int:
        return hash(self.name)

    def __post_init__(self) -> None:
        # Not cached properties: before Python 3.12 they take a lock, which may never be released in a forked child.
        object.__setattr__(self, "identity", self.data == tuple(range(len(self.data))))
        object.__setattr__(self, "data_back", _inverse(self.data))
        object.__setattr__(self, "kernel_back", _inverse(self.kernel))

    def data_view(self, array: Any) -> Any:
        """Return the caller's data as (N, C, *spatial); a missing batch axis is added."""
        if array.ndim == self.axes + 1:
            array = array[None] if self.data[0] == 0 else array[..., None]
        return array if self.identity else array.transpose(self.data)

    def kernel_view(self, array: Any) -> Any:
        """Return the caller's kernel as (coarse, fine // groups, *spatial)."""
        return array if self.identity else array.transpose(self.kernel)

    def split(self, order: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, int, tuple[int, ...]]:
        """Split a shape in the caller's axis order into (first, second, spatial sizes); a missing batch counts as 1."""
        if len(order) > len(shape):
            shape = (*shape, 1) if order[0] == len(shape) else (1, *shape)
        if not self.identity:
            shape = tuple(shape[axis] for axis in order)
        return shape[0], shape[1], shape[2:]

    def data_shape(self, shape: tuple[int, ...], *, batched: bool) -> tuple[int, ...]:
        """Return an (N, C, *spatial) shape in the caller's axis order, without the batch if not `batched`."""
        ordered = shape if self.identity else tuple(shape[axis] for axis in self.data_back)
        if batched:
            return ordered
        return ordered[1:] if self.data[0] == 0 else ordered[:-1]

    def kernel_words(self, coarse: str, fine: str) -> str:
        """Return the kernel's shape in words, for messages: "(in, out // groups, kh, kw)"."""
        words = (coarse, f"{fine} // groups", *(f"k{axis.lower()}" for axis in _SPATIAL[self.axes]))
        return f"({', '.join(words[axis] for axis in self.kernel_back)})"


class Frame(NamedTuple):
    """The axes of a caller's arrays.

    Attributes
    ----------
    layout : Layout
    rank : int
        Number of axes: the spatial ones alone, with channels, or with channels and a batch.
    axes : int
        Number of spatial axes.
    in_order : bool
        Whether the caller's arrays are already (N, C, *spatial).
    """

    layout: Layout
    rank: int
    axes: int
    in_order: bool

    @classmethod
    def of(cls, layout: Layout, rank: int) -> Frame:
        """Return the frame of arrays with `rank` axes in a layout."""
        return cls(layout, rank, layout.axes, layout.identity and rank == layout.axes + 2)

    def view(self, array: Any) -> Any:
        """Return the caller's array as (N, C, *spatial)."""
        if self.in_order:
            return array
        return array[None, None] if self.rank == self.axes else self.layout.data_view(array)

    def kernel_view(self, array: Any) -> Any:
        """Return the caller's filters as (coarse, fine // groups, *spatial)."""
        return array if self.in_order else self.layout.kernel_view(array)

    def shape(self, array_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return an (N, C, *spatial) shape in the caller's axes."""
        if self.in_order:
            return array_shape
        if self.rank == self.axes:
            return array_shape[2:]
        return self.layout.data_shape(array_shape, batched=self.rank == self.axes + 2)

    def split(self, name: str, shape: tuple[int, ...]) -> tuple[int, int, tuple[int, ...]]:
        """Split a shape in the caller's axes into images, channels and spatial sizes; only the images may be 0."""
        images, channels, spatial = 1, 1, shape
        if self.rank > self.axes:
            images, channels, spatial = self.layout.split(self.layout.data, shape)
        if min(channels, *spatial) < 1:
            raise ValueError(
                f"{name} must have at least 1 channel and 1 element along each spatial axis, got {channels} channels and "
                f"{spatial} (only the batch may be empty)"
            )
        return images, channels, spatial


def frame_of(name: str, rank: int, layout: str | None, option: str, sizes: Any, axes: int | None = None) -> Frame:
    """Return the frame of the array `name` of an upsampling or pooling call.

    `sizes`, an int or a tuple, is the value of `option`; `axes` is the number of spatial axes that the mode gives, or None.
    """
    told = "the mode" if axes is not None else f"layout {layout!r}" if layout is not None else option
    if layout is not None:
        axes = LAYOUTS[layout].axes if axes is None else axes
    elif axes is None and isinstance(sizes, tuple):
        axes = len(sizes)
        if not 1 <= axes <= 3:
            raise ValueError(f"{option} must be an integer or have 1 to 3 entries, one per spatial axis, got {axes}")
    elif axes is None:
        if rank not in _USUAL:
            raise ValueError(f"{name} must have 1 to 5 axes, got {rank}")
        axes = _USUAL[rank]
    if not axes <= rank <= axes + 2:
        raise ValueError(
            f"{name} must have from {axes} to {axes + 2} axes, as {told} tells that {axes} are spatial, got {rank}"
        )
    return Frame.of(layout_for(layout, axes), rank)


def as_layout_name(layout: Any) -> str | None:
    """Return the layout argument, which must be the name of a layout or None."""
    if layout is None or (isinstance(layout, str) and layout in LAYOUTS):
        return layout
    likely = did_you_mean(layout, LAYOUTS, _synonyms(2))
    raise ValueError(f"layout must be one of {', '.join(map(repr, LAYOUTS))}, got {layout!r}{likely}")


def layout_for(name: Any, axes: int) -> Layout:
    """Return the layout of that name for 1, 2 or 3 spatial axes; None means channels first."""
    if name is None:
        return CHANNELS_FIRST[axes]
    try:
        layout = LAYOUTS.get(name)
    except TypeError:
        layout = None
    if layout is None or layout.axes != axes:
        allowed = [each.name for each in LAYOUTS.values() if each.axes == axes]
        raise ValueError(
            f"layout must be one of {', '.join(map(repr, allowed))} for {axes} spatial {'axis' if axes == 1 else 'axes'}, "
            f"got {name!r}{did_you_mean(name, allowed, _synonyms(axes))}"
        )
    return layout


def _synonyms(axes: int) -> dict[str, str]:
    """Return layouts by the names that other libraries use, and by those of arrays without a batch."""
    spatial = _SPATIAL[axes]
    first, last = f"NC{spatial}", f"N{spatial}C"
    return {"channels_first": first, "channels_last": last, first[1:].lower(): first, last[1:].lower(): last}


def _inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(order.index(axis) for axis in range(len(order)))


def _layout(order: str, spatial: str) -> Layout:
    axes = len(spatial)
    channels_first = order == f"NC{spatial}"
    kernel = tuple(range(axes + 2)) if channels_first else (axes + 1, axes, *range(axes))
    return Layout(order, axes, tuple(order.index(axis) for axis in f"NC{spatial}"), kernel)


LAYOUTS = {
    order: _layout(order, spatial)
    for spatial in _SPATIAL.values()
    for order in (f"NC{spatial}", f"N{spatial}C", f"{spatial}CN")
}
CHANNELS_FIRST = {axes: LAYOUTS[f"NC{spatial}"] for axes, spatial in _SPATIAL.items()}
