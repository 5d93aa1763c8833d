"""What the matrix is of: the shape of one x and a filter bank, with or without channels, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.arguments import as_padding, as_shape, as_size, as_sizes
from ..core.arrays import as_array, check_dtype, compute_type, part_type, result_type
from ..core.layout import Layout, layout_for
from ..core.problem import Problem, conv_problem
from ..functions.operators import conv_shape

__all__ = ["Subject"]


@dataclass(frozen=True)
class Subject:
    """One convolution of one x.

    Attributes
    ----------
    x_shape, y_shape : tuple of int
        As `conv` takes and gives them: with channels, without a batch.
    kernel : ndarray, (K, C // groups, *kernel)
        w in the type to compute in, whatever the layout.
    w_shape : tuple of int
        As `conv` takes it.
    options : dict
        Keyword arguments of `conv`.
    problem : Problem
    layout : Layout
    """

    x_shape: tuple[int, ...]
    y_shape: tuple[int, ...]
    kernel: np.ndarray[Any, np.dtype[Any]]
    w_shape: tuple[int, ...]
    options: dict[str, Any]
    problem: Problem
    layout: Layout

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the products with a vector of w's type."""
        return self.kernel.dtype

    @property
    def channels_last(self) -> bool:
        """Whether the channels are the last axis of x and y, and not the first."""
        return not self.layout.identity

    @property
    def batch_last(self) -> bool:
        """Whether a batch would be the last axis."""
        return self.layout.data[0] != 0

    @classmethod
    def accept(cls, x_shape: Any, w: Any, **options: Any) -> Subject:
        """Check everything.

        Raises
        ------
        ValueError, TypeError
            The message names the argument.
        """
        shape, array = as_shape("x_shape", x_shape), as_array("w", w)
        check_dtype("w", array.dtype)
        compute = compute_type(result_type([array.dtype]))
        axes = len(shape) if array.ndim == len(shape) else len(shape) - 1
        if array.ndim - len(shape) not in (0, 1) or not 1 <= axes <= 3:
            raise ValueError(
                "x_shape must be the shape of one x without a batch: one axis less than w (the channels and 1 to 3 spatial "
                f"ones), or as many as w (1 to 3 spatial ones, no channels), got {shape} with w.shape {array.shape}"
            )
        if array.ndim == len(shape):
            if options["layout"] is not None:
                raise ValueError(f"layout must be None for an x_shape without channels, got {options['layout']!r}")
            shape, array = (1, *shape), array[None, None]
        y_shape = conv_shape(shape, array.shape, **options)
        layout = layout_for(options["layout"], axes)
        problem = conv_problem(
            shape,
            array.shape,
            stride=as_sizes("stride", options["stride"]),
            padding=as_padding(options["padding"]),
            dilation=as_sizes("dilation", options["dilation"]),
            groups=as_size("groups", options["groups"]),
            layout=layout,
            dtype=part_type(compute),
        )
        kernel = layout.kernel_view(array).astype(compute, copy=False)
        return cls(shape, y_shape, kernel, array.shape, options, problem, layout)
