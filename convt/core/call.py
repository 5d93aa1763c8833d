"""Calls: all that is known of a call before data is seen.

A check applies every rule to the options and to the shapes and dtypes of the arrays, and gives a `Call`. `Remembered` keeps
what a check found: a call like an earlier one costs a look-up. What is kept holds no data. The two operators and their check
are here; `sampling.py` has what upsampling and pooling share.
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


@dataclass(eq=False, slots=True)  # not frozen: that takes longer to make, and the first call of a shape waits for it
class Call:
    """A call that has been checked; never changed.

    Attributes
    ----------
    problem : Problem
    frame : Frame
        The axes of the caller's data.
    shape : tuple of int
        Of the result, as the caller sees it.
    result, compute : numpy.dtype
        What the call returns, and what it computes in.
    """

    problem: Problem
    frame: Frame
    shape: tuple[int, ...]
    result: np.dtype
    compute: np.dtype


AnyCall = TypeVar("AnyCall", bound=Call)


class Remembered(Generic[AnyCall]):
    """A check that keeps what it found, for each of its keys.

    Parameters
    ----------
    freeze : callable
        Turns options as a caller may write them into hashable ones, or raises for wrong forms.
    check : callable
        ``check(frozen_options, *outlines)`` gives the call; outlines are shapes, dtypes and whatever else is hashable.
    """

    def __init__(self, freeze: Callable[..., tuple[Any, ...]], check: Callable[..., AnyCall]) -> None:
        self._freeze = freeze
        self._kept = lru_cache(maxsize=_MOST)(check)
        self.as_written = lru_cache(maxsize=_MOST)(self.frozen)

    def find(self, options: tuple[Any, ...]) -> Callable[..., AnyCall]:
        """Return ``call(options, *outlines)`` for options as a caller wrote them."""
        return self.as_written if are_keys(options) else self.frozen

    def frozen(self, options: tuple[Any, ...], *outlines: Any) -> AnyCall:
        """The call with options that may have to be frozen; `as_written` is for those that are hashable as they are."""
        return self._kept(self._freeze(*options), *outlines)


class Maps(Protocol):
    """The maps of data: a backend, or `ComplexMaps` of one."""

    def scatter(self, problem: Problem, coarse: Any, kernel: Any, bias: Any, fine: Any) -> None: ...

    def gather(self, problem: Problem, fine: Any, kernel: Any, bias: Any, coarse: Any) -> None: ...


class Outline(NamedTuple):
    """As much of an array as a check looks at."""

    shape: tuple[int, ...]
    dtype: np.dtype


@dataclass(eq=False, slots=True)
class OperatorCall(Call):
    """One operator on arrays of given shapes and dtypes.

    Attributes
    ----------
    is_complex : bool
        Then the problem's dtype is that of the real and imaginary parts.
    """

    is_complex: bool


class Operator:
    """One of the two operators with its gradients.

    Parameters
    ----------
    data_map : "scatter" or "gather"
        The map that computes y; the other one computes x's gradient.
    options : tuple of str
        The names of its options behind the layout, in the order in which they are passed to `checked`.
    problem : callable
        ``problem(x_shape, w_shape, layout=..., dtype=..., **options)``.
    """

    def __init__(self, data_map: DataMap, options: tuple[str, ...], problem: Callable[..., Problem]) -> None:
        self.data_map = data_map
        self._names = options
        self._problem = problem
        remembered = Remembered(self._freeze, self._check)
        self._as_written, self._frozen = remembered.as_written, remembered.frozen

    def data_map_of(self, maps: Maps) -> Callable[..., None]:
        """The map that computes y, of a backend's three."""
        return maps.scatter if self.data_map == "scatter" else maps.gather

    def gradient_map_of(self, maps: Maps) -> Callable[..., None]:
        """The map that computes x's gradient."""
        return maps.gather if self.data_map == "scatter" else maps.scatter

    def fine_and_coarse(self, x: Any, y: Any) -> tuple[Any, Any]:
        """x and y, or gradients of them, in the order in which correlate takes them."""
        return (y, x) if self.data_map == "scatter" else (x, y)

    def checked(self, options: tuple[Any, ...], x: Any, w: Any, bias: Any = None, dy: Any = None) -> OperatorCall:
        """The call on such arrays, of which only shape and dtype are looked at; bias and dy may be None.

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
    """From the dtypes of its arrays: what a call returns, what it computes in, and the dtype of a complex one's parts."""
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
    "scatter", ("stride", "padding", "output_padding", "output_size", "dilation", "groups"), conv_transpose_problem
)
CONV = Operator("gather", ("stride", "padding", "dilation", "groups"), conv_problem)
