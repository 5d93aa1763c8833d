"""Calls: what is known from options, shapes and dtypes, before any data is read.

A check applies every rule to them and returns a `Call`. `Remembered` keeps the results of a check, so that a call like an
earlier one costs a look-up; it keeps no data. The two operators and their check are here; `sampling.py` has what upsampling
and pooling share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np

from .arguments import are_keys, as_padding, as_size, as_sizes
from .arrays import check_dtype, compute_type, part_type, result_type
from .layout import Frame, as_layout_name, layout_for
from .problem import Problem, conv_problem, conv_transpose_problem

__all__ = ["CONV", "CONV_TRANSPOSE", "Call", "Operator", "OperatorCall", "Outline", "Remembered"]

DataMap: TypeAlias = Literal["scatter", "gather"]
_MOST = 4096


@dataclass(eq=False, slots=True)  # not frozen: that makes objects slower to create, and the first call with a shape slower
class Call:
    """A call that has been checked. Several callers share it, so it must not be modified.

    Attributes
    ----------
    problem : Problem
    frame : Frame
        The axes of the caller's data.
    shape : tuple of int
        The shape of the result, in the caller's axes.
    result, compute : numpy.dtype
        The dtype of the result, and the one in which it is computed.
    """

    problem: Problem
    frame: Frame
    shape: tuple[int, ...]
    result: np.dtype
    compute: np.dtype


AnyCall = TypeVar("AnyCall", bound=Call)


class Remembered(Generic[AnyCall]):
    """A check that keeps its results.

    Parameters
    ----------
    freeze : callable
        Converts the options that a caller wrote to hashable ones, or raises an error.
    check : callable
        ``check(frozen_options, *outlines)`` returns the call; outlines are shapes, dtypes and other hashable values.
    """

    def __init__(self, freeze: Callable[..., tuple[Any, ...]], check: Callable[..., AnyCall]) -> None:
        self._freeze = freeze
        self._kept = lru_cache(maxsize=_MOST)(check)
        self.as_written = lru_cache(maxsize=_MOST)(self.frozen)

    def find(self, options: tuple[Any, ...]) -> Callable[..., AnyCall]:
        """Return the faster of `as_written` and `frozen` that can take these options."""
        return self.as_written if are_keys(options) else self.frozen

    def frozen(self, options: tuple[Any, ...], *outlines: Any) -> AnyCall:
        """Return the call with these options, which need not be hashable; `as_written` takes hashable ones alone."""
        return self._kept(self._freeze(*options), *outlines)


class Maps(Protocol):
    """The maps that compute outputs: those of a backend, or of `ComplexMaps`."""

    def scatter(self, problem: Problem, coarse: Any, kernel: Any, bias: Any, fine: Any) -> None: ...

    def gather(self, problem: Problem, fine: Any, kernel: Any, bias: Any, coarse: Any) -> None: ...


class Outline(NamedTuple):
    """The shape and dtype of an array, which is all that a check reads."""

    shape: tuple[int, ...]
    dtype: np.dtype


@dataclass(eq=False, slots=True)
class OperatorCall(Call):
    """One operator on arrays of given shapes and dtypes.

    Attributes
    ----------
    is_complex : bool
        If so, the problem's dtype is that of the real and imaginary parts.
    """

    is_complex: bool


class Operator:
    """One of the two operators with its gradients.

    Parameters
    ----------
    name : str
        Its function's.
    data_map : "scatter" or "gather"
        The map that computes y; the other one computes x's gradient.
    options : tuple of str
        The names of its options, in the order in which they follow the layout in `checked`.
    problem : callable
        ``problem(x_shape, w_shape, layout=..., dtype=..., **options)`` returns the `Problem`.
    """

    def __init__(self, name: str, data_map: DataMap, options: tuple[str, ...], problem: Callable[..., Problem]) -> None:
        self.name = name
        self.data_map = data_map
        self._names = options
        self._problem = problem
        remembered = Remembered(self._freeze, self._check)
        self._as_written, self._frozen = remembered.as_written, remembered.frozen

    def data_map_of(self, maps: Maps) -> Callable[..., None]:
        """Return the map that computes y."""
        return maps.scatter if self.data_map == "scatter" else maps.gather

    def gradient_map_of(self, maps: Maps) -> Callable[..., None]:
        """Return the map that computes x's gradient."""
        return maps.gather if self.data_map == "scatter" else maps.scatter

    def fine_and_coarse(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return x and y, or their gradients, in the order in which correlate takes them."""
        return (y, x) if self.data_map == "scatter" else (x, y)

    def named(self, options: tuple[Any, ...]) -> dict[str, Any]:
        """Return the layout and the options as keyword arguments."""
        return dict(zip(("layout", *self._names), options, strict=True))

    def checked(self, options: tuple[Any, ...], x: Any, w: Any, bias: Any = None, dy: Any = None) -> OperatorCall:
        """Return the checked call. Only the shapes and dtypes of arrays are read; bias and dy may be None.

        Raises
        ------
        ValueError, TypeError
            An argument breaks a rule; the message names it.
        """
        find = self._as_written if are_keys(options) else self._frozen
        return find(
            options,
            (x.shape, x.dtype),
            (w.shape, w.dtype),
            None if bias is None else (bias.shape, bias.dtype),
            None if dy is None else (dy.shape, dy.dtype),
        )

    def _freeze(self, layout: Any, *values: Any) -> tuple[Any, ...]:
        known = layout if isinstance(layout, str) else as_layout_name(layout)
        return known, *(_FORMS[name](value) for name, value in zip(self._names, values, strict=True))

    def _check(self, options: tuple[Any, ...], x: _Array, w: _Array, bias: _Array | None, dy: _Array | None) -> OperatorCall:
        result, compute, part = _types(x[1], w[1], bias[1] if bias else None, dy[1] if dy else None)
        x_shape, w_shape, (layout_name, *values) = x[0], w[0], options
        axes = len(w_shape) - 2
        if not 1 <= axes <= 3:
            raise ValueError(f"w must have 3, 4 or 5 axes (two of channels and 1 to 3 spatial ones), got {len(w_shape)}")
        if len(x_shape) not in (axes + 1, axes + 2):
            raise ValueError(
                f"x must have {axes + 2} axes to go with w's {axes} spatial ones, or {axes + 1} without a batch, got "
                f"{len(x_shape)}"
            )
        frame = Frame.of(layout_for(layout_name, axes), len(x_shape))
        named = dict(zip(self._names, values, strict=True))
        problem = self._problem(x_shape, w_shape, layout=frame.layout, dtype=part, **named)
        y = problem.fine_array_shape if self.data_map == "scatter" else problem.coarse_array_shape
        shape = frame.shape(y)
        if bias and bias[0] != y[1:2]:
            stride = " (a stride is a keyword: stride=...)" if bias[1].kind in "iu" and bias[0] in ((), (axes,)) else ""
            raise ValueError(f"bias.shape must equal ({y[1]},), one per output channel, got {bias[0]}{stride}")
        if dy and dy[0] != shape:
            raise ValueError(f"dy.shape must equal the output's {shape}, got {dy[0]}")
        return OperatorCall(problem, frame, shape, result, compute, part is not compute)


_Array: TypeAlias = tuple[tuple[int, ...], np.dtype]


@lru_cache(maxsize=256)
def _types(x: np.dtype, w: np.dtype, bias: np.dtype | None, dy: np.dtype | None) -> tuple[np.dtype, np.dtype, np.dtype]:
    """Return the dtypes of a call's result, of its computation, and of the parts of complex numbers in that."""
    given = {name: dtype for name, dtype in (("x", x), ("w", w), ("bias", bias), ("dy", dy)) if dtype is not None}
    for name, dtype in given.items():
        check_dtype(name, dtype)
    result = result_type(list(given.values()))
    compute = compute_type(result)
    return compute if result == compute else result, compute, part_type(compute)


_FORMS: dict[str, Callable[[Any], Any]] = {
    "stride": partial(as_sizes, "stride"),
    "padding": as_padding,
    "output_padding": partial(as_sizes, "output_padding"),
    "output_size": lambda value: None if value is None else as_sizes("output_size", value),
    "dilation": partial(as_sizes, "dilation"),
    "groups": partial(as_size, "groups"),
}

CONV_TRANSPOSE = Operator(
    "conv_transpose",
    "scatter",
    ("stride", "padding", "output_padding", "output_size", "dilation", "groups"),
    conv_transpose_problem,
)
CONV = Operator("conv", "gather", ("stride", "padding", "dilation", "groups"), conv_problem)
