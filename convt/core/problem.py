"""Problem: the shapes and options of one call, and every rule about them.

There is one geometry rule, per spatial axis::

    fine_index = coarse_index * stride - padding + tap * dilation

`conv_transpose_problem` and `conv_problem` make a `Problem` from shapes and options, or raise an error. A `Problem` is
hashable, so that backends can keep a plan for it. Read `arguments.py` for the forms that options may take, `layout.py` for
axis orders, `convt/backend.py` for what a backend does with a `Problem`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any, NoReturn

import numpy as np

from .arguments import BYTES_LIMIT, ELEMENTS_LIMIT, Padding, Sizes, per_axis, per_axis_pairs
from .layout import CHANNELS_FIRST, Layout
from .likely import likely_fix

__all__ = ["Problem", "check_elements", "conv_problem", "conv_transpose_problem", "inside"]

_INDEX_LIMIT = 2**62  # for each term of the geometry rule, so that their sum fits into an int64
_PADDING_LIMIT = 2**60
_DOUBLE = np.dtype(np.float64)


@dataclass(frozen=True)
class Problem:
    """The shapes and options of one of the three maps; every size is explicit.

    Attributes
    ----------
    batch, groups : int
        Number of images, and of independent groups of channels.
    fine_channels, coarse_channels : int
        Number of channels in all groups together.
    fine_shape, coarse_shape, kernel_shape : tuple of int
        Spatial sizes, in elements; 1 to 3 axes.
    stride, dilation : tuple of int
        In fine elements, per axis.
    padding : tuple of int
        Elements in front of the fine array, per axis: scatter drops them, gather reads them as zeros. If negative, the
        fine array begins so many elements earlier. The padding behind its end follows from the two shapes.
    dtype : numpy.dtype
        The dtype of all arrays of the problem: float32 or float64.
    """

    batch: int
    groups: int
    fine_channels: int
    coarse_channels: int
    fine_shape: tuple[int, ...]
    coarse_shape: tuple[int, ...]
    kernel_shape: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    dtype: np.dtype

    def __post_init__(self) -> None:
        sizes = (self.batch, self.fine_channels, self.coarse_channels, self.fine_shape, self.kernel_shape, self.padding)
        object.__setattr__(self, "_hash", hash(sizes))  # kept, as every call looks up several caches by its problem

    def __hash__(self) -> int:
        kept: int = vars(self)["_hash"]
        return kept

    @property
    def fine_array_shape(self) -> tuple[int, ...]:
        """(batch, fine_channels, *fine_shape)."""
        return (self.batch, self.fine_channels, *self.fine_shape)

    @property
    def coarse_array_shape(self) -> tuple[int, ...]:
        """(batch, coarse_channels, *coarse_shape)."""
        return (self.batch, self.coarse_channels, *self.coarse_shape)

    @property
    def kernel_array_shape(self) -> tuple[int, ...]:
        """(coarse_channels, fine_channels // groups, *kernel_shape)."""
        return (self.coarse_channels, self.fine_channels // self.groups, *self.kernel_shape)


def conv_transpose_problem(
    x_shape: tuple[int, ...],
    w_shape: tuple[int, ...],
    *,
    stride: Sizes = 1,
    padding: Padding = 0,
    output_padding: Sizes = 0,
    output_size: Sizes | None = None,
    dilation: Sizes = 1,
    groups: int = 1,
    layout: Layout | None = None,
    dtype: np.dtype = _DOUBLE,
) -> Problem:
    """Return the problem of `conv_transpose`: x is coarse, y is fine. Without a layout, arrays are (N, C, *spatial).

    Per spatial axis::

        fine = (coarse - 1) * stride + (kernel - 1) * dilation + 1 - before - after + output_padding
    """
    layout = layout or CHANNELS_FIRST[len(w_shape) - 2]
    batch, channels, coarse = layout.split(layout.data, x_shape)
    w_coarse, w_fine, kernel = layout.split(layout.kernel, w_shape)
    strides, dilations = _strides_and_dilations(stride, dilation, layout.axes)
    _check_sizes(batch, channels, coarse, w_coarse, w_fine, kernel)
    if w_coarse != channels:
        likely = (
            "did you pass conv's w?"
            if w_fine * groups == channels
            else likely_fix(layout, x_shape, w_shape, lambda own, coarse, _fine: coarse == own, ("in", "out"))
        )
        raise ValueError(
            f"w.shape[{layout.kernel[0]}] must equal x's {channels} channels, got {w_coarse} (conv_transpose takes w as "
            f"{layout.kernel_words('in', 'out')}{'; ' * bool(likely)}{likely})"
        )
    _check_groups(groups, "x", channels)
    extra = per_axis("output_padding", output_padding, layout.axes, least=0)
    full = tuple(map(_full, coarse, strides, kernel, dilations))
    _check_indices(full, strides, dilations)
    wanted = None if output_size is None else per_axis("output_size", output_size, layout.axes, least=1)
    if wanted is not None and any(extra):
        raise ValueError(f"output_padding must be 0 when output_size is given, got {output_padding}")

    if padding in ("same", "same_lower"):
        if any(extra):
            raise ValueError(f"output_padding must be 0 with padding={padding!r}, got {output_padding}")
        if wanted is None:
            wanted = tuple(c * s for c, s in zip(coarse, strides, strict=True))
        least = tuple((c - 1) * s + 1 for c, s in zip(coarse, strides, strict=True))
        most = tuple(c * s for c, s in zip(coarse, strides, strict=True))
        _check_reachable(wanted, least, most)
        fine = wanted
        before = tuple(_same(f, e, padding)[0] for f, e in zip(fine, full, strict=True))
    else:
        pairs = per_axis_pairs(padding, layout.axes)
        _check_padding(pairs)
        before, after = zip(*pairs, strict=True)
        if any(extra):
            _check_extra(extra, strides, dilations)
        fine = tuple(map(_cropped, full, before, after, extra))
        most = fine
        if wanted is not None:
            most = tuple(f + max(s, d) - 1 for f, s, d in zip(fine, strides, dilations, strict=True))
        if min(most) < 1:
            _refuse_to_crop(most, pairs)
        if wanted is not None:
            _check_reachable(wanted, fine, most)
            fine = wanted
    sizes = (fine, coarse, kernel, strides, before, dilations)
    return _known(Problem(batch, groups, w_fine * groups, channels, *sizes, dtype))


def conv_problem(
    x_shape: tuple[int, ...],
    w_shape: tuple[int, ...],
    *,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    groups: int = 1,
    layout: Layout | None = None,
    dtype: np.dtype = _DOUBLE,
) -> Problem:
    """Return the problem of `conv`: x is fine, y is coarse. Without a layout, arrays are (N, C, *spatial).

    Per spatial axis::

        coarse = (fine + before + after - (kernel - 1) * dilation - 1) // stride + 1
    """
    layout = layout or CHANNELS_FIRST[len(w_shape) - 2]
    batch, channels, fine = layout.split(layout.data, x_shape)
    w_coarse, w_fine, kernel = layout.split(layout.kernel, w_shape)
    strides, dilations = _strides_and_dilations(stride, dilation, layout.axes)
    _check_sizes(batch, channels, fine, w_coarse, w_fine, kernel)
    if w_fine * groups != channels:
        likely = likely_fix(layout, x_shape, w_shape, lambda own, _coarse, fine: fine * groups == own, ("out", "in"))
        _check_groups(groups, "x", channels, f" ({likely})" * bool(likely))
        if w_fine == groups == 1 and w_coarse % channels == 0:
            likely = f"did you mean groups={channels}?"
        elif w_coarse == channels:
            likely = "did you pass conv_transpose's w?"
        raise ValueError(
            f"w.shape[{layout.kernel[1]}] must equal x's {channels} channels // groups ({channels // groups}), got {w_fine} "
            f"(conv takes w as {layout.kernel_words('out', 'in')}{'; ' * bool(likely)}{likely})"
        )
    _check_groups(groups, "w", w_coarse)
    reach = tuple(map(_reach, kernel, dilations))
    _check_indices(reach, strides, dilations)
    if padding in ("same", "same_lower"):
        coarse = tuple(-(-f // s) for f, s in zip(fine, strides, strict=True))
        full = tuple((c - 1) * s + r for c, s, r in zip(coarse, strides, reach, strict=True))
        pairs = tuple(_same(f, e, padding) for f, e in zip(fine, full, strict=True))
    else:
        pairs = per_axis_pairs(padding, layout.axes)
        _check_padding(pairs)
        padded = tuple(map(_padded, fine, pairs))
        _check_indices(padded, strides, dilations)
        coarse = tuple(map(_steps, padded, reach, strides))
        if min(coarse) < 1:
            _refuse_to_fit(fine, pairs, padded, reach)
    before, _after = zip(*pairs, strict=True)
    sizes = (fine, coarse, kernel, strides, before, dilations)
    return _known(Problem(batch, groups, channels, w_coarse, *sizes, dtype))


def check_elements(images: int, channels: int, spatial: Iterable[int], **arguments: Any) -> None:
    """Raise for a result that no machine can hold; the message names `arguments` as what makes it so large."""
    if prod(spatial) * channels * max(images, 1) >= ELEMENTS_LIMIT:
        values = " and ".join(map(str, arguments.values()))
        raise ValueError(f"{' and '.join(arguments)} must make a result of fewer than 2**58 elements, got {values}")


def inside(problem: Problem, indices: np.ndarray) -> bool:
    """Return whether all indices are flat positions in the spatial axes of the fine array."""
    return not indices.size or int(indices.view(np.uint64).max()) < prod(problem.fine_shape)


def _full(coarse: int, stride: int, kernel: int, dilation: int) -> int:
    """Return the size of the fine array along an axis before padding crops it."""
    return (coarse - 1) * stride + (kernel - 1) * dilation + 1


def _cropped(full: int, before: int, after: int, extra: int) -> int:
    return full - before - after + extra


def _reach(kernel: int, dilation: int) -> int:
    """Return the size of a dilated filter along an axis."""
    return (kernel - 1) * dilation + 1


def _padded(fine: int, pair: tuple[int, int]) -> int:
    return fine + pair[0] + pair[1]


def _steps(padded: int, reach: int, stride: int) -> int:
    """Return the number of positions of a window along an axis; below 1 if it does not fit."""
    return (padded - reach) // stride + 1


def _same(fine: int, full: int, padding: Padding) -> tuple[int, int]:
    """Return the padding that reduces full to fine; "same" puts an odd element at the end, "same_lower" in front."""
    total = max(full - fine, 0)
    before = total // 2 if padding == "same" else total - total // 2
    return before, total - before


def _strides_and_dilations(stride: Sizes, dilation: Sizes, axes: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return per_axis("stride", stride, axes, least=1), per_axis("dilation", dilation, axes, least=1)


def _check_sizes(
    batch: int, channels: int, spatial: tuple[int, ...], w_coarse: int, w_fine: int, kernel: tuple[int, ...]
) -> None:
    if channels < 1 or min(spatial) < 1:
        raise ValueError(
            f"x must have at least 1 channel and 1 element along each spatial axis, got {channels} channels and {spatial} "
            "(only the batch may be empty)"
        )
    if w_coarse < 1 or w_fine < 1 or min(kernel) < 1:
        raise ValueError(
            f"w must have at least 1 element along each axis, got {w_coarse} x {w_fine} channels and spatial size {kernel}"
        )


def _check_groups(groups: int, name: str, channels: int, likely: str = "") -> None:
    if groups < 1:
        raise ValueError(f"groups must be at least 1, got {groups}")
    if channels % groups:
        raise ValueError(
            f"groups must divide {name}'s {channels} {'output ' if name == 'w' else ''}channels, got {groups}{likely}"
        )


def _check_indices(sizes: tuple[int, ...], strides: tuple[int, ...], dilations: tuple[int, ...]) -> None:
    most = max(max(sizes), max(strides), max(dilations))
    if most >= _INDEX_LIMIT:
        raise ValueError(f"stride, dilation and sizes must span fewer than 2**62 elements, got {most}")


def _check_padding(pairs: tuple[tuple[int, int], ...]) -> None:
    for before, after in pairs:
        if not (-_PADDING_LIMIT < before < _PADDING_LIMIT and -_PADDING_LIMIT < after < _PADDING_LIMIT):
            raise ValueError(f"padding must be below 2**60 in magnitude, got {(before, after)}")


def _check_extra(extra: tuple[int, ...], strides: tuple[int, ...], dilations: tuple[int, ...]) -> None:
    for axis, (o, s, d) in enumerate(zip(extra, strides, dilations, strict=True)):
        if o >= max(s, d):
            raise ValueError(
                f"output_padding must be below the stride or the dilation ({max(s, d)} on spatial axis {axis}), got {o}"
            )


def _refuse_to_crop(sizes: tuple[int, ...], pairs: tuple[tuple[int, int], ...]) -> NoReturn:
    axis, size = next((axis, size) for axis, size in enumerate(sizes) if size < 1)
    pair = pairs[axis]
    raise ValueError(
        f"padding must crop less than the {size + sum(pair)} elements of spatial axis {axis}, got {pair}, which leaves "
        f"{size}"
    )


def _refuse_to_fit(
    fine: tuple[int, ...], pairs: tuple[tuple[int, int], ...], padded: tuple[int, ...], reach: tuple[int, ...]
) -> NoReturn:
    axis = next(axis for axis, (size, need) in enumerate(zip(padded, reach, strict=True)) if size < need)
    raise ValueError(
        f"w must fit into x: on spatial axis {axis} the dilated filter spans {reach[axis]} elements, got {padded[axis]} "
        f"(x's {fine[axis]} and padding {pairs[axis]})"
    )


def _check_reachable(wanted: tuple[int, ...], least: tuple[int, ...], most: tuple[int, ...]) -> None:
    for axis, (size, low, high) in enumerate(zip(wanted, least, most, strict=True)):
        if not max(low, 1) <= size <= high:
            allowed = f"{max(low, 1)} to {high}" if high > max(low, 1) else f"{high}"
            raise ValueError(f"output_size must be reachable, {allowed} on spatial axis {axis}, got {size}")


@lru_cache(maxsize=4096)
def _known(problem: Problem) -> Problem:
    """Return the first problem equal to this one, so that caches compare by identity. Its size is checked once."""
    channels = (problem.batch or 1) * problem.fine_channels * problem.coarse_channels
    elements = channels * prod(problem.fine_shape + problem.coarse_shape + problem.kernel_shape)
    if elements * problem.dtype.itemsize >= BYTES_LIMIT:  # otherwise no single array can be too large
        _check_bytes(problem)
    return problem


def _check_bytes(problem: Problem) -> None:
    for shape in (problem.fine_array_shape, problem.coarse_array_shape, problem.kernel_array_shape):
        if prod(filter(None, shape)) * problem.dtype.itemsize >= BYTES_LIMIT:
            raise ValueError(
                f"x, w and the result must each take fewer than 2**62 bytes, got shape {shape} of {problem.dtype}"
            )
