"""Tensors of PyTorch in the host's memory.

They are views of the same memory, and results are new tensors. Where PyTorch records gradients or transforms a program,
`convt.torch` computes the call; what that does not compute is refused, as a gradient would be lost in silence.
Results are of the class that PyTorch's own functions make from `like`: that of a subclass, unless it says otherwise as
``torch.nn.Parameter`` does. Subclasses that take the place of PyTorch's dispatcher may have their numbers anywhere, and are
refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.autograd import forward_ad

from ..core.bfloat16 import BFLOAT16
from ..loading import loading

__all__ = ["accepts", "as_tensor", "call", "give", "put", "take"]

_BRIDGE = "convt.torch tells which functions keep gradients"


def accepts(x: Any) -> bool:
    """Whether it is a tensor."""
    return isinstance(x, torch.Tensor)


def call(function: str, x: torch.Tensor, arguments: dict[str, Any]) -> Any:
    """The result by `convt.torch`, if gradients are recorded or a program is transformed, and it has the function."""
    given = [value for name, value in arguments.items() if name != "out" and isinstance(value, torch.Tensor)]
    if not any(map(_is_recorded, (x, *given))) or not all(map(_is_in_host, (x, *given))):
        return NotImplemented
    with loading:
        from ..torch.calls import FUNCTIONS
    if function not in FUNCTIONS:
        return NotImplemented
    for name in ("out", "backend"):
        if arguments.pop(name, None) is not None:
            raise TypeError(f"{name} must be None where gradients are recorded (see .detach(), torch.no_grad())")
    return FUNCTIONS[function](x, arguments)


def take(x: torch.Tensor) -> np.ndarray:
    """The tensor as a view, or a copy where it is to be conjugated or negated yet."""
    _refuse(x)
    try:
        plain = x.detach().resolve_conj().resolve_neg()
        if plain.dtype is torch.bfloat16:
            return np.asarray(plain.view(torch.int16).numpy()).view(BFLOAT16)
        return np.asarray(plain.numpy())
    except (RuntimeError, TypeError) as error:
        raise TypeError(f"must be a tensor that NumPy can see, got a {type(x).__name__} of {x.dtype} ({error})") from error


def give(array: np.ndarray, like: torch.Tensor) -> torch.Tensor:
    """The array as a tensor, of the class that PyTorch's functions make from `like`."""
    made = as_tensor(array)
    kind = type(like.new_empty(0)) if type(like) is not torch.Tensor else torch.Tensor
    return made if kind is torch.Tensor else made.as_subclass(kind)


def put(array: np.ndarray, out: torch.Tensor) -> None:
    """Copy the array into the tensor, or tell PyTorch that it has changed."""
    if out.is_conj() or out.is_neg():
        out.copy_(as_tensor(array))
    elif not out.is_inference():
        torch.autograd.graph.increment_version(out)


def as_tensor(array: np.ndarray) -> torch.Tensor:
    if array.dtype.kind == "V":
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def _is_recorded(x: torch.Tensor) -> bool:
    return (x.requires_grad and torch.is_grad_enabled()) or _is_transformed(x)


def _is_transformed(x: torch.Tensor) -> bool:
    if torch._C._functorch.is_functorch_wrapped_tensor(x):
        return True
    return forward_ad._current_level >= 0 and forward_ad.unpack_dual(x).tangent is not None


def _is_in_host(x: torch.Tensor) -> bool:
    dense = x.layout is torch.strided and not x.is_nested and not x.is_quantized
    return dense and x.is_cpu and type(x).__torch_dispatch__ is torch.Tensor.__torch_dispatch__


def _refuse(x: torch.Tensor) -> None:
    kind = type(x).__name__
    if x.requires_grad and torch.is_grad_enabled():
        raise TypeError(f"must not require grad, got a {kind} that does (use .detach() or torch.no_grad(); {_BRIDGE})")
    if forward_ad.unpack_dual(x).tangent is not None:
        raise TypeError(f"must not have a tangent, got a {kind} that has (use .detach() in its primal; {_BRIDGE})")
    if type(x).__torch_dispatch__ is not torch.Tensor.__torch_dispatch__:
        raise TypeError(f"must be a plain tensor, got a {kind}, which has a dispatcher of its own")
    if x.device.type != "cpu":
        raise TypeError(
            f"must lie in the host's memory or on a device with a backend, got a {kind} on {x.device} (.cpu() copies it)"
        )
    if x.layout is not torch.strided or x.is_nested or x.is_quantized:
        raise TypeError(
            f"must be a dense tensor of numbers, got a {kind} of {x.layout}, {x.dtype} (see .to_dense(), .dequantize())"
        )
    if torch._C._functorch.is_functorch_wrapped_tensor(x):
        raise TypeError(f"must not be one that torch.func or torch.vmap has put in a tensor's place, got one ({_BRIDGE})")
