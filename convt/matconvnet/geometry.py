"""The rules on sizes, in MatConvNet's words, and the options that a call passes to the core.

The core is given every array transposed: x (H x W x D x N) as (N, D, W, H), f as (FD, K, FW, FH) for ``vl_nnconvt`` and as
(K, FC, FW, FH) for ``vl_nnconv``. Arrays in Fortran order are C-contiguous then, and need no copy. The spatial axes are in
the order (x, y), and so are the core's options.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from .options import ConvOptions, ConvTransposeOptions, Pair, Sides
from .tensors import Tensors

__all__ = ["Geometry", "conv_geometry", "conv_transpose_geometry", "identity_filters"]


@dataclass(frozen=True)
class Geometry:
    """The sizes of a call that has been checked.

    Attributes
    ----------
    y_shape : tuple of int
        (YH, YW, output channels, N).
    operator_options : tuple
        The core's options, in the order in which its operator takes them, with axes in the order (x, y).
    """

    y_shape: tuple[int, int, int, int]
    operator_options: tuple[Any, ...]


def conv_transpose_geometry(arrays: Tensors, options: ConvTransposeOptions) -> Geometry:
    """Check the sizes of ``vl_nnconvt``: ``YH = UPY * (H - 1) + FH - TOP - BOTTOM``, and likewise YW."""
    height, width, channels, images = _x_shape(arrays)
    if not prod(arrays.f):
        raise ValueError(f"f must not be empty (only vl_nnconv does without filters), got shape {arrays.f}")
    filter_height, filter_width, filters, depth = arrays.f
    if depth % options.num_groups:
        raise ValueError(
            f"num_groups must divide f's depth, f.shape[3] = {depth}, got {options.num_groups}"
            f"{_unsqueezed(arrays, channels)}"
        )
    if depth != channels:
        raise ValueError(
            f"f.shape[3] must equal x's {channels} channels, got {depth} (f is FH x FW x K x D, with groups too; is it "
            f"vl_nnconv's?){_unsqueezed(arrays, channels)}"
        )
    up_y, up_x = options.upsample
    top, bottom, left, right = options.crop
    full_height = up_y * (height - 1) + filter_height
    full_width = up_x * (width - 1) + filter_width
    y_height, y_width = full_height - top - bottom, full_width - left - right
    if min(y_height, y_width) < 1:
        raise ValueError(
            f"crop must leave at least one row and one column of the {full_height} x {full_width} output, got {options.crop}"
        )
    geometry = Geometry(
        (y_height, y_width, filters * options.num_groups, images),
        (None, _x_first(options.upsample), _sides(options.crop), 0, None, 1, options.num_groups),
    )
    _check_b_and_dzdy(arrays, geometry.y_shape)
    return geometry


def _unsqueezed(arrays: Tensors, channels: int) -> str:
    """Return the likely fix if K = 1 has been squeezed away, as some readers of .mat files do, so that D is in its place."""
    height, width, filters, depth = arrays.f
    if depth != 1 or filters != channels:
        return ""
    return f"; if f has been squeezed, pass f.reshape({height}, {width}, 1, {filters})"


def conv_geometry(arrays: Tensors, options: ConvOptions) -> Geometry:
    """Check those of ``vl_nnconv``: ``YH = floor((H + TOP + BOTTOM - DILATEY * (FH - 1) - 1) / STRIDEY) + 1``."""
    height, width, channels, images = _x_shape(arrays)
    filter_height, filter_width, depth, filters = arrays.f
    if channels % depth:
        raise ValueError(
            f"f.shape[2] must divide x's {channels} channels, got {depth} (f is FH x FW x FC x K; is it vl_nnconvt's?)"
        )
    groups = channels // depth
    if filters % groups:
        raise ValueError(
            f"f.shape[3] must be a multiple of the {groups} groups (x's {channels} channels over f.shape[2] = {depth}), "
            f"got {filters}"
        )
    top, bottom, left, right = options.pad
    dilate_y, dilate_x = options.dilate
    room = height + top + bottom, width + left + right
    reach = dilate_y * (filter_height - 1) + 1, dilate_x * (filter_width - 1) + 1
    if reach[0] > room[0] or reach[1] > room[1]:
        raise ValueError(
            f"f must fit into the padded x, {room[0]} x {room[1]}, got {reach[0]} x {reach[1]} with dilation (enlarge pad?)"
        )
    y_height, y_width = ((space - need) // step + 1 for space, need, step in zip(room, reach, options.stride, strict=True))
    geometry = Geometry(
        (y_height, y_width, filters, images),
        (None, _x_first(options.stride), _sides(options.pad), _x_first(options.dilate), groups),
    )
    _check_b_and_dzdy(arrays, geometry.y_shape)
    return geometry


def identity_filters(given: Tensors, options: ConvOptions) -> Tensors:
    """Replace empty filters by one filter per channel, of a single pixel with value 1; each channel is a group."""
    if options.dilate != (1, 1):
        raise ValueError(f"dilate must be 1 without filters, got {options.dilate}")
    return given._replace(f=(1, 1, 1, given.x[2]))


def _x_shape(arrays: Tensors) -> tuple[int, ...]:
    shape = arrays.x
    if min(shape[:3]) < 1:
        raise ValueError(f"x must have a row, a column and a channel at least (only the batch may be empty), got {shape}")
    return shape


def _check_b_and_dzdy(arrays: Tensors, y_shape: tuple[int, ...]) -> None:
    if prod(arrays.b) not in (0, y_shape[2]):
        raise ValueError(
            f"b must have an element for each of the {y_shape[2]} output channels, or none, got {prod(arrays.b)}"
        )
    if arrays.dzdy is not None and arrays.dzdy != y_shape:
        fix = "" if prod(arrays.dzdy) else " (leave it out for the forward pass)"
        raise ValueError(f"dzdy.shape must equal y's {y_shape}, got {arrays.dzdy}{fix}")


def _x_first(pair: Pair) -> Pair:
    return pair[1], pair[0]


def _sides(sides: Sides) -> tuple[Pair, Pair]:
    top, bottom, left, right = sides
    return (left, right), (top, bottom)
