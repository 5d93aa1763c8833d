"""What upsampling and pooling share: which axes of an array are spatial, and how it is seen as (N, C, *spatial).

The number of spatial axes comes from the first of these that tells it: `layout`; the mode ("linear" 1, "trilinear" 3); the
length of a scale or size that is given per axis; else the array: (W), (H, W), (C, H, W), (N, C, H, W) and (N, C, D, H, W)
have 1, 2, 2, 2 and 3. With r spatial axes, an array has r axes (one channel), r + 1 (channels) or r + 2 (a batch too).
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .arguments import Sizes
from .layout import LAYOUTS, Layout, layout_for
from .problem import Problem

__all__ = [
    "CARRIERS",
    "CHANNELS_FIRST",
    "INDEX",
    "Frame",
    "as_layout_name",
    "as_view",
    "check_elements",
    "first_elements",
    "frame_of",
    "nothing",
    "parts",
]

CHANNELS_FIRST = {axes: layout_for(None, axes) for axes in (1, 2, 3)}
CARRIERS: dict[int, np.dtype] = {4: np.dtype(np.float32), 8: np.dtype(np.float64)}  # as these travel values only moved
_MOST_ELEMENTS = 2**58
INDEX = np.dtype(np.int64)
_USUAL = {1: 1, 2: 2, 3: 2, 4: 2, 5: 3}


class Frame(NamedTuple):
    """The axes of a caller's arrays.

    Attributes
    ----------
    layout : Layout
    rank : int
        Axes of the arrays.
    axes : int
        How many of them are spatial.
    in_order : bool
        Whether the caller's arrays are already (N, C, *spatial).
    """

    layout: Layout
    rank: int
    axes: int
    in_order: bool

    def view(self, array: Any) -> Any:
        """The caller's array as (N, C, *spatial)."""
        if self.in_order:
            return array
        return array[None, None] if self.rank == self.axes else self.layout.data_view(array)

    def shape(self, images: int, channels: int, spatial: tuple[int, ...]) -> tuple[int, ...]:
        """A shape as the caller sees it."""
        if self.rank == self.axes:
            return spatial
        return self.layout.data_shape((images, channels, *spatial), batched=self.rank == self.axes + 2)

    def split(self, name: str, shape: tuple[int, ...]) -> tuple[int, int, tuple[int, ...]]:
        """Images, channels and spatial sizes of a caller's shape, none of them empty but the images."""
        rest, order = self.rank - self.axes, self.layout.data
        images = channels = 1
        if rest == 0:
            spatial = list(shape)
        else:
            if rest == 1:
                shape = (1, *shape) if order[0] == 0 else (*shape, 1)
            images, channels, *spatial = (shape[axis] for axis in order)
        if min(channels, *spatial) < 1:
            raise ValueError(
                f"{name} must have at least 1 channel and 1 element along each spatial axis, got {channels} channels and "
                f"{tuple(spatial)} (only the batch may be empty)"
            )
        return images, channels, tuple(spatial)


def frame_of(name: str, rank: int, layout: str | None, option: str, sizes: Sizes, axes: int | None = None) -> Frame:
    """The axes of the array `name`; `sizes` are those of the option of that name, `axes` what the mode tells."""
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
    order = layout_for(layout, axes)
    return Frame(order, rank, axes, order.identity and rank == axes + 2)


def check_elements(images: int, channels: int, spatial: Iterable[int], **arguments: Any) -> None:
    """Refuse a result that no machine can hold; the arguments are those that make it so large."""
    if prod(spatial) * channels * max(images, 1) >= _MOST_ELEMENTS:
        values = " and ".join(map(str, arguments.values()))
        raise ValueError(f"{' and '.join(arguments)} must make a result of fewer than 2**58 elements, got {values}")


def first_elements(problem: Problem) -> np.ndarray:
    """The flat position of the first element of each image's channel in the whole fine tensor."""
    planes = np.arange(problem.batch * problem.fine_channels, dtype=INDEX) * prod(problem.fine_shape)
    firsts: np.ndarray = planes.reshape(problem.batch, problem.fine_channels, *[1] * len(problem.fine_shape))
    return firsts


def as_view(array: Any, dtype: np.dtype) -> Any:
    """The same bytes as numbers of another type of the same size."""
    return array if array.dtype == dtype else array.view(dtype)


def parts(array: Any) -> tuple[Any, ...]:
    """The real and the imaginary part of a complex array; a real one itself."""
    return (array.real, array.imag) if array.dtype.kind == "c" else (array,)


def nothing(result: Any) -> None:
    """What is run for an empty batch."""


def as_layout_name(layout: Any) -> str | None:
    """The name of a layout, or None."""
    if layout is None or (isinstance(layout, str) and layout in LAYOUTS):
        return layout
    raise ValueError(f"layout must be one of {', '.join(map(repr, LAYOUTS))}, got {layout!r}")
