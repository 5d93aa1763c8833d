"""Second derivatives: the gradients of the backward functions, by the same three maps.

The gradients of `conv_transpose` are bilinear: that of x is gather(dy, w), that of w is correlate(dy, x). A scalar that
depends on them, such as a gradient penalty, has gradients with respect to x, w and dy::

    of x     gather(dy, ddw)
    of w     correlate(dy, ddx)
    of dy    scatter(ddx, w) + scatter(x, ddw) + ddbias

and those of `conv` are the same with scatter and gather exchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, NamedTuple

import numpy as np

from ..core.arguments import as_names
from ..core.arrays import ArrayT
from ..core.bfloat16 import added
from ..core.constant import Filters, unwrapped
from ..core.containers import by_library
from ..core.memory import HostMemory, Memory, memory_of
from ..selection import BackendRequest
from .operators import conv, conv_backward, conv_transpose, conv_transpose_backward

if TYPE_CHECKING:
    from ..typing import ArrayLike, LayoutName, NumPyLike, PaddingLike, SecondGradientNames, SizesLike

__all__ = ["DoubleGradients", "conv_double_backward", "conv_transpose_double_backward"]

_ARGUMENTS = ("x", "w", "dy")


class DoubleGradients(NamedTuple, Generic[ArrayT]):
    """The gradients of a backward function, in the shapes of its arguments; None if not needed, or if zero."""

    x: ArrayT | Any  # as in `Gradients`
    w: ArrayT | Any
    dy: ArrayT | Any


def conv_transpose_double_backward(
    x: ArrayT | NumPyLike,
    w: ArrayLike,
    bias: ArrayLike | None,
    dy: ArrayLike,
    ddx: ArrayLike | None,
    ddw: ArrayLike | None,
    ddbias: ArrayLike | None = None,
    *,
    stride: SizesLike = 1,
    padding: PaddingLike = 0,
    output_padding: SizesLike = 0,
    output_size: SizesLike | None = None,
    dilation: SizesLike = 1,
    groups: int = 1,
    layout: LayoutName | None = None,
    needs: SecondGradientNames = ("x", "w", "dy"),
    backend: BackendRequest = None,
) -> DoubleGradients[ArrayT]:
    """Compute the gradients of `conv_transpose_backward` from the gradients of its results.

    Parameters
    ----------
    x, w, bias, dy, stride, padding, output_padding, output_size, dilation, groups, layout, backend
        As in `conv_transpose_backward`.
    ddx, ddw, ddbias : array_like or None
        The gradients of a scalar with respect to the gradients of x, w and bias that `conv_transpose_backward` returned, in
        their shapes; None for one that it does not depend on. ddbias must be None if there is no bias.
    needs : collection of {"x", "w", "dy"}
        The gradients to compute.

    Returns
    -------
    DoubleGradients
        Named tuple (x, w, dy) of arrays in the shapes of the arguments, in the dtype promoted from the arrays they depend
        on; None if not needed, or if zero because these are None. No gradient depends on the bias.

    Raises
    ------
    ValueError, TypeError, LookupError, BackendUnavailable, MemoryError
        As in `conv_transpose`.

    References
    ----------
    .. [1] B. A. Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6(1), 1994.
    .. [2] I. Gulrajani et al., "Improved training of Wasserstein GANs", arXiv:1704.00028: a penalty that needs this.

    Examples
    --------
    The gradient of ``(dx ** 2).sum() / 2`` with respect to w:

    >>> import numpy as np, convt
    >>> x, w, dy = np.array([[[1.0, 2.0]]]), np.array([[[1.0, 10.0, 100.0]]]), np.ones((1, 1, 5))
    >>> dx = convt.conv_transpose_backward(x, w, None, dy, stride=2).x
    >>> convt.conv_transpose_double_backward(x, w, None, dy, dx, None, stride=2).w
    array([[[222., 222., 222.]]])
    """
    options = {
        "stride": stride,
        "padding": padding,
        "output_padding": output_padding,
        "output_size": output_size,
        "dilation": dilation,
        "groups": groups,
        "layout": layout,
        "backend": backend,
    }
    arguments, seconds = {"x": x, "w": w, "bias": bias, "dy": dy}, {"x": ddx, "w": ddw, "bias": ddbias}
    return _double_backward(conv_transpose, conv_transpose_backward, arguments, seconds, needs, options)


def conv_double_backward(
    x: ArrayT | NumPyLike,
    w: ArrayLike,
    bias: ArrayLike | None,
    dy: ArrayLike,
    ddx: ArrayLike | None,
    ddw: ArrayLike | None,
    ddbias: ArrayLike | None = None,
    *,
    stride: SizesLike = 1,
    padding: PaddingLike = 0,
    dilation: SizesLike = 1,
    groups: int = 1,
    layout: LayoutName | None = None,
    needs: SecondGradientNames = ("x", "w", "dy"),
    backend: BackendRequest = None,
) -> DoubleGradients[ArrayT]:
    """Compute the gradients of `conv_backward` from the gradients of its results.

    Parameters
    ----------
    x, w, bias, dy, stride, padding, dilation, groups, layout, backend
        As in `conv_backward`.
    ddx, ddw, ddbias, needs
        As in `conv_transpose_double_backward`.

    Returns
    -------
    DoubleGradients
        As in `conv_transpose_double_backward`.

    Raises
    ------
    ValueError, TypeError, LookupError, BackendUnavailable, MemoryError
        As in `conv`.

    Examples
    --------
    The gradient of ``dw.sum()`` with respect to dy is the convolution of x with a filter of ones:

    >>> import numpy as np, convt
    >>> x, w, dy = np.array([[[1.0, 2.0, 3.0, 4.0]]]), np.array([[[1.0, 10.0]]]), np.ones((1, 1, 3))
    >>> convt.conv_double_backward(x, w, None, dy, None, np.ones_like(w)).dy
    array([[[3., 5., 7.]]])
    """
    options = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "layout": layout,
        "backend": backend,
    }
    arguments, seconds = {"x": x, "w": w, "bias": bias, "dy": dy}, {"x": ddx, "w": ddw, "bias": ddbias}
    return _double_backward(conv, conv_backward, arguments, seconds, needs, options)


def _double_backward(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    arguments: dict[str, Any],
    seconds: dict[str, Any],
    needs: Any,
    options: dict[str, Any],
) -> DoubleGradients[Any]:
    if type(arguments["x"]) is not np.ndarray:
        given = arguments | {f"dd{name}": value for name, value in seconds.items()} | {"needs": needs} | options
        made: DoubleGradients[Any] = by_library(f"{forward.__name__}_double_backward", given.pop("x"), **given)
        if made is not NotImplemented:
            return made
    wanted = as_names("needs", needs, _ARGUMENTS)
    memory = memory_of(*arguments.values(), *seconds.values())
    given = {name: _accept(memory, name, value) for name, value in arguments.items() if value is not None or name != "bias"}
    x, w, dy, bias = given["x"], given["w"], given["dy"], given.get("bias")
    backward(x, w, bias, dy, needs=(), **options)  # checks the arguments, computes nothing
    ddx, ddw, ddbias = (_accept_second(memory, name, value, given.get(name)) for name, value in seconds.items())
    of_x = of_w = of_dy = None
    if "x" in wanted and ddw is not None:
        of_x = backward(x, ddw, None, dy, needs=("x",), **options).x
    if "w" in wanted and ddx is not None:
        of_w = backward(ddx, w, None, dy, needs=("w",), **options).w
    if "dy" in wanted and not (ddx is ddw is ddbias is None):
        terms = [pair for pair in ((ddx, w), (x, ddw)) if pair[0] is not None and pair[1] is not None]
        first, *second = terms or [(_zeros(memory, x), _zeros(memory, w))]
        of_dy = forward(*first, ddbias, **options)
        for pair in second:
            of_dy = added(of_dy, forward(*pair, **options))
    return DoubleGradients(*(_given_back(memory, gradient) for gradient in (of_x, of_w, of_dy)))


def _accept(memory: Memory, name: str, value: Any) -> Any:
    """Check an argument. Return it as a NumPy array, or as it is where it lies on a device, or is declared constant."""
    array = _taken(memory, name, value)
    return array if isinstance(memory, HostMemory) and not isinstance(value, Filters) else value


def _taken(memory: Memory, name: str, value: Any) -> Any:
    """Take in an argument, which may be filters that are declared constant."""
    array, place = unwrapped(value)
    return memory.take_in(name, array) if place is None else memory.constant(array, place)


def _accept_second(memory: Memory, name: str, value: Any, like: Any) -> Any:
    """Check ddx, ddw or ddbias, which must have the shape of x, w or bias; return it as `_accept` does."""
    if value is None:
        return None
    shape = memory.take_in(f"dd{name}", value).shape
    if like is None:
        raise ValueError(f"dd{name} must be None where {name} is, got an array of shape {shape}")
    if shape != (wanted := _taken(memory, name, like).shape):
        raise ValueError(f"dd{name}.shape must equal {name}'s {wanted}, got {shape}")
    return _accept(memory, f"dd{name}", value)


def _zeros(memory: Memory, like: Any) -> Any:
    """Return zeros in the shape and dtype of an accepted array."""
    array = _taken(memory, "x", like)
    if isinstance(memory, HostMemory):
        return memory.zeros(array.shape, array.dtype, array)
    return memory.give_back(memory.zeros(array.shape, array.dtype, array), None, array.dtype)


def _given_back(memory: Memory, gradient: Any) -> Any:
    """Return a gradient as the caller's kind of array, which one on a device already is."""
    if gradient is None or not isinstance(memory, HostMemory):
        return gradient
    return memory.give_back(gradient, None, gradient.dtype)
