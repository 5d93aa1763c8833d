"""Operation: a computation with its derivatives, as PyTorch's machinery wants to have them.

A call takes one of four roads:

==============  ====================================================================================================
computed        only numbers are wanted: `compute`, at once
recorded        autograd records it: a `torch.autograd.Function`, the one with the least to do
transformed     ``torch.func``, ``torch.vmap`` or forward mode look on: a Function with rules for all of them
dispatched      everything else, such as ``torch.compile``, export, fake tensors and dispatch modes: a custom operator,
                ``torch.ops.convt.NAME``
==============  ====================================================================================================

The custom operator alone would do for all, if it were not slower, and if what `torch.library.register_autograd` makes did
not leave tangents out in silence. Derivatives call operations again, so they have derivatives of any order.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn import Parameter

from .tensors import order_of

__all__ = ["Operation", "is_plain"]

Inputs = tuple[Any, ...]
Gradients = tuple[Tensor | None, ...]

_UNCOMPILED = "torch.func's transforms of convt's operations are computed without torch.compile"

_LIBRARY = torch.library.Library("convt", "DEF")
_is_in_batch = torch._C._functorch.is_legacy_batchedtensor  # that of torch.autograd.grad(..., is_grads_batched=True)
_PLAIN = frozenset((Tensor, Parameter))


def is_plain(*tensors: Any) -> bool:
    """Whether these are tensors in the host's memory, or None, and nobody traces, transforms or watches what is computed."""
    if torch.compiler.is_compiling():
        return False
    for tensor in tensors:
        if tensor is not None and (
            type(tensor) not in _PLAIN
            or not tensor.is_cpu
            or tensor.layout is not torch.strided
            or _is_in_batch(tensor)
            or tensor.is_nested
        ):
            return False
    return not (torch._C._len_torch_dispatch_stack() or _is_transformed() or torch._C._get_tracing_state())


