"""The windows of pooling: the rules about size, stride, padding, output size and indices, each once.

`pooled` and `unpooled` apply them to an array's shape and keep what they found, as `calls.py` does for the operators.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .arguments import Padding, Sizes, are_keys, as_padding, as_sizes, per_axis, per_axis_pairs
from .memory import type_of
from .problem import Problem, conv_problem, conv_transpose_problem
from .spatial import CARRIERS, CHANNELS_FIRST, Frame, as_layout_name, check_elements, frame_of

if TYPE_CHECKING:
    from ..backend import Backend
    from .homes import Home

__all__ = ["Windows", "inside", "pooled", "unpooled"]


class Windows(NamedTuple):
    """The windows of one call.

    Attributes
    ----------
    frame : Frame
    problem : Problem
        Fine are the elements that the windows choose from, coarse those that they become.
    shape : tuple of int
        Of the result, as the caller sees it.
    whole : bool
        Whether indices count the whole tensor.
    """

    frame: Frame
    problem: Problem
    shape: tuple[int, ...]
    whole: bool

    def places(self, home: Home, backend: Backend, name: str, indices: Any, shape: tuple[int, ...]) -> Any:
        """The indices as (N, C, *spatial) of int64, flat within each image's channel; not checked to lie there."""
        array = home.accept("indices", indices)
        if array.dtype.kind not in "iu":
            raise TypeError(f"indices must be integers, got {type_of(array)}")
        if array.shape != shape:
            raise ValueError(f"indices.shape must equal that of {name}, {shape}, got {array.shape}")
        places = self.frame.view(home.as_int64(array))
        return home.of_planes(backend, self.problem, places) if self.whole else places

    def require_inside(self, places: np.ndarray, indices: Any) -> None:
        """An error if one of the caller's indices, which have become `places`, is no position in the fine array."""
        if not inside(self.problem, places):
            raise self.outside(places, indices)

    def outside(self, places: np.ndarray, indices: Any) -> ValueError:
        """The error about the first of them that is none."""
        elements = prod(self.problem.fine_shape)
        at = np.unravel_index(int(((places < 0) | (places >= elements)).argmax()), places.shape)
        first = int(at[0] * self.problem.fine_channels + at[1]) * elements if self.whole else 0
        return ValueError(
            f"indices must be from {first} to {first + elements - 1} (positions in {self.problem.fine_shape}"
            f"{' of their image and channel' if self.whole else ''}), got {self.frame.view(np.asarray(indices))[at]}"
        )


def inside(problem: Problem, indices: np.ndarray) -> bool:
    """Whether all indices are positions in the fine array."""
    return not indices.size or int(indices.view(np.uint64).max()) < prod(problem.fine_shape)


def pooled(name: str, array: Any, carrier: np.dtype, options: tuple[Any, ...]) -> Windows:
    """The windows over an array of that name; options are size, stride, padding, indexing and layout."""
    return _pooled(name, array.shape, carrier, *(options if are_keys(options) else _frozen(*options)))


def unpooled(name: str, array: Any, carrier: np.dtype, options: tuple[Any, ...], output_size: Any) -> Windows:
    """The windows that have become an array of that name."""
    if not are_keys((*options, output_size)):
        options = _frozen(*options)
        output_size = None if output_size is None else as_sizes("output_size", output_size)
    return _unpooled(name, array.shape, carrier, *options, output_size)


def _frozen(size: Any, stride: Any, padding: Any, indexing: Any, layout: Any) -> tuple[Any, ...]:
    sizes = as_sizes("size", size)
    strides = sizes if stride is None else as_sizes("stride", stride)
    margin = as_padding(padding)
    if not isinstance(indexing, str) or indexing not in ("spatial", "tensor"):
        raise ValueError(f"indexing must be 'spatial' or 'tensor', got {indexing!r}")
    return sizes, strides, margin, indexing, as_layout_name(layout)


class _Options(NamedTuple):
    frame: Frame
    size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Padding
    whole: bool


def _checked(name: str, rank: int, *options: Any) -> _Options:
    """The options, spread over the axes of an array."""
    sizes, strides, margin, indexing, layout = _frozen(*options)
    frame = frame_of(name, rank, layout, "size", sizes)
    windows = per_axis("size", sizes, frame.axes, least=1)
    for axis, (pair, window) in enumerate(zip(per_axis_pairs(margin, frame.axes), windows, strict=True)):
        if not 0 <= min(pair) <= max(pair) < window:
            raise ValueError(
                f"padding must be at least 0 and below the size of the windows ({window} on spatial axis {axis}), got {pair}"
            )
    return _Options(frame, windows, per_axis("stride", strides, frame.axes, least=1), margin, indexing == "tensor")


@lru_cache(maxsize=4096)
def _pooled(name: str, shape: tuple[int, ...], carrier: np.dtype, *options: Any) -> Windows:
    """As the problem of a convolution of each channel on its own."""
    frame, size, stride, padding, whole = _checked(name, len(shape), *options)
    images, channels, fine = frame.split(name, shape)
    if not isinstance(padding, str) or padding == "valid":
        for axis, (pair, window) in enumerate(zip(per_axis_pairs(padding, frame.axes), size, strict=True)):
            if fine[axis] + sum(pair) < window:
                raise ValueError(
                    f"size must fit into {name}: on spatial axis {axis} the window has {window} elements, got "
                    f"{fine[axis] + sum(pair)} ({name}'s {fine[axis]} and padding {pair})"
                )
    x_shape, w_shape, layout = (images, channels, *fine), (channels, 1, *size), CHANNELS_FIRST[frame.axes]
    problem = conv_problem(x_shape, w_shape, layout, stride, padding, 1, channels, _problem_type(carrier))
    return Windows(frame, problem, frame.shape(images, channels, problem.coarse_shape), whole)


@lru_cache(maxsize=4096)
def _unpooled(
    name: str,
    shape: tuple[int, ...],
    carrier: np.dtype,
    size: Any,
    stride: Any,
    padding: Any,
    indexing: Any,
    layout: Any,
    output_size: Sizes | None,
) -> Windows:
    """As the problem of a transposed convolution of each channel on its own."""
    options = _checked(name, len(shape), size, stride, padding, indexing, layout)
    frame = options.frame
    images, channels, coarse = frame.split(name, shape)
    x_shape, w_shape, order = (images, channels, *coarse), (channels, 1, *options.size), CHANNELS_FIRST[frame.axes]
    wanted = None if output_size is None else as_sizes("output_size", output_size)
    least = ((count - 1) * step + window for count, step, window in zip(coarse, options.stride, options.size, strict=True))
    check_elements(images, channels, least, size=options.size, stride=options.stride)
    problem = conv_transpose_problem(
        x_shape, w_shape, order, options.stride, options.padding, 0, wanted, 1, channels, _problem_type(carrier)
    )
    return Windows(frame, problem, frame.shape(images, channels, problem.fine_shape), options.whole)


def _problem_type(compute: np.dtype) -> np.dtype:
    return CARRIERS[4] if compute in (np.float32, np.complex64) else CARRIERS[8]
