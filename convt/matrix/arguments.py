"""The arguments of `conv_matrix` and `ConvOperator`, checked: the shape of one x, a filter bank, `conv`'s options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.arguments import as_shape
from ..core.arrays import as_operand
from ..core.call import CONV, OperatorCall, Outline
from ..core.containers import as_numpy
from ..core.problem import Problem

__all__ = ["MatrixArguments"]

_ANY = np.dtype(np.bool_)  # for an x that is not there: promoted with another type, it gives that one


@dataclass(frozen=True)
class MatrixArguments:
    """One convolution of one x.

    Attributes
    ----------
    x_shape : tuple of int
        As `conv` takes it: with channels, without a batch.
    kernel : ndarray, (K, C // groups, *kernel)
        w in the type to compute in, whatever the layout.
    w_shape : tuple of int
        As `conv` takes it.
    options : dict
        Keyword arguments of `conv`.
    call : OperatorCall
        What `conv` knows of such arrays.
    """

    x_shape: tuple[int, ...]
    kernel: np.ndarray[Any, np.dtype[Any]]
    w_shape: tuple[int, ...]
    options: dict[str, Any]
    call: OperatorCall

    @property
    def y_shape(self) -> tuple[int, ...]:
        """As `conv` gives it for one x."""
        return self.call.shape

    @property
    def problem(self) -> Problem:
        """The sizes, without the layout."""
        return self.call.problem

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the products with a vector of w's type."""
        return self.kernel.dtype

    @property
    def channels_last(self) -> bool:
        """Whether the channels are the last axis of x and y, and not the first."""
        return not self.call.frame.layout.identity

    @property
    def batch_last(self) -> bool:
        """Whether a batch would be the last axis."""
        return self.call.frame.layout.data[0] != 0

    @classmethod
    def accept(
        cls, x_shape: Any, w: Any, *, stride: Any, padding: Any, dilation: Any, groups: Any, layout: Any
    ) -> MatrixArguments:
        """Check all arguments.

        Raises
        ------
        ValueError, TypeError
            The message names the argument.
        """
        shape, array = as_shape("x_shape", x_shape), as_numpy("w", w)
        axes = len(shape) if array.ndim == len(shape) else len(shape) - 1
        if array.ndim - len(shape) not in (0, 1) or not 1 <= axes <= 3:
            raise ValueError(
                "x_shape must be the shape of one x without a batch: one axis less than w (the channels and 1 to 3 spatial "
                f"ones), or as many as w (1 to 3 spatial ones, no channels), got {shape} with w.shape {array.shape}"
            )
        if array.ndim == len(shape):
            if layout is not None:
                raise ValueError(f"layout must be None for an x_shape without channels, got {layout!r}")
            shape, array = (1, *shape), array[None, None]
        call = CONV.checked((layout, stride, padding, dilation, groups), Outline(shape, _ANY), array)
        kernel = call.frame.layout.kernel_view(as_operand(array, call.compute))
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "layout": layout}
        return cls(shape, kernel, array.shape, options, call)
