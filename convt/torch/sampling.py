"""Interpolation, max pooling and its inverse with PyTorch's own signatures, computed by convt.

Scales are whole numbers, and dilation is 1; numbers are real and floating. All else is handed on to PyTorch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function

from . import pooling, resampling
from .choice import is_floating, is_written_down, takes
from .geometry import are_positive, per_axis, windows
from .operation import is_plain

__all__ = ["interpolate", "max_pool1d", "max_pool2d", "max_pool3d", "max_unpool1d", "max_unpool2d", "max_unpool3d"]

Sizes = int | Sequence[int]

_AXES = {"nearest": (1, 2, 3), "linear": (1,), "bilinear": (2,), "trilinear": (3,)}
_LINEAR = ("linear", "bilinear", "trilinear")
_POOL = {1: torch.nn.functional.max_pool1d, 2: torch.nn.functional.max_pool2d, 3: torch.nn.functional.max_pool3d}
_UNPOOL = {1: torch.nn.functional.max_unpool1d, 2: torch.nn.functional.max_unpool2d, 3: torch.nn.functional.max_unpool3d}


def interpolate(
    input: Tensor,
    size: Sizes | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """As `torch.nn.functional.interpolate`.

    Parameters
    ----------
    input : Tensor, (N, C, L), (N, C, H, W) or (N, C, D, H, W)
        convt computes float16, bfloat16, float32 and float64, PyTorch other dtypes.
    size : int or sequence of int, optional
        The spatial sizes of the result; this or the scale must be given. convt computes multiples of the input's sizes.
    scale_factor : float or sequence of float, optional
        The result's size for each element of the input; convt computes whole numbers.
    mode : str
        convt computes "nearest", and "linear", "bilinear" or "trilinear", as the input has one, two or three spatial axes.
    align_corners : bool, optional
        Whether the centres of the first and last elements of input and result coincide, instead of their outer borders.
    recompute_scale_factor, antialias : bool
        As in PyTorch, which computes antialiased results itself.

    Returns
    -------
    Tensor, (N, C, *size)

    Raises
    ------
    RuntimeError, TypeError, ValueError, NotImplementedError
        By PyTorch and in its words, since it is given what convt does not compute.

    Examples
    --------
    >>> import torch, convt.torch
    >>> convt.torch.interpolate(torch.tensor([[[1.0, 3.0]]]), scale_factor=2, mode="linear").tolist()
    [[[1.0, 1.5, 2.5, 3.0]]]
    """
    if has_torch_function((input,)):
        given = (input, size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)
        return handle_torch_function(interpolate, (input,), *given)
    scale = None if antialias or not _is_ours(input) else _whole_scale(input, size, scale_factor, mode, align_corners)
    if scale is None:
        return torch.nn.functional.interpolate(
            input, size, scale_factor, mode, align_corners, recompute_scale_factor, antialias
        )
    return resampling.upsample(input, scale, "bilinear" if mode in _LINEAR else mode, bool(align_corners))


def max_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """As `torch.nn.functional.max_pool1d`: `max_pool2d` for an input (N, C, L) or (C, L)."""
    return _max_pool(max_pool1d, 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """As `torch.nn.functional.max_pool2d`. Of several NaNs in a window, the index is that of the first.

    Parameters
    ----------
    input : Tensor, (N, C, H, W) or (C, H, W)
        convt computes float16, bfloat16, float32 and float64, PyTorch other dtypes.
    kernel_size : int or sequence of int
        Size of the windows. Here and below, an int counts for both axes.
    stride : int or sequence of int, optional
        Distance in the input between neighbouring windows; by default their size.
    padding : int or sequence of int
        Number of elements by which windows reach beyond each border, at most half of their size.
    dilation : int or sequence of int
        Distance between neighbours in a window; convt computes 1.
    ceil_mode : bool
        Whether a window that reaches beyond the lower or right border is kept.
    return_indices : bool
        Whether the indices of the maxima are returned too.

    Returns
    -------
    Tensor, (N, C, *size) or (C, *size)
        Each size is ``(input_size + 2 * padding - kernel_size) // stride + 1``, rounded up with ``ceil_mode``. With
        ``return_indices``, a pair: the maxima, and int64 positions in the flattened spatial axes of the input.

    Raises
    ------
    RuntimeError, TypeError, ValueError
        As in `interpolate`.

    Examples
    --------
    >>> import torch, convt.torch
    >>> y, indices = convt.torch.max_pool2d(torch.tensor([[[1.0, 2, 6, 3], [3, 5, 2, 1]]]), 2, return_indices=True)
    >>> y.tolist(), indices.tolist()
    ([[[5.0, 6.0]]], [[[5, 2]]])
    """
    return _max_pool(max_pool2d, 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """As `torch.nn.functional.max_pool3d`: `max_pool2d` for an input (N, C, D, H, W) or (C, D, H, W)."""
    return _max_pool(max_pool3d, 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """As `torch.nn.functional.max_unpool1d`: `max_unpool2d` for an input (N, C, L) or (C, L)."""
    return _max_unpool(max_unpool1d, 1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """As `torch.nn.functional.max_unpool2d`. Of several elements with one index, the last is kept and has a gradient.

    Parameters
    ----------
    input : Tensor, (N, C, H, W) or (C, H, W)
        convt computes float16, bfloat16, float32 and float64, PyTorch other dtypes.
    indices : Tensor of int64
        In the shape of the input: positions in the flattened spatial axes of the result, as `max_pool2d` returns them.
    kernel_size, stride, padding
        Those of `max_pool2d`.
    output_size : sequence of int, optional
        The spatial sizes of the result, or its shape; by default the smallest that the windows can have come from.

    Returns
    -------
    Tensor, (N, C, *size) or (C, *size)
        Zero where no index points. Each size is ``(input_size - 1) * stride - 2 * padding + kernel_size``, or what
        ``output_size`` says.

    Raises
    ------
    RuntimeError, TypeError, ValueError
        As in `interpolate`.

    Examples
    --------
    >>> import torch, convt.torch
    >>> convt.torch.max_unpool2d(torch.tensor([[[5.0, 6.0]]]), torch.tensor([[[5, 2]]]), 2).tolist()
    [[[0.0, 0.0, 6.0, 0.0], [0.0, 5.0, 0.0, 0.0]]]
    """
    return _max_unpool(max_unpool2d, 2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """As `torch.nn.functional.max_unpool3d`: `max_unpool2d` for an input (N, C, D, H, W) or (C, D, H, W)."""
    return _max_unpool(max_unpool3d, 3, input, indices, kernel_size, stride, padding, output_size)


def _max_pool(
    function: Any,
    axes: int,
    input: Tensor,
    size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    options = size, stride, padding, dilation, ceil_mode, return_indices
    if has_torch_function((input,)):
        return handle_torch_function(function, (input,), input, *options)
    found = None
    if _is_ours(input) and axes + 1 <= input.dim() <= axes + 2:
        found = windows(input.shape[-axes:], size, stride, padding, dilation, ceil_mode)
    if found is None or not are_positive(*input.shape[-axes - 1 :]):
        names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
        return _POOL[axes](input, **dict(zip(names, options, strict=True)))
    x = input if input.dim() == axes + 2 else input.unsqueeze(0)
    both = pooling.max_pool(x, *found)
    if x is not input:
        both = tuple(each.squeeze(0) for each in both)
    return tuple(both) if return_indices else both[0]


def _max_unpool(
    function: Any,
    axes: int,
    input: Tensor,
    indices: Tensor,
    size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    output_size: Sequence[int] | None,
) -> Tensor:
    options = size, stride, padding, output_size
    if has_torch_function((input, indices)):
        return handle_torch_function(function, (input, indices), input, indices, *options)
    found = None
    if _is_ours(input) and takes(indices) and indices.dtype is torch.int64 and indices.shape == input.shape:
        found = _unpooled(axes, input, size, stride, padding, output_size)
    if found is None:
        return _UNPOOL[axes](input, indices, size, stride, padding, output_size)
    x, places = (input, indices) if input.dim() == axes + 2 else (input.unsqueeze(0), indices.unsqueeze(0))
    y: Tensor = pooling.max_unpool(x, places, *found)
    return y if x is input else y.squeeze(0)


def _unpooled(
    axes: int, input: Tensor, size: Sizes, stride: Sizes | None, padding: Sizes, output_size: Sequence[int] | None
) -> tuple[tuple[int, ...], ...] | None:
    """The size of the result and the windows; None for what is PyTorch's."""
    given = per_axis(axes, size, stride or size, padding)
    if not axes + 1 <= input.dim() <= axes + 2 or given is None:
        return None
    sizes, steps, edges = given
    coarse = input.shape[-axes:]
    fine = tuple((c - 1) * s + k - 2 * p for c, s, k, p in zip(coarse, steps, sizes, edges, strict=True))
    if output_size is not None:
        fine = tuple(output_size)[-axes:] if len(output_size) in (axes, axes + 2) else ()
    found = windows(fine, sizes, steps, edges, 1, False) if len(fine) == axes and are_positive(*fine) else None
    if found is None:
        return None
    room = (n + b + a - k for n, k, _, b, a in zip(fine, *found, strict=True))
    is_reached = all(r // s + 1 == c for r, s, c in zip(room, steps, coarse, strict=True))
    return (fine, *found) if is_reached and are_positive(*input.shape[-axes - 1 :]) else None


def _whole_scale(input: Tensor, size: Any, scale_factor: Any, mode: str, align_corners: Any) -> tuple[int, ...] | None:
    """The scale per axis; None for what is PyTorch's."""
    axes = input.dim() - 2
    if axes not in _AXES.get(mode, ()) or not are_positive(*input.shape[1:]):
        return None
    if (align_corners is not None and mode == "nearest") or (size is None) == (scale_factor is None):
        return None
    if size is None:
        scales = scale_factor if isinstance(scale_factor, tuple | list) else (scale_factor,) * axes
        if len(scales) != axes or any(not isinstance(scale, int | float) or scale != scale // 1 for scale in scales):
            return None
        whole = tuple(int(scale) for scale in scales)
    else:
        sizes = per_axis(axes, size)
        if sizes is None or any(n % m for n, m in zip(sizes[0], input.shape[2:], strict=True)):
            return None
        whole = tuple(n // m for n, m in zip(sizes[0], input.shape[2:], strict=True))
    return whole if are_positive(*whole) else None


def _is_ours(input: Any) -> bool:
    return (is_plain(input) or (takes(input) and not is_written_down())) and is_floating(input)
