"""The windows of pooling: every rule about size, stride, padding and output size.

`pooled` and `unpooled` apply them to the shape of an array, and keep the result for the next call like it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..hints import did_you_mean
from .arguments import Padding, Sizes, as_padding, as_sizes, per_axis, per_axis_pairs
from .call import Remembered
from .layout import Frame, as_layout_name, frame_of
from .problem import Problem, check_elements, conv_problem, conv_transpose_problem
from .sampling import Dtypes, SamplingCall

__all__ = ["Windows", "pooled", "unpooled"]


@dataclass(eq=False, slots=True)
class Windows(SamplingCall):
    """The windows of one call: they lie in the fine array, and each is one element of the coarse array.

    Attributes
    ----------
    tensor_indices : bool
        Whether the caller's indices count the elements of the whole tensor.
    """

    tensor_indices: bool


class _Options(NamedTuple):
    size: Sizes
    stride: Sizes
    padding: Padding
    indexing: str
    layout: str | None
    output_size: Sizes | None


def pooled(name: str, array: Any, dtypes: Callable[[np.dtype], Dtypes], options: tuple[Any, ...]) -> Windows:
    """Return the windows over the array `name`; options are (size, stride, padding, indexing, layout, None)."""
    return _POOLED.find(options)(options, name, array.shape, array.dtype, dtypes)


def unpooled(name: str, array: Any, dtypes: Callable[[np.dtype], Dtypes], options: tuple[Any, ...]) -> Windows:
    """Return the windows whose maxima the array `name` has the shape of; as in `pooled`, with output_size for None."""
    return _UNPOOLED.find(options)(options, name, array.shape, array.dtype, dtypes)


def _frozen(size: Any, stride: Any, padding: Any, indexing: Any, layout: Any, output_size: Any) -> _Options:
    sizes = as_sizes("size", size)
    strides = sizes if stride is None else as_sizes("stride", stride)
    margin = as_padding(padding)
    if not isinstance(indexing, str) or indexing not in ("spatial", "tensor"):
        likely = did_you_mean(indexing, ("spatial", "tensor"))
        raise ValueError(f"indexing must be 'spatial' or 'tensor', got {indexing!r}{likely}")
    wanted = None if output_size is None else as_sizes("output_size", output_size)
    return _Options(sizes, strides, margin, indexing, as_layout_name(layout), wanted)


def _pooled(
    options: _Options, name: str, shape: tuple[int, ...], dtype: np.dtype, dtypes: Callable[[np.dtype], Dtypes]
) -> Windows:
    """Check windows over an array, as the problem of a convolution of each channel by itself."""
    frame, size, stride = _spread(name, len(shape), options)
    images, channels, fine = frame.split(name, shape)
    padding = options.padding
    if not isinstance(padding, str) or padding == "valid":
        for axis, (pair, window) in enumerate(zip(per_axis_pairs(padding, frame.axes), size, strict=True)):
            if fine[axis] + sum(pair) < window:
                raise ValueError(
                    f"size must fit into {name}: on spatial axis {axis} the window has {window} elements, got "
                    f"{fine[axis] + sum(pair)} ({name}'s {fine[axis]} and padding {pair})"
                )
    types = dtypes(dtype)
    problem = conv_problem(
        (images, channels, *fine),
        (channels, 1, *size),
        stride=stride,
        padding=padding,
        groups=channels,
        dtype=types.problem,
    )
    return _windows(problem, frame, problem.coarse_array_shape, types, options)


def _unpooled(
    options: _Options, name: str, shape: tuple[int, ...], dtype: np.dtype, dtypes: Callable[[np.dtype], Dtypes]
) -> Windows:
    """Check windows by their maxima, as the problem of a transposed convolution of each channel by itself."""
    frame, size, stride = _spread(name, len(shape), options)
    images, channels, coarse = frame.split(name, shape)
    least = ((count - 1) * step + window for count, step, window in zip(coarse, stride, size, strict=True))
    check_elements(images, channels, least, size=size, stride=stride)
    types = dtypes(dtype)
    problem = conv_transpose_problem(
        (images, channels, *coarse),
        (channels, 1, *size),
        stride=stride,
        padding=options.padding,
        output_size=options.output_size,
        groups=channels,
        dtype=types.problem,
    )
    return _windows(problem, frame, problem.fine_array_shape, types, options)


def _spread(name: str, rank: int, options: _Options) -> tuple[Frame, tuple[int, ...], tuple[int, ...]]:
    """Return the frame of an array, and the size and stride of its windows per spatial axis."""
    frame = frame_of(name, rank, options.layout, "size", options.size)
    size = per_axis("size", options.size, frame.axes, least=1)
    for axis, (pair, window) in enumerate(zip(per_axis_pairs(options.padding, frame.axes), size, strict=True)):
        if not 0 <= min(pair) <= max(pair) < window:
            raise ValueError(
                f"padding must be at least 0 and below the size of the windows ({window} on spatial axis {axis}), got {pair}"
            )
    return frame, size, per_axis("stride", options.stride, frame.axes, least=1)


def _windows(problem: Problem, frame: Frame, shape: tuple[int, ...], types: Dtypes, options: _Options) -> Windows:
    return Windows(problem, frame, frame.shape(shape), *types, options.indexing == "tensor")


_POOLED = Remembered(_frozen, _pooled)
_UNPOOLED = Remembered(_frozen, _unpooled)
