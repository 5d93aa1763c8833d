"""Calls: one operator on arrays of given shapes and types, everything about it that is decided before data is seen.

`checked` applies every rule and keeps what it found: a call like an earlier one costs a look-up. What is kept holds no data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from .arguments import are_keys, as_padding, as_size, as_sizes
from .arrays import check_dtype, compute_type, part_type, result_type
from .layout import Layout, layout_for
from .problem import Problem, conv_problem, conv_transpose_problem

__all__ = ["CONV", "CONV_TRANSPOSE", "Call", "Described", "Operator", "checked"]

DataMap: TypeAlias = Literal["scatter", "gather"]
Shape: TypeAlias = tuple[int, ...]
_Array: TypeAlias = tuple[Shape, np.dtype]


@dataclass(frozen=True, eq=False)
class Operator:
    """One of the two operators with its gradients.

    Attributes
    ----------
    data_map, gradient : "scatter" or "gather"
        What computes y, and x's gradient.
    freeze : callable
        Turns the options behind the layout, as the caller passed them, into the hashable ones that `problem` takes; raises
        for wrong forms.
    problem : callable
        ``problem(x_shape, w_shape, layout, *options, dtype)``.
    """

    data_map: DataMap
    gradient: DataMap
    freeze: Callable[..., tuple[Any, ...]]
    problem: Callable[..., Problem]


@dataclass(eq=False, slots=True)  # not frozen: that takes longer to make, and the first call of a shape waits for it
class Call:
    """One operator on arrays of given shapes and types; never changed.

    Attributes
    ----------
    problem : Problem
    layout : Layout
    in_order : bool
        Whether the caller's arrays are already what a backend sees: in its axis order, with a batch.
    y_shape : tuple of int
        As the caller sees it.
    result, compute : numpy.dtype
        What the call returns, and what it computes in.
    is_complex : bool
        Then the problem's dtype is that of the parts.
    """

    problem: Problem
    layout: Layout
    in_order: bool
    y_shape: Shape
    result: np.dtype
    compute: np.dtype
    is_complex: bool

    def data_view(self, array: Any) -> Any:
        """The caller's x, y or a gradient of them as (N, C, *spatial)."""
        return array if self.in_order else self.layout.data_view(array)

    def kernel_view(self, array: Any) -> Any:
        """The caller's w or its gradient as (coarse, fine // groups, *spatial)."""
        return array if self.in_order else self.layout.kernel_view(array)


def checked(operator: Operator, options: tuple[Any, ...], x: Any, w: Any, bias: Any = None, dy: Any = None) -> Call:
    """The call of an operator on such arrays, of which only shape and dtype are looked at; bias and dy may be None.

    Raises
    ------
    ValueError, TypeError
        An argument breaks a rule; the message names it.
    """
    find: Callable[..., Call] = _kept
    if not are_keys(options):
        layout, *others = options
        options = (layout, *operator.freeze(*others))
        find = _kept if layout is None or type(layout) is str else _checked
    return find(
        operator,
        options,
        (x.shape, x.dtype),
        (w.shape, w.dtype),
        None if bias is None else (bias.shape, bias.dtype),
        None if dy is None else (dy.shape, dy.dtype),
    )


class Described(NamedTuple):
    """As much of an array as `checked` looks at."""

    shape: Shape
    dtype: np.dtype


def _checked(
    operator: Operator, options: tuple[Any, ...], x: _Array, w: _Array, bias: _Array | None, dy: _Array | None
) -> Call:
    result, compute, part = _types(x[1], w[1], bias[1] if bias else None, dy[1] if dy else None)
    x_shape, w_shape, (layout, *others) = x[0], w[0], options
    axes = len(w_shape) - 2
    if not 1 <= axes <= 3:
        raise ValueError(f"w must have 3, 4 or 5 axes (two of channels and 1 to 3 spatial ones), got {len(w_shape)}")
    if len(x_shape) not in (axes + 1, axes + 2):
        raise ValueError(
            f"x must have {axes + 2} axes to go with w's {axes} spatial ones, or {axes + 1} without a batch, got "
            f"{len(x_shape)}"
        )
    order = layout_for(layout, axes)
    problem = operator.problem(x_shape, w_shape, order, *operator.freeze(*others), part)
    y = problem.fine_array_shape if operator.data_map == "scatter" else problem.coarse_array_shape
    batched = len(x_shape) == axes + 2
    in_order = order.identity and batched
    y_shape = y if in_order else order.data_shape(y, batched=batched)
    if bias and bias[0] != y[1:2]:
        raise ValueError(f"bias.shape must equal ({y[1]},), one per output channel, got {bias[0]}")
    if dy and dy[0] != y_shape:
        raise ValueError(f"dy.shape must equal the output's {y_shape}, got {dy[0]}")
    return Call(problem, order, in_order, y_shape, result, compute, part is not compute)


@lru_cache(maxsize=256)
def _types(x: np.dtype, w: np.dtype, bias: np.dtype | None, dy: np.dtype | None) -> tuple[np.dtype, np.dtype, np.dtype]:
    """From the types of its arrays: what a call returns, what it computes in, and the type of a complex one's parts."""
    given = {name: dtype for name, dtype in (("x", x), ("w", w), ("bias", bias), ("dy", dy)) if dtype is not None}
    for name, dtype in given.items():
        check_dtype(name, dtype)
    result = result_type(list(given.values()))
    compute = compute_type(result)
    return compute if result == compute else result, compute, part_type(compute)


_kept = lru_cache(maxsize=4096)(_checked)


def _transposed_options(
    stride: Any, padding: Any, output_padding: Any, output_size: Any, dilation: Any, groups: Any
) -> tuple[Any, ...]:
    return (
        as_sizes("stride", stride),
        as_padding(padding),
        as_sizes("output_padding", output_padding),
        None if output_size is None else as_sizes("output_size", output_size),
        as_sizes("dilation", dilation),
        as_size("groups", groups),
    )


def _plain_options(stride: Any, padding: Any, dilation: Any, groups: Any) -> tuple[Any, ...]:
    return as_sizes("stride", stride), as_padding(padding), as_sizes("dilation", dilation), as_size("groups", groups)


CONV_TRANSPOSE = Operator("scatter", "gather", _transposed_options, conv_transpose_problem)
CONV = Operator("gather", "scatter", _plain_options, conv_problem)
