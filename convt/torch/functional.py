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
    """As `torch.nn.functional.conv_transpose1d`."""
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
    """As `torch.nn.functional.conv_transpose3d`."""
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
    """As `torch.nn.functional.conv1d`."""
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
    """As `torch.nn.functional.conv2d`."""
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
    """As `torch.nn.functional.conv3d`."""
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
