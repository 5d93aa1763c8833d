"""Layers that are PyTorch's in everything but who computes: constructor, parameters, state_dict, representation.

Each derives from the layer whose name it has. `conversion.py` makes one of the other by setting the class.
"""

from __future__ import annotations

from copy import copy
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn import functional

from .frozen import Frozen
from .functional import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d, convolve
from .sampling import interpolate, max_pool1d, max_pool2d, max_pool3d, max_unpool1d, max_unpool2d, max_unpool3d

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
    "Upsample",
    "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
]


class _Ours:
    """What all layers have in common."""

    def __prepare_scriptable__(self: Any) -> nn.Module:
        """`torch.jit.script` compiles PyTorch's own layer with the same parameters, and puts it into the model."""
        own = copy(self)
        own.__class__ = next(kind for kind in type(self).__mro__ if kind.__module__.startswith("torch.nn.modules"))
        return own


class _Transposed(_Ours, Frozen):
    """The forward pass of all transposed convolutions."""

    _function: ClassVar[Any]
    _axes: ClassVar[int]

    def forward(self: Any, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """As PyTorch's."""
        arguments = self.stride, self.padding, self.kernel_size, self._axes, self.dilation
        output_padding = self._output_padding(input, output_size, *arguments)
        options = self.stride, self.padding, output_padding, self.groups, self.dilation
        return convolve(self._function, input, *self._weights(self.weight, self.bias, options))


class _Straight(_Ours, Frozen):
    """The forward pass of all convolutions."""

    _function: ClassVar[Any]

    def _conv_forward(self: Any, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input = functional.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = 0
        options = self.stride, padding, self.dilation, self.groups
        return convolve(self._function, input, *self._weights(weight, bias, options))


class ConvTranspose1d(_Transposed, nn.ConvTranspose1d):
    """`torch.nn.ConvTranspose1d`, computed by convt."""

    _function = staticmethod(conv_transpose1d)
    _axes = 1


class ConvTranspose2d(_Transposed, nn.ConvTranspose2d):
    """`torch.nn.ConvTranspose2d`, computed by convt; `conv_transpose2d` has its arguments and shapes.

    Examples
    --------
    >>> import torch, convt.torch
    >>> layer = convt.torch.ConvTranspose2d(8, 4, 3, stride=2)
    >>> layer
    ConvTranspose2d(8, 4, kernel_size=(3, 3), stride=(2, 2))
    >>> layer(torch.ones(1, 8, 5, 5), output_size=(12, 12)).shape
    torch.Size([1, 4, 12, 12])
    """

    _function = staticmethod(conv_transpose2d)
    _axes = 2


class ConvTranspose3d(_Transposed, nn.ConvTranspose3d):
    """`torch.nn.ConvTranspose3d`, computed by convt."""

    _function = staticmethod(conv_transpose3d)
    _axes = 3


class Conv1d(_Straight, nn.Conv1d):
    """`torch.nn.Conv1d`, computed by convt."""

    _function = staticmethod(conv1d)


class Conv2d(_Straight, nn.Conv2d):
    """`torch.nn.Conv2d`, computed by convt; `conv2d` has its arguments and shapes."""

    _function = staticmethod(conv2d)


class Conv3d(_Straight, nn.Conv3d):
    """`torch.nn.Conv3d`, computed by convt."""

    _function = staticmethod(conv3d)


class _Pooling(_Ours):
    """The forward pass of max pooling."""

    _function: ClassVar[Any]

    def forward(self: Any, input: Tensor) -> Any:
        """As PyTorch's."""
        options = self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        return self._function(input, *options)


class _Unpooling(_Ours):
    """The forward pass of the inverse of max pooling."""

    _function: ClassVar[Any]

    def forward(self: Any, input: Tensor, indices: Tensor, output_size: list[int] | None = None) -> Any:
        """As PyTorch's."""
        return self._function(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class _Enlarging(_Ours):
    """The forward pass of upsampling."""

    def forward(self: Any, input: Tensor) -> Tensor:
        """As PyTorch's."""
        options = self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        return interpolate(input, *options)


class MaxPool1d(_Pooling, nn.MaxPool1d):
    """`torch.nn.MaxPool1d`, computed by convt."""

    _function = staticmethod(max_pool1d)


class MaxPool2d(_Pooling, nn.MaxPool2d):
    """`torch.nn.MaxPool2d`, computed by convt; `max_pool2d` has its arguments and shapes."""

    _function = staticmethod(max_pool2d)


class MaxPool3d(_Pooling, nn.MaxPool3d):
    """`torch.nn.MaxPool3d`, computed by convt."""

    _function = staticmethod(max_pool3d)


class MaxUnpool1d(_Unpooling, nn.MaxUnpool1d):
    """`torch.nn.MaxUnpool1d`, computed by convt."""

    _function = staticmethod(max_unpool1d)


class MaxUnpool2d(_Unpooling, nn.MaxUnpool2d):
    """`torch.nn.MaxUnpool2d`, computed by convt; `max_unpool2d` has its arguments and shapes."""

    _function = staticmethod(max_unpool2d)


class MaxUnpool3d(_Unpooling, nn.MaxUnpool3d):
    """`torch.nn.MaxUnpool3d`, computed by convt."""

    _function = staticmethod(max_unpool3d)


class Upsample(_Enlarging, nn.Upsample):
    """`torch.nn.Upsample`, computed by convt where the scale is a whole number; `interpolate` has its arguments."""


class UpsamplingNearest2d(_Enlarging, nn.UpsamplingNearest2d):
    """`torch.nn.UpsamplingNearest2d`, computed by convt where the scale is a whole number."""


class UpsamplingBilinear2d(_Enlarging, nn.UpsamplingBilinear2d):
    """`torch.nn.UpsamplingBilinear2d`, computed by convt where the scale is a whole number."""
