"""convt's own functions, with its own arguments, where PyTorch records gradients or transforms what is computed.

The core checks the arguments by its rules, and gives the problem; the operations of `maps.py`, `resampling.py` and
`pooling.py` compute it. `convt.kinds.torch` calls these functions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..core.arguments import as_flag
from ..core.call import CONV, CONV_TRANSPOSE, Operator, Outline
from ..core.constant import unwrapped
from ..core.execution import Gradients
from ..core.layout import Frame
from ..core.memory import host_memory_of
from ..core.sampling import compared, copied, summed
from ..core.windows import Windows, pooled, unpooled
from ..functions.pooling import Pooled
from ..functions.upsampling import UPSAMPLE, UPSAMPLE_BACKWARD
from . import pooling, resampling
from .maps import gather, scatter
from .tensors import as_numpy, as_tensor

__all__ = ["FUNCTIONS"]


def _forward(operator: Operator, x: Tensor, arguments: dict[str, Any]) -> Tensor:
    w, bias = (_tensor(name, arguments.pop(name), x) for name in ("w", "bias"))
    call = operator.checked(tuple(arguments.values()), *map(_outline, (x, w, bias)))
    frame, problem, dtype = call.frame, call.problem, _torch_dtype(call.result)
    operation = scatter if operator is CONV_TRANSPOSE else gather
    size = problem.fine_shape if operator is CONV_TRANSPOSE else problem.coarse_shape
    options = size, problem.stride, problem.padding, problem.dilation, problem.groups
    bias = None if bias is None else bias.to(dtype)
    y = operation(_view(frame, x.to(dtype)), w.to(dtype).permute(frame.layout.kernel), bias, *options)
    return _back(frame, y)


def _backward(operator: Operator, x: Tensor, arguments: dict[str, Any]) -> Gradients[Tensor]:
    w, bias, dy = (_tensor(name, arguments.pop(name), x) for name in ("w", "bias", "dy"))
    needs = arguments.pop("needs")
    call = operator.checked(tuple(arguments.values()), *map(_outline, (x, w, bias, dy)))
    frame, problem, dtype = call.frame, call.problem, _torch_dtype(call.result)
    operation = scatter if operator is CONV_TRANSPOSE else gather
    size = problem.fine_shape if operator is CONV_TRANSPOSE else problem.coarse_shape
    options = size, problem.stride, problem.padding, problem.dilation, problem.groups
    saved = _view(frame, x.to(dtype)), w.to(dtype).permute(frame.layout.kernel)
    wanted = "x" in needs, "w" in needs, "bias" in needs and bias is not None
    dx, dw, dbias = operation.pullback(saved, options, wanted, _view(frame, dy.to(dtype)))
    dw = None if dw is None else dw.permute(frame.layout.kernel_back)
    return Gradients(None if dx is None else _back(frame, dx), dw, dbias)


def _upsample(x: Tensor, arguments: dict[str, Any]) -> Tensor:
    return _resample(UPSAMPLE, resampling.upsample, x, **arguments)


def _upsample_backward(dy: Tensor, arguments: dict[str, Any]) -> Tensor:
    return _resample(UPSAMPLE_BACKWARD, resampling.upsample_backward, dy, **arguments)


def _resample(check: Any, operation: Any, x: Tensor, scale: Any, mode: Any, align_corners: Any, layout: Any) -> Tensor:
    options = scale, mode, layout
    outline = _outline(x)
    call = check.find(options)(options, outline.shape, outline.dtype, as_flag("align_corners", align_corners))
    y = operation(_view(call.frame, x), call.problem.stride, call.mode, call.align_corners)
    return _back(call.frame, y)


def _max_pool(x: Tensor, arguments: dict[str, Any]) -> Pooled[Tensor]:
    if x.is_complex():
        raise TypeError(f"x must hold real numbers, as complex ones have no order, got {x.dtype}")
    call = pooled("x", _outline(x), compared, _windows(arguments, None))
    y, indices = pooling.max_pool(_view(call.frame, x), *_as_options(call))
    return Pooled(_back(call.frame, y), _back(call.frame, indices + _offsets(call)))


def _max_pool_backward(dy: Tensor, arguments: dict[str, Any]) -> Tensor:
    return _at_indices(pooling.max_pool_backward, summed, "dy", dy, arguments)


def _max_unpool(y: Tensor, arguments: dict[str, Any]) -> Tensor:
    return _at_indices(pooling.max_unpool, copied, "y", y, arguments)


def _max_unpool_backward(dy: Tensor, arguments: dict[str, Any]) -> Tensor:
    indices = _tensor("indices", arguments.pop("indices"), dy)
    call = pooled("dy", _outline(dy), copied, _windows(arguments, None))
    return _moved(pooling.max_unpool_backward, call, dy, indices, "the pooled dy", call.shape)


def _at_indices(operation: Any, dtypes: Any, name: str, values: Tensor, arguments: dict[str, Any]) -> Tensor:
    indices = _tensor("indices", arguments.pop("indices"), values)
    call = unpooled(name, _outline(values), dtypes, _windows(arguments, arguments.pop("output_size")))
    return _moved(operation, call, values, indices, name, tuple(values.shape))


def _moved(operation: Any, call: Windows, values: Tensor, indices: Tensor, name: str, shape: tuple[int, ...]) -> Tensor:
    if tuple(indices.shape) != shape:
        raise ValueError(f"indices.shape must equal {name}'s {shape}, got {tuple(indices.shape)}")
    if indices.is_floating_point() or indices.is_complex():
        raise TypeError(f"indices must be integers, got {indices.dtype}")
    places = _view(call.frame, indices).long() - _offsets(call)
    return _back(call.frame, operation(_view(call.frame, values), places, call.problem.fine_shape, *_as_options(call)))


def _windows(arguments: dict[str, Any], output_size: Any) -> tuple[Any, ...]:
    return (*(arguments[name] for name in ("size", "stride", "padding", "indexing", "layout")), output_size)


def _as_options(call: Windows) -> tuple[tuple[int, ...], ...]:
    """Size, stride, and padding before and after, of windows."""
    problem = call.problem
    axes = zip(*(getattr(problem, f"{name}_shape") for name in ("coarse", "fine", "kernel")), problem.stride, strict=True)
    after = (max(0, (c - 1) * s + k - p - f) for (c, f, k, s), p in zip(axes, problem.padding, strict=True))
    return problem.kernel_shape, problem.stride, problem.padding, tuple(after)


def _offsets(call: Windows) -> Any:
    """What an index of the caller's has more than one in its image and channel."""
    if not call.tensor_indices:
        return 0
    images, channels, plane = call.problem.batch, call.problem.fine_channels, prod(call.problem.fine_shape)
    return (torch.arange(images * channels) * plane).view(images, channels, *(1,) * len(call.problem.fine_shape))


