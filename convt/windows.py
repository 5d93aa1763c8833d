"""The windows of pooling: the rules about size, stride, padding, output size and indices, each once."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .backend import Backend
from .options import Padding, Sizes, as_padding, as_sizes, per_axis, per_axis_pairs
from .problem import Problem, conv_problem, conv_transpose_problem
from .spatial import CARRIERS, CHANNELS_FIRST, Frame, as_layout_name, frame_of, host_array

__all__ = ["INDEX", "Windows", "first_elements"]

INDEX = np.dtype(np.int64)


class Windows(NamedTuple):
    """The arguments that are no arrays, checked as far as they can be without the array's size.

    Attributes
    ----------
    frame : Frame
    size, stride : tuple of int
    padding : Padding
    whole : bool
        Whether indices count the whole tensor.
    """

    frame: Frame
    size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Padding
    whole: bool

    @classmethod
    def accept(
        cls, name: str, array: np.ndarray, size: Any, stride: Any, padding: Any, indexing: Any, layout: Any
    ) -> Windows:
        sizes = as_sizes("size", size)
        strides = sizes if stride is None else as_sizes("stride", stride)
        margin = as_padding(padding)
        if indexing not in ("spatial", "tensor"):
            raise ValueError(f"indexing must be 'spatial' or 'tensor', got {indexing!r}")
        return _checked(name, array.ndim, sizes, strides, margin, indexing == "tensor", as_layout_name(layout))

    def pooled(self, name: str, images: int, channels: int, fine: tuple[int, ...], compute: np.dtype) -> Problem:
        """The problem from x's size, as that of a convolution of each channel on its own."""
        if not isinstance(self.padding, str) or self.padding == "valid":
            for axis, (pair, window) in enumerate(
                zip(per_axis_pairs(self.padding, self.frame.axes), self.size, strict=True)
            ):
                if fine[axis] + sum(pair) < window:
                    raise ValueError(
                        f"size must fit into {name}: on spatial axis {axis} the window has {window} elements, got "
                        f"{fine[axis] + sum(pair)} ({name}'s {fine[axis]} and padding {pair})"
                    )
        w_shape, layout = (channels, 1, *self.size), CHANNELS_FIRST[self.frame.axes]
        dtype = _problem_type(compute)
        return conv_problem((images, channels, *fine), w_shape, layout, self.stride, self.padding, 1, channels, dtype)

    def unpooled(self, images: int, channels: int, coarse: tuple[int, ...], output_size: Any, compute: np.dtype) -> Problem:
        """The problem from y's size, as that of a transposed convolution of each channel on its own."""
        wanted = None if output_size is None else as_sizes("output_size", output_size)
        x_shape, w_shape, layout = (images, channels, *coarse), (channels, 1, *self.size), CHANNELS_FIRST[self.frame.axes]
        dtype = _problem_type(compute)
        return conv_transpose_problem(x_shape, w_shape, layout, self.stride, self.padding, 0, wanted, 1, channels, dtype)

    def places(self, name: str, indices: Any, shape: tuple[int, ...], problem: Problem, backend: Backend) -> np.ndarray:
        """The indices as (N, C, *spatial) of int64, flat within each image's channel; or an error."""
        array = host_array("indices", indices)
        if array.dtype.kind not in "iu":
            raise TypeError(f"indices must be integers, got {array.dtype}")
        if array.shape != shape:
            raise ValueError(f"indices.shape must equal that of {name}, {shape}, got {array.shape}")
        places: np.ndarray = self.frame.view(array)
        if array.dtype.itemsize == 8:
            places = places.view(INDEX)  # what does not fit becomes negative
        places = places.astype(INDEX, copy=False)
        if self.whole:
            places = places - first_elements(problem)
        inside = getattr(backend, "indices_inside", _inside)
        if not places.size or inside(problem, places):
            return places
        elements = prod(problem.fine_shape)
        at = np.unravel_index(int(((places < 0) | (places >= elements)).argmax()), places.shape)
        first = int(at[0] * problem.fine_channels + at[1]) * elements if self.whole else 0
        raise ValueError(
            f"indices must be from {first} to {first + elements - 1} (positions in {problem.fine_shape}"
            f"{' of their image and channel' if self.whole else ''}), got {self.frame.view(array)[at]}"
        )


def _inside(problem: Problem, places: np.ndarray) -> bool:
    return int(places.view(np.uint64).max()) < prod(problem.fine_shape)


@lru_cache(maxsize=1024)
def _checked(
    name: str, rank: int, sizes: Sizes, strides: Sizes, margin: Padding, whole: bool, layout: str | None
) -> Windows:
    frame = frame_of(name, rank, layout, "size", sizes)
    windows = per_axis("size", sizes, frame.axes, least=1)
    for axis, (pair, window) in enumerate(zip(per_axis_pairs(margin, frame.axes), windows, strict=True)):
        if not 0 <= min(pair) <= max(pair) < window:
            raise ValueError(
                f"padding must be at least 0 and below the size of the windows ({window} on spatial axis {axis}), got {pair}"
            )
    return Windows(frame, windows, per_axis("stride", strides, frame.axes, least=1), margin, whole)


def first_elements(problem: Problem) -> np.ndarray:
    """The flat position of the first element of each image's channel in the whole fine tensor."""
    planes = np.arange(problem.batch * problem.fine_channels, dtype=INDEX) * prod(problem.fine_shape)
    firsts: np.ndarray = planes.reshape(problem.batch, problem.fine_channels, *[1] * len(problem.fine_shape))
    return firsts


def _problem_type(compute: np.dtype) -> np.dtype:
    return CARRIERS[4] if compute in (np.float32, np.complex64) else CARRIERS[8]
