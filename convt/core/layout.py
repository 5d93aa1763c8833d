"""Layouts: axis orders as views.

A layout says which axis of the caller's array is which. Everything behind the operators sees (N, C, *spatial) data and
(coarse channels, fine channels // groups, *spatial) kernels; transposing to that order copies nothing.

=========  ======================  =====================================
layout     data                    kernel
=========  ======================  =====================================
``NCHW``   N, C, H, W              coarse, fine // groups, kh, kw
``NHWC``   N, H, W, C              kh, kw, fine // groups, coarse
``HWCN``   H, W, C, N              kh, kw, fine // groups, coarse
=========  ======================  =====================================

and likewise NCW, NWC, WCN (one spatial axis) and NCDHW, NDHWC, DHWCN (three).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["LAYOUTS", "Layout", "layout_for"]

_SPATIAL = {1: "W", 2: "HW", 3: "DHW"}


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
        The axes of (N, C, *spatial), and of (coarse, fine // groups, *spatial), in the caller's order.
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
        # Not cached properties: these hold a lock, before Python 3.12, which a forked child may never get.
        object.__setattr__(self, "identity", self.data == tuple(range(len(self.data))))
        object.__setattr__(self, "data_back", _inverse(self.data))
        object.__setattr__(self, "kernel_back", _inverse(self.kernel))

    def data_view(self, array: Any) -> Any:
        """The caller's data as (N, C, *spatial); a batch axis of 1 is added where there is none."""
        if array.ndim == self.axes + 1:
            array = array[None] if self.data[0] == 0 else array[..., None]
        return array if self.identity else array.transpose(self.data)

    def kernel_view(self, array: Any) -> Any:
        """The caller's kernel as (coarse, fine // groups, *spatial)."""
        return array if self.identity else array.transpose(self.kernel)

    def data_shape(self, shape: tuple[int, ...], *, batched: bool) -> tuple[int, ...]:
        """An (N, C, *spatial) shape in the caller's order, without the batch where the caller has none."""
        ordered = shape if self.identity else tuple(shape[axis] for axis in self.data_back)
        if batched:
            return ordered
        return ordered[1:] if self.data[0] == 0 else ordered[:-1]

    def kernel_words(self, coarse: str, fine: str) -> str:
        """The kernel's shape in words, for messages: "(in, out // groups, kh, kw)"."""
        words = (coarse, f"{fine} // groups", *(f"k{axis.lower()}" for axis in _SPATIAL[self.axes]))
        return f"({', '.join(words[axis] for axis in self.kernel_back)})"


def layout_for(name: Any, axes: int) -> Layout:
    """The layout of that name for 1, 2 or 3 spatial axes; None means channels first."""
    if name is None:
        return _CHANNELS_FIRST[axes]
    try:
        layout = LAYOUTS.get(name)
    except TypeError:
        layout = None
    if layout is None or layout.axes != axes:
        allowed = ", ".join(repr(each.name) for each in LAYOUTS.values() if each.axes == axes)
        raise ValueError(
            f"layout must be one of {allowed} for {axes} spatial {'axis' if axes == 1 else 'axes'}, got {name!r}"
        )
    return layout


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
_CHANNELS_FIRST = {axes: LAYOUTS[f"NC{spatial}"] for axes, spatial in _SPATIAL.items()}