def _tensor(name: str, value: Any, x: Tensor) -> Any:
    """An argument as a tensor; x is the first one."""
    if value is None or isinstance(value, Tensor):
        return value
    array = host_memory_of(x).take_in(name, unwrapped(value)[0])
    return as_tensor(np.ascontiguousarray(array) if array.flags.writeable else array.copy())


def _outline(tensor: Tensor | None) -> Any:
    return None if tensor is None else Outline(tuple(tensor.shape), _numpy_dtype(tensor.dtype))


@lru_cache
def _numpy_dtype(dtype: torch.dtype) -> np.dtype[Any]:
    dtype_of_numpy: np.dtype[Any] = as_numpy(torch.empty(0, dtype=dtype)).dtype
    return dtype_of_numpy


@lru_cache
def _torch_dtype(dtype: np.dtype[Any]) -> torch.dtype:
    return as_tensor(np.empty(0, dtype)).dtype


def _view(frame: Frame, tensor: Tensor) -> Tensor:
    """The caller's tensor as (N, C, *spatial)."""
    if frame.rank == frame.axes:
        return tensor[None, None]
    if frame.rank == frame.axes + 1:
        tensor = tensor.unsqueeze(0 if frame.layout.data[0] == 0 else -1)
    return tensor.permute(frame.layout.data)


def _back(frame: Frame, tensor: Tensor) -> Tensor:
    """The opposite."""
    if frame.rank == frame.axes:
        return tensor[0, 0]
    tensor = tensor.permute(frame.layout.data_back)
    return tensor.squeeze(0 if frame.layout.data[0] == 0 else -1) if frame.rank == frame.axes + 1 else tensor


FUNCTIONS: dict[str, Callable[[Tensor, dict[str, Any]], Any]] = {
    "conv_transpose": lambda x, arguments: _forward(CONV_TRANSPOSE, x, arguments),
    "conv": lambda x, arguments: _forward(CONV, x, arguments),
    "conv_transpose_backward": lambda x, arguments: _backward(CONV_TRANSPOSE, x, arguments),
    "conv_backward": lambda x, arguments: _backward(CONV, x, arguments),
    "upsample": _upsample,
    "upsample_backward": _upsample_backward,
    "max_pool": _max_pool,
    "max_pool_backward": _max_pool_backward,
    "max_unpool": _max_unpool,
    "max_unpool_backward": _max_unpool_backward,
}
