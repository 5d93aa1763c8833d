"""gradcheck: gradients that somebody wrote, judged by central differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.arguments import as_size, is_number
from ..core.containers import as_numbers

if TYPE_CHECKING:
    from ..typing import ArrayLike

__all__ = ["GradientReport", "gradcheck"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class GradientReport:
    """What `gradcheck` found.

    Attributes
    ----------
    checked : dict of str to int
        Per input, how many of its elements were moved; inputs without a gradient are missing.
    largest_error : dict of str to float
        Per input, the largest difference between the gradient and the central difference.
    """

    checked: dict[str, int]
    largest_error: dict[str, float]


def gradcheck(
    f: Callable[..., Any],
    inputs: Sequence[ArrayLike] | Mapping[str, ArrayLike],
    backward: Callable[..., Any],
    *,
    step: float = 1e-6,
    rtol: float = 1e-5,
    atol: float = 1e-6,
    elements: int | None = None,
    seed: int = 0,
) -> GradientReport:
    """Check a gradient by central differences in float64.

    The number ``L = <dy, f(*inputs)>``, with a random dy, is differentiated in two ways: ``backward(*inputs, dy)`` is asked
    for all gradients at once, and each element of each input is moved by ``+step`` and ``-step``. Of complex inputs the real
    and the imaginary parts are moved, one after the other; gradients are then as PyTorch's and convt's: ``dL/d(real) + 1j *
    dL/d(imag)`` of ``L = Re <dy, y>``.

    Parameters
    ----------
    f : callable
        ``f(*inputs)`` is an array of float64 or complex128, or a sequence of them in which None may stand. It must give the
        same for the same, and leave its inputs as they are.
    inputs : sequence of array_like, or mapping of str to array_like
        Where to differentiate; converted to float64 or complex128. A mapping's names are for the messages, all inputs are
        passed by position. Stay further than ``step`` away from points where f has no derivative, such as ties of a maximum.
    backward : callable
        ``backward(*inputs, dy)`` returns one gradient per input in its shape, None for those not to be checked (a single
        array if there is one input). Where f returns several arrays, it gets one dy for each: ``backward(*inputs, *dys)``.
    step : float
        Of the differences; for elements above 1, relative to their magnitude. The error is about ``step ** 2`` times the
        third derivative plus ``1e-16 / step`` times y.
    rtol, atol : float
        A gradient g may differ by ``atol + rtol * abs(g)`` from the difference.
    elements : int, optional
        Check so many elements of each input, drawn at random, instead of all; f is called two times for each (four times if
        complex).
    seed : int
        For dy and the elements drawn.

    Returns
    -------
    GradientReport

    Raises
    ------
    AssertionError
        A gradient is wrong, missing, not finite or of the wrong shape; f is not reproducible, or it or backward changes the
        inputs. The message names every wrong input, where it is wrong and by how much, and what kind of mistake it looks
        like.
    ValueError, TypeError
        An argument breaks a rule; f returns something that cannot be differentiated so, such as float32.

    See Also
    --------
    convt.conv_transpose_double_backward : gradients of gradients, which can be checked likewise.

    Examples
    --------
    >>> import numpy as np, convt
    >>> from convt.testing import gradcheck
    >>> rng = np.random.default_rng(0)
    >>> inputs = {"x": rng.standard_normal((1, 2, 5)), "w": rng.standard_normal((2, 3, 4))}
    >>> def f(x, w):
    ...     return convt.conv_transpose(x, w, stride=2)
    >>> def backward(x, w, dy):
    ...     return convt.conv_transpose_backward(x, w, None, dy, stride=2)[:2]
    >>> gradcheck(f, inputs, backward).checked
    {'x': 10, 'w': 24}
    >>> gradcheck(np.sin, [1.0], lambda x, dy: -dy * np.cos(x))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    AssertionError: the gradient of input 0 is wrong at 1 of 1 elements, worst at (): backward gives -0.06..., ...
    """
    for role, function in (("f", f), ("backward", backward)):
        if not callable(function):
            raise TypeError(f"{role} must be a function, got {function!r}")
    rtol, atol = _tolerance("rtol", rtol), _tolerance("atol", atol)
    if elements is not None and as_size("elements", elements) < 1:
        raise ValueError(f"elements must be at least 1, got {elements}")
    if as_size("seed", seed) < 0:
        raise ValueError(f"seed must be at least 0, got {seed}")
    rng = np.random.default_rng(seed)
    subject = _Subject(f, inputs, _positive("step", step))
    gradients = subject.gradients(backward, rng)
    checked, largest, complaints = dict[str, int](), dict[str, float](), list[str]()
    for position, (name, gradient) in enumerate(zip(subject.names, gradients, strict=True)):
        if gradient is None:
            continue
        chosen = _choose(rng, gradient.size, elements)
        numeric = np.array([subject.difference(position, int(flat)) for flat in chosen])
        given = gradient.reshape(-1)[chosen]
        error = np.abs(given - numeric)
        wrong = ~(error <= atol + rtol * np.abs(numeric))
        checked[name], largest[name] = len(chosen), float(error.max(initial=0.0))
        if wrong.any():
            at = int(np.nan_to_num(np.where(wrong, error, 0), nan=np.inf).argmax())
            where = tuple(map(int, np.unravel_index(chosen[at], gradient.shape)))
            complaints.append(
                f"the gradient of {name} is wrong at {wrong.sum()} of {len(chosen)} elements, worst at {where}: backward "
                f"gives {given[at]:.9g}, the central difference is {numeric[at]:.9g}; they differ by {error[at]:.3g} where "
                f"{atol + rtol * abs(numeric[at]):.3g} is allowed{_diagnosis(given, numeric)}"
            )
    if complaints:
        raise AssertionError("\n".join(complaints))
    if not checked:
        raise AssertionError("backward must return a gradient for at least one input, got None for all")
    return GradientReport(checked, largest)


class _Subject:
    """The function at its point, with one random dy per output."""

    def __init__(self, f: Callable[..., Any], inputs: Any, step: float) -> None:
        self.f, self.step = f, step
        if isinstance(inputs, Mapping) and inputs:
            self.names, values = [str(name) for name in inputs], list(inputs.values())
        elif isinstance(inputs, Sequence) and not isinstance(inputs, str | bytes) and inputs:
            self.names, values = [f"input {position}" for position in range(len(inputs))], list(inputs)
        else:
            raise TypeError(f"inputs must be a sequence of arrays, or a mapping of names to arrays, got {inputs!r}")
        self.inputs = [_as_double(name, value) for name, value in zip(self.names, values, strict=True)]

    def outputs(self) -> list[Array]:
        """What f gives for the inputs as they are now."""
        before = [array.tobytes() for array in self.inputs]
        y = self.f(*self.inputs)
        self._check_unchanged("f", before)
        outputs = [np.asarray(each) for each in (y if isinstance(y, tuple | list) else [y]) if each is not None]
        for output in outputs:
            if output.dtype not in (np.float64, np.complex128):
                raise TypeError(
                    "f must return float64 or complex128, as differences vanish in the rounding of other types, got "
                    f"{output.dtype}"
                )
        return outputs

    def gradients(self, backward: Callable[..., Any], rng: np.random.Generator) -> list[Array | None]:
        """One per input; those of real inputs are real."""
        outputs = self.outputs()
        if any(not np.array_equal(a, b, equal_nan=True) for a, b in zip(outputs, self.outputs(), strict=True)):
            raise AssertionError("f must give the same for the same inputs, got different values from two calls")
        self.dys = [_random(rng, output) for output in outputs]
        before = [array.tobytes() for array in self.inputs]
        given = backward(*self.inputs, *(dy.copy() for dy in self.dys))
        self._check_unchanged("backward", before)
        several = isinstance(given, tuple | list)
        values = list(given) if several else [given]
        if len(values) != len(self.inputs):
            raise AssertionError(f"backward must return one gradient per input ({len(self.inputs)}), got {len(values)}")
        return [self._checked(*each) for each in zip(self.names, self.inputs, values, strict=True)]

    def difference(self, position: int, flat: int) -> Any:
        """The central difference for one element of one input, over its real and imaginary part."""
        array = self.inputs[position].reshape(-1)
        slope = self._slope(array, flat, self.step)
        return slope + 1j * self._slope(array, flat, self.step * 1j) if array.dtype.kind == "c" else slope

    def _slope(self, array: Array, flat: int, step: complex) -> Any:
        value = array[flat]
        step *= max(1.0, abs(value))
        up, down = value + step, value - step
        try:
            array[flat] = up
            high = self.outputs()
            array[flat] = down
            low = self.outputs()
        finally:
            array[flat] = value
        total = sum(float(np.vdot(dy, a - b).real) for dy, a, b in zip(self.dys, high, low, strict=True))
        return total / abs(up - down)  # not 2 * step, which the sums may have rounded

    def _check_unchanged(self, who: str, before: list[bytes]) -> None:
        for name, array, old in zip(self.names, self.inputs, before, strict=True):
            if array.tobytes() != old:
                raise AssertionError(f"{who} must leave its inputs as they are, but changes {name}")

    @staticmethod
    def _checked(name: str, like: Array, gradient: Any) -> Array | None:
        if gradient is None:
            return None
        array = np.asarray(gradient)
        if array.shape != like.shape:
            raise AssertionError(f"the gradient of {name} must have its shape {like.shape}, got {array.shape}")
        return array if like.dtype.kind == "c" else array.real


def _as_double(name: str, value: Any) -> Array:
    """A private copy, C-contiguous."""
    array = as_numbers(name, value)
    if array.dtype.kind == "b":
        raise TypeError(f"{name} must be an array of numbers that can be moved, got {array.dtype}")
    return np.array(array, np.complex128 if array.dtype.kind == "c" else np.float64, order="C")


def _random(rng: np.random.Generator, like: Array) -> Array:
    dy: Array = np.asarray(rng.standard_normal(like.shape))
    return dy + 1j * rng.standard_normal(like.shape) if like.dtype.kind == "c" else dy


def _positive(name: str, value: Any) -> float:
    if not (is_number(value) and 0 < value < 1):
        raise ValueError(f"{name} must be a number between 0 and 1, got {value!r}")
    return float(value)


def _tolerance(name: str, value: Any) -> float:
    if not (is_number(value) and value >= 0):
        raise ValueError(f"{name} must be a number of at least 0, got {value!r}")
    return float(value)


def _choose(rng: np.random.Generator, size: int, wanted: int | None) -> Array:
    return np.arange(size) if wanted is None or wanted >= size else rng.choice(size, wanted, replace=False)


def _diagnosis(given: Array, numeric: Array) -> str:
    """What the mistake looks like."""

    def near(a: Array, b: Array) -> bool:
        return bool(np.allclose(a, b, rtol=1e-4, atol=1e-6 * float(np.abs(b).max())))

    if not np.isfinite(given).all():
        return "; the gradient is not finite"
    if not given.any():
        return "; the gradient is zero everywhere"
    if near(given, numeric.conj()):
        return "; it looks conjugated"
    square = float(np.vdot(numeric, numeric).real)
    factor = float(np.vdot(numeric, given).real) / square if square else 0.0
    if factor and near(given, factor * numeric):
        return "; its sign is wrong" if abs(factor + 1) < 1e-3 else f"; it looks {factor:.6g} times too large"
    if given.size > 1 and near(np.sort_complex(given), np.sort_complex(numeric)):
        return "; the values are right, but in the wrong places (transposed or flipped?)"
    return ""
