"""Second derivatives for dask arrays, of the lazy operators and their gradients.

`convt/functions/double_backward.py` has the formulas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np

from ..core.arguments import as_names
from ..functions.double_backward import DoubleGradients
from ..selection import BackendRequest
from .arguments import Array, as_chunked, as_constant, as_lazy
from .operators import conv, conv_backward, conv_transpose, conv_transpose_backward

if TYPE_CHECKING:
    from ..typing import ArrayLike, LayoutName, PaddingLike, SecondGradientNames, SizesLike

__all__ = ["conv_double_backward", "conv_transpose_double_backward"]

_ARGUMENTS = ("x", "w", "dy")


def conv_transpose_double_backward(
    x: Array,
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
) -> DoubleGradients[Array]:
    """Compute `convt.conv_transpose_double_backward` lazily.

    Parameters
    ----------
    x, w, bias, dy, stride, padding, output_padding, output_size, dilation, groups, layout, backend
        As in `conv_transpose_backward`.
    ddx : dask.array.Array, array_like or None
        As in `convt.conv_transpose_double_backward`.
    ddw, ddbias : array_like or None
        Likewise; NumPy's, which are copied, or dask arrays of one chunk.
    needs : collection of {"x", "w", "dy"}
        The gradients to compute.

    Returns
    -------
    DoubleGradients
        Named tuple (x, w, dy) of dask arrays: x's in the chunks of x, of which small ones are merged, w's in one chunk, dy's
        in the chunks of `conv_transpose`; None if not needed, or if zero.

    Raises
    ------
    ValueError, TypeError, LookupError
        As in `conv_transpose`.

    Examples
    --------
    >>> import dask.array as da, numpy as np, convt
    >>> x, w, dy = da.ones((1, 1, 600), chunks=(1, 1, 200)), np.ones((1, 1, 4)), da.ones((1, 1, 603))
    >>> dx = convt.conv_transpose_backward(x, w, None, dy).x
    >>> convt.conv_transpose_double_backward(x, w, None, dy, dx, None).w.compute()
    array([[[2400., 2400., 2400., 2400.]]])
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
    return _double_backward(conv_transpose, conv_transpose_backward, x, w, bias, dy, (ddx, ddw, ddbias), needs, options)


def conv_double_backward(
    x: Array,
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
) -> DoubleGradients[Array]:
    """Compute `convt.conv_double_backward` lazily; all is as in `conv_transpose_double_backward`."""
    options = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "layout": layout,
        "backend": backend,
    }
    return _double_backward(conv, conv_backward, x, w, bias, dy, (ddx, ddw, ddbias), needs, options)


def _double_backward(
    forward: Any,
    backward: Any,
    x: Any,
    w: Any,
    bias: Any,
    dy: Any,
    seconds: tuple[Any, ...],
    needs: Any,
    options: dict[str, Any],
) -> DoubleGradients[Array]:
    wanted = as_names("needs", needs, _ARGUMENTS)
    x, dy = as_lazy("x", x), as_chunked("dy", dy)
    backward(x, w, bias, dy, needs=(), **options)  # checks the arguments
    ddx, ddw, ddbias = seconds
    if ddx is not None:
        ddx = as_chunked("ddx", ddx)
        _check_shape("x", ddx, x)
    if ddw is not None:
        _check_shape("w", as_constant("ddw", ddw), as_constant("w", w))
    if ddbias is not None:
        _check_shape("bias", as_constant("ddbias", ddbias), None if bias is None else as_constant("bias", bias))
    of_x = of_w = of_dy = None
    if "x" in wanted and ddw is not None:
        of_x = backward(x, ddw, None, dy, needs=("x",), **options).x
    if "w" in wanted and ddx is not None:
        of_w = backward(ddx, w, None, dy, needs=("w",), **options).w
    if "dy" in wanted and not (ddx is ddw is ddbias is None):
        terms = [pair for pair in ((ddx, w), (x, ddw)) if pair[0] is not None and pair[1] is not None]
        first, *second = terms or [(da.zeros_like(x), _zeros(w))]
        of_dy = forward(*first, ddbias, **options)
        for pair in second:
            of_dy = of_dy + forward(*pair, chunks=of_dy.chunks, **options)
    return DoubleGradients(of_x, of_w, of_dy)


def _zeros(w: Any) -> np.ndarray:
    constant = as_constant("w", w)
    return np.zeros(constant.shape, constant.dtype)


def _check_shape(name: str, second: Any, first: Any) -> None:
    """Raise unless dd`name` has the shape of an argument, which may be None."""
    if first is None:
        raise ValueError(f"dd{name} must be None where {name} is, got an array of shape {second.shape}")
    if second.shape != first.shape:
        raise ValueError(f"dd{name}.shape must equal {name}'s {first.shape}, got {second.shape}")