class Operation:
    """A computation; making one registers it with PyTorch.

    Attributes
    ----------
    name : str
        Its name in ``torch.ops.convt``.
    signature : str
        Inputs and outputs, in the language of PyTorch's schemas.
    tensors : int
        The number of inputs, the first ones, that are tensors or None. The others, the options, have no derivatives.
    """

    name: ClassVar[str]
    signature: ClassVar[str]
    tensors: ClassVar[int]

    def __init__(self) -> None:
        known = f"convt::{self.name}"
        tags = (torch.Tag.pt2_compliant_tag, torch.Tag.needs_fixed_stride_order)
        _LIBRARY.define(self.name + self.signature, tags=tags)
        _LIBRARY.impl(self.name, self.compute, "CPU")
        torch.library.register_fake(known, self.fake, lib=_LIBRARY)
        torch.library.register_autograd(known, self._backward, setup_context=self._setup, lib=_LIBRARY)
        torch.library.register_vmap(known, self._batched_by(self), lib=_LIBRARY)
        self._dispatched = getattr(torch.ops.convt, self.name).default
        self._recorded = _recorded(self)
        self._transformed = _transformed(self)
        self._uncompiled = torch.compiler.disable(self._transformed.apply, reason=_UNCOMPILED)

    def __call__(self, *inputs: Any) -> Any:
        """Compute, on the road that the inputs and the surroundings ask for."""
        if torch.compiler.is_compiling():
            transformed = torch._C._are_functorch_transforms_active()
            return self._uncompiled(*inputs) if transformed else self._dispatched(*inputs)
        if _is_transformed() and not _is_functionalized():
            return self._transformed.apply(*inputs)
        return self.plain(*inputs) if is_plain(*inputs[: self.tensors]) else self._dispatched(*inputs)

    def plain(self, *inputs: Any) -> Any:
        """Compute where the tensors among the inputs are plain: on one of the first two roads."""
        if torch.is_grad_enabled():
            for tensor in inputs[: self.tensors]:
                if tensor is not None and tensor.requires_grad:
                    return self._recorded.apply(*inputs)
        return self.compute(*inputs)

    def compute(self, *inputs: Any) -> Any:
        """Compute the output from tensors in the host's memory."""
        raise NotImplementedError

    def fake(self, *inputs: Any) -> Any:
        """Make outputs without values, of the shapes, dtypes and strides that `compute` gives."""
        raise NotImplementedError

    def saved(self, inputs: Inputs, output: Any) -> tuple[Tensor, ...]:
        """Return the tensors that derivatives need."""
        raise NotImplementedError

    def pullback(self, saved: tuple[Tensor, ...], options: Inputs, needs: tuple[bool, ...], cotangent: Tensor) -> Gradients:
        """Return the gradients of the inputs that are tensors from that of the output, or of the first one."""
        raise NotImplementedError

    def plain_pullback(
        self, saved: tuple[Tensor, ...], options: Inputs, needs: tuple[bool, ...], cotangent: Tensor
    ) -> Gradients:
        """Return the same, contiguous, where tensors are plain and nobody asks for second derivatives."""
        return self.pullback(saved, options, needs, cotangent)

    def pushforward(self, saved: tuple[Tensor, ...], options: Inputs, tangents: tuple[Tensor | None, ...]) -> Any:
        """Return the tangent of the output, or of each, from those of the inputs that are tensors."""
        raise NotImplementedError

    def batched(self, call: Any, size: int, axes: tuple[int | None, ...], tensors: Inputs, options: Inputs) -> Any:
        """Return the output of `call`, an operation like this one, for a batch of tensors, along a new first axis.

        Parameters
        ----------
        call : callable
        size : int
            Of the batch.
        axes : tuple of int or None
            The axis of each tensor along which the batch lies.
        tensors, options : tuple
            The inputs.
        """
        raise NotImplementedError

    def _setup(self, ctx: Any, inputs: Inputs, output: Any) -> None:
        ctx.save_for_backward(*self.saved(inputs, output))
        ctx.options = inputs[self.tensors :]
        ctx.set_materialize_grads(False)

    def _backward(self, ctx: Any, cotangent: Tensor | None, *_of_indices: Any) -> Gradients:
        if cotangent is None:
            return (None,) * (self.tensors + len(ctx.options))
        needs = ctx.needs_input_grad[: self.tensors]
        once = not torch.is_grad_enabled() and is_plain(cotangent) and order_of(cotangent) is torch.contiguous_format
        pullback = self.plain_pullback if once else self.pullback
        return (*pullback(ctx.saved_tensors, ctx.options, needs, cotangent), *(None,) * len(ctx.options))

    def _batched_by(self, call: Any) -> Any:
        def rule(info: Any, axes: Inputs, *inputs: Any) -> Any:
            n = self.tensors
            output = self.batched(call, info.batch_size, axes[:n], inputs[:n], inputs[n:])
            return output, (0,) * len(output) if isinstance(output, tuple) else 0

        return rule


def _is_transformed() -> bool:
    return bool(torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0)


def _is_functionalized() -> bool:
    interpreter = torch._C._functorch.peek_interpreter_stack()
    return bool(interpreter and interpreter.key() == torch._C._functorch.TransformType.Functionalize)


def _recorded(operation: Operation) -> Any:
    class Recorded(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *inputs: Any) -> Any:
            output = operation.compute(*inputs)
            operation._setup(ctx, inputs, output)
            return output

        @staticmethod
        def backward(ctx: Any, *cotangents: Any) -> Any:
            return operation._backward(ctx, *cotangents)

    return _named(Recorded, operation)


def _transformed(operation: Operation) -> Any:
    class Transformed(torch.autograd.Function):
        @staticmethod
        def forward(*inputs: Any) -> Any:
            return operation._dispatched(*inputs)

        @staticmethod
        def setup_context(ctx: Any, inputs: Inputs, output: Any) -> None:
            operation._setup(ctx, inputs, output)
            ctx.save_for_forward(*operation.saved(inputs, output))

        @staticmethod
        def backward(ctx: Any, *cotangents: Any) -> Any:
            return operation._backward(ctx, *cotangents)

        @staticmethod
        def jvp(ctx: Any, *tangents: Any) -> Any:
            return operation.pushforward(ctx.saved_tensors, ctx.options, tangents[: operation.tensors])

        @staticmethod
        def vmap(info: Any, axes: Inputs, *inputs: Any) -> Any:
            return operation._batched_by(operation)(info, axes, *inputs)

    return _named(Transformed, operation)


def _named(function: Any, operation: Operation) -> Any:
    """The Function under a name of its own, which ``grad_fn`` and profilers show."""
    return type(function)(f"Convt{operation.name.title().replace('_', '')}", (function,), {})
