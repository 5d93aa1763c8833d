"""Convolutions and transposed convolutions with PyTorch's own signatures, computed by convt.

Each function takes what PyTorch's takes and gives what it gives; what convt does not compute it hands on (`choice.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function

from .choice import NUMBERS, as_autocast_wants, is_written_down, takes
from .geometry import Geometry, straight, transposed
from .maps import gather, scatter
from .operation import Operation, is_plain

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "convolve"]

Sizes = int | Sequence[int]

_KEPT = 4096


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """As `torch.nn.functional.conv_transpose1d`: `conv_transpose2d` for an input (N, C, L) or (C, L), a weight of 3 axes."""
    return convolve(conv_transpose1d, input, weight, bias, (stride, padding, output_padding, groups, dilation))


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """As `torch.nn.functional.conv_transpose2d`.

    Parameters
    ----------
    input : Tensor, (N, C, H, W) or (C, H, W)
    weight : Tensor, (C, K // groups, kH, kW)
        In the dtype of the input: float16, bfloat16, float32, float64, complex64 or complex128.
    bias : Tensor, (K,), optional
    stride : int or sequence of int
        Distance in the result between neighbours of the input. Here and below, an int counts for both axes.
    padding : int or sequence of int
        Number of elements that are cut off at each border of the result.
    output_padding : int or sequence of int
        Number of elements that the result has more at its lower and right border; less than the stride or the dilation.
    groups : int
        Number of groups of channels that know nothing of one another; it divides C and K.
    dilation : int or sequence of int
        Distance in the result between neighbouring weights.

    Returns
    -------
    Tensor, (N, K, *size) or (K, *size)
        Each size is ``(input_size - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1``.

    Raises
    ------
    RuntimeError, TypeError, ValueError
        By PyTorch and in its words, since it is given what convt does not compute.

    Examples
    --------
    >>> import torch, convt.torch
    >>> x, w = torch.ones(1, 1, 1, 2), torch.ones(1, 1, 1, 3, requires_grad=True)
    >>> y = convt.torch.conv_transpose2d(x, w, stride=2)
    >>> y.tolist()
    [[[[1.0, 1.0, 2.0, 1.0, 1.0]]]]
    >>> y.sum().backward()
    >>> w.grad.tolist()
    [[[[2.0, 2.0, 2.0]]]]
    """
    return convolve(conv_transpose2d, input, weight, bias, (stride, padding, output_padding, groups, dilation))


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """As `torch.nn.functional.conv_transpose3d`: `conv_transpose2d` for an input (N, C, D, H, W) or (C, D, H, W)."""
    return convolve(conv_transpose3d, input, weight, bias, (stride, padding, output_padding, groups, dilation))


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """As `torch.nn.functional.conv1d`: `conv2d` for an input (N, C, L) or (C, L), a weight of 3 axes."""
    return convolve(conv1d, input, weight, bias, (stride, padding, dilation, groups))


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """As `torch.nn.functional.conv2d`.

    Parameters
    ----------
    input : Tensor, (N, C, H, W) or (C, H, W)
    weight : Tensor, (K, C // groups, kH, kW)
        In the dtype of the input: float16, bfloat16, float32, float64, complex64 or complex128.
    bias : Tensor, (K,), optional
    stride : int or sequence of int
        Distance in the input between neighbours of the result. Here and below, an int counts for both axes.
    padding : int, sequence of int, "valid" or "same"
        Number of zeros around the input at each border; "valid" is none, "same" keeps the size and needs a stride of 1.
    dilation : int or sequence of int
        Distance in the input between neighbouring weights.
    groups : int
        Number of groups of channels that know nothing of one another; it divides C and K.

    Returns
    -------
    Tensor, (N, K, *size) or (K, *size)
        Each size is ``(input_size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1``.

    Raises
    ------
    RuntimeError, TypeError, ValueError
        As in `conv_transpose2d`.

    Examples
    --------
    >>> import torch, convt.torch
    >>> convt.torch.conv2d(torch.arange(5.0).reshape(1, 1, 1, 5), torch.ones(1, 1, 1, 3), stride=2).tolist()
    [[[[3.0, 9.0]]]]
    """
    return convolve(conv2d, input, weight, bias, (stride, padding, dilation, groups))


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """As `torch.nn.functional.conv3d`: `conv2d` for an input (N, C, D, H, W) or (C, D, H, W), a weight of 5 axes."""
    return convolve(conv3d, input, weight, bias, (stride, padding, dilation, groups))


def convolve(
    function: Callable[..., Tensor], input: Any, weight: Any, bias: Any, options: tuple[Any, ...], constant: Any = None
) -> Tensor:
    """Compute one of the functions above.

    Parameters
    ----------
    function : callable
        The function.
    input, weight, bias : Tensor
        Its tensors; the bias may be None.
    options : tuple
        Its other arguments, in its order.
    constant : Filters, optional
        The weight once more, for which backends keep what they make of it; used where only numbers are wanted.
    """
    if has_torch_function((input, weight, bias)):
        given = tuple(tensor for tensor in (input, weight, bias) if tensor is not None)
        return handle_torch_function(function, given, input, weight, bias, *options)
    axes, own, operation, geometry = _ABOUT[function]
    if torch.is_autocast_enabled("cpu"):
        input, weight, bias = as_autocast_wants(input, weight, bias)
        constant = None
    plain = is_plain(input, weight, bias)
    if not (plain or (takes(input, weight, bias) and not is_written_down())):
        return own(input, weight, bias, *options)
    shape = None if bias is None else (bias.shape, bias.dtype)
    find = _kept if plain and list not in map(type, options) else _found
    found = find(geometry, axes, input.shape, input.dtype, weight.shape, weight.dtype, shape, options)
    if found is None:
        return own(input, weight, bias, *options)
    x = input if len(input.shape) == axes + 2 else input.unsqueeze(0)
    if not plain:
        y = operation(x, weight, bias, *found)
    elif constant is not None and not torch.is_grad_enabled():
        y = operation.compute(x, constant, bias, *found)
    else:
        y = operation.plain(x, weight, bias, *found)
    return y if x is input else y.squeeze(0)


def _found(
    geometry: Any,
    axes: int,
    x: tuple[int, ...],
    dtype: torch.dtype,
    w: tuple[int, ...],
    w_dtype: torch.dtype,
    bias: tuple[tuple[int, ...], torch.dtype] | None,
    options: tuple[Any, ...],
) -> Geometry | None:
    """The geometry of a call, from the shapes and dtypes of its tensors; None for what is PyTorch's."""
    if dtype not in NUMBERS or w_dtype is not dtype or len(w) != axes + 2 or not axes + 1 <= len(x) <= axes + 2:
        return None
    found: Geometry | None = geometry(x[-axes - 1 :], w, *options)
    if found is None or bias is None:
        return found
    channels = w[0] if geometry is straight else w[1] * found.groups
    return found if bias[1] is dtype and tuple(bias[0]) == (channels,) else None


_kept = lru_cache(_KEPT)(_found)

_About = tuple[int, Callable[..., Tensor], Operation, Any]

_ABOUT: dict[Callable[..., Tensor], _About] = {
    conv_transpose1d: (1, torch.conv_transpose1d, scatter, transposed),
    conv_transpose2d: (2, torch.conv_transpose2d, scatter, transposed),
    conv_transpose3d: (3, torch.conv_transpose3d, scatter, transposed),
    conv1d: (1, torch.conv1d, gather, straight),
    conv2d: (2, torch.conv2d, gather, straight),
    conv3d: (3, torch.conv3d, gather, straight),
}
