"""The operators, conv_transpose and conv, with their gradients and the shapes of their results.

conv_transpose is the map scatter, conv the map gather; their gradients are the other two maps of the same `Problem`::

                      y         gradient of x   gradient of w
    conv_transpose    scatter   gather          correlate
    conv              gather    scatter         correlate

Read `convt/core/execution.py` for the steps of a call, `problem.py` beside it for the rules on shapes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.arguments import as_shape
from ..core.call import CONV, CONV_TRANSPOSE, Operator, Outline
from ..core.execution import Gradients, backward, forward
from ..selection import BackendRequest

if TYPE_CHECKING:
    from ..typing import ArrayLike, ArrayT, GradientNames, LayoutName, NumPyLike, PaddingLike, ShapeLike, SizesLike

__all__ = [
    "Gradients",
    "conv",
    "conv_backward",
    "conv_shape",
    "conv_transpose",
    "conv_transpose_backward",
    "conv_transpose_shape",
]


def conv_transpose(
    x: ArrayT | NumPyLike,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: SizesLike = 1,
    padding: PaddingLike = 0,
    output_padding: SizesLike = 0,
    output_size: SizesLike | None = None,
    dilation: SizesLike = 1,
    groups: int = 1,
    layout: LayoutName | None = None,
    out: ArrayT | None = None,
    backend: BackendRequest = None,
) -> ArrayT:
    """Compute a transposed convolution over 1, 2 or 3 spatial axes.

    Every element of x adds a copy of the filter, scaled by it, to y: ``y[q * stride - before + tap * dilation] +=
    x[q] * w[tap]``. It is the transpose (the adjoint) of `conv` with the same w and options.

    Parameters
    ----------
    x : array_like, (N, C, *spatial) or (C, *spatial)
        float32 and float64 are computed in their own dtype, float16 and bfloat16 in float32, integers and bools in float64,
        complex numbers by their real and imaginary parts. An array of another library gives a result of the same kind.
    w : array_like, (C, K // groups, *kernel)
        The filter bank, in PyTorch's order for transposed convolution; its rank gives the number of spatial axes.
    bias : array_like, (K,), optional
        Added to each output channel.
    stride : int or sequence of int
        Distance in y between neighbouring elements of x. Here and below, an int counts for every spatial axis.
    padding : int, sequence of int or of (before, after) pairs, "valid", "same" or "same_lower"
        Number of elements to crop from each border of y; a negative number extends it. "same" makes the size of y that of
        x times stride; an odd element is cropped at the end ("same_lower": in front). "valid" is 0.
    output_padding : int or sequence of int
        Number of elements by which y is larger at the end, less than the stride or the dilation. They are computed like all
        others, not filled with zeros.
    output_size : int or sequence of int, optional
        The spatial size of y, instead of output_padding; must be one that some output_padding gives.
    dilation : int or sequence of int
        Distance in y between neighbouring taps of the filter.
    groups : int
        Number of independent groups of channels; must divide C. Output channels are ordered by group.
    layout : str, optional
        "NCHW" (the default; NCW, NCDHW), "NHWC" (w as kh, kw, K // groups, C) or "HWCN" (MatConvNet's; w likewise).
    out : numpy.ndarray or an array of the first argument's kind, optional
        Array to write y to, of y's shape and dtype. It may overlap the inputs. If a signal handler raises an exception
        during the call (KeyboardInterrupt), its content is undefined.
    backend : str, sequence of str or Backend, optional
        The backend for this call; see `use_backend`.

    Returns
    -------
    ndarray, (N, K, *size) or (K, *size)
        In the promoted dtype; in Fortran order if x is, else in C order. Per spatial axis
        ``size = (x_size - 1) * stride - before - after + (kernel - 1) * dilation + output_padding + 1``.

    Raises
    ------
    ValueError, TypeError
        An argument breaks a rule; the message names it. Raised before anything is computed.
    LookupError, BackendUnavailable
        The requested backend does not exist, or cannot be used.
    MemoryError
        The result cannot be allocated.

    See Also
    --------
    conv_transpose_backward, conv_transpose_shape, conv

    References
    ----------
    .. [1] V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
    .. [2] A. Vedaldi and K. Lenc, "MatConvNet", arXiv:1412.4564, VL_NNCONVT.

    Examples
    --------
    >>> import numpy as np, convt
    >>> x = np.array([[[1.0, 2.0]]])                     # 1 image, 1 channel, 2 elements
    >>> w = np.array([[[1.0, 10.0, 100.0]]])             # 1 input and 1 output channel, 3 taps
    >>> convt.conv_transpose(x, w, stride=2)
    array([[[  1.,  10., 102.,  20., 200.]]])
    """
    options = (layout, stride, padding, output_padding, output_size, dilation, groups)
    y: ArrayT = forward(CONV_TRANSPOSE, options, x, w, bias, out, backend)
    return y


def conv_transpose_backward(
    x: ArrayT | NumPyLike,
    w: ArrayLike,
    bias: ArrayLike | None,
    dy: ArrayLike,
    *,
    stride: SizesLike = 1,
    padding: PaddingLike = 0,
    output_padding: SizesLike = 0,
    output_size: SizesLike | None = None,
    dilation: SizesLike = 1,
    groups: int = 1,
    layout: LayoutName | None = None,
    needs: GradientNames = ("x", "w", "bias"),
    backend: BackendRequest = None,
) -> Gradients[ArrayT]:
    """Compute the gradients of `conv_transpose` from the gradient of its output.

    Parameters
    ----------
    x, w, bias, stride, padding, output_padding, output_size, dilation, groups, layout, backend
        As in `conv_transpose`; bias may be None.
    dy : array_like
        The gradient of a scalar with respect to y, in the shape of y.
    needs : collection of {"x", "w", "bias"}
        The gradients to compute.

    Returns
    -------
    Gradients
        Named tuple (x, w, bias) of arrays in the shapes of the arguments, in the dtype promoted from all four; None if not
        needed, or if there is no bias. Complex gradients follow PyTorch: the other operand is conjugated.

    Raises
    ------
    ValueError, TypeError, LookupError, BackendUnavailable, MemoryError
        As in `conv_transpose`.

    Examples
    --------
    >>> import numpy as np, convt
    >>> x, w = np.array([[[1.0, 2.0]]]), np.array([[[1.0, 10.0, 100.0]]])
    >>> dy = np.ones((1, 1, 5))
    >>> convt.conv_transpose_backward(x, w, None, dy, stride=2)
    Gradients(x=array([[[111., 111.]]]), w=array([[[3., 3., 3.]]]), bias=None)
    """
    options = (layout, stride, padding, output_padding, output_size, dilation, groups)
    return backward(CONV_TRANSPOSE, options, x, w, bias, dy, needs, backend)


def conv(
    x: ArrayT | NumPyLike,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: SizesLike = 1,
    padding: PaddingLike = 0,
    dilation: SizesLike = 1,
    groups: int = 1,
    layout: LayoutName | None = None,
    out: ArrayT | None = None,
    backend: BackendRequest = None,
) -> ArrayT:
    """Compute a convolution (the cross-correlation of machine learning) over 1, 2 or 3 spatial axes.

    ``y[q] += x[q * stride - before + tap * dilation] * w[tap]``, where x is zero outside its borders. The transpose (the
    adjoint) is `conv_transpose` with the same w and options.

    Parameters
    ----------
    x : array_like, (N, C, *spatial) or (C, *spatial)
        As in `conv_transpose`.
    w : array_like, (K, C // groups, *kernel)
        The filter bank, in PyTorch's order for convolution.
    bias : array_like, (K,), optional
        Added to each output channel.
    stride : int or sequence of int
        Distance in x between the windows of neighbouring elements of y.
    padding : int, sequence of int or of (before, after) pairs, "valid", "same" or "same_lower"
        Number of zeros to put at each border of x; a negative number crops it. "same" makes the size of y that of x divided
        by stride, rounded up; an odd zero is put at the end ("same_lower": in front). "valid" is 0.
    dilation : int or sequence of int
        Distance in x between neighbouring taps of the filter.
    groups : int
        Number of independent groups of channels; must divide C and K.
    layout, out, backend
        As in `conv_transpose`; w as (kh, kw, C // groups, K) in the layouts NHWC and HWCN.

    Returns
    -------
    ndarray, (N, K, *size) or (K, *size)
        Per spatial axis ``size = (x_size + before + after - (kernel - 1) * dilation - 1) // stride + 1``.

    Raises
    ------
    ValueError, TypeError, LookupError, BackendUnavailable, MemoryError
        As in `conv_transpose`.

    References
    ----------
    .. [1] V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.

    Examples
    --------
    >>> import numpy as np, convt
    >>> x = np.array([[[1.0, 2.0, 3.0, 4.0, 5.0]]])
    >>> w = np.array([[[1.0, 10.0, 100.0]]])
    >>> convt.conv(x, w, stride=2)
    array([[[321., 543.]]])
    """
    y: ArrayT = forward(CONV, (layout, stride, padding, dilation, groups), x, w, bias, out, backend)
    return y


def conv_backward(
    x: ArrayT | NumPyLike,
    w: ArrayLike,
    bias: ArrayLike | None,
    dy: ArrayLike,
    *,
    stride: SizesLike = 1,
    padding: PaddingLike = 0,
    dilation: SizesLike = 1,
    groups: int = 1,
    layout: LayoutName | None = None,
    needs: GradientNames = ("x", "w", "bias"),
    backend: BackendRequest = None,
) -> Gradients[ArrayT]:
    """Compute the gradients of `conv` from the gradient of its output.

    Parameters
    ----------
    x, w, bias, stride, padding, dilation, groups, layout, backend
        As in `conv`; bias may be None.
    dy, needs
        As in `conv_transpose_backward`.

    Returns
    -------
    Gradients
        As in `conv_transpose_backward`.

    Raises
    ------
    ValueError, TypeError, LookupError, BackendUnavailable, MemoryError
        As in `conv_transpose`.

    Examples
    --------
    >>> import numpy as np, convt
    >>> x, w = np.ones((1, 1, 5)), np.array([[[1.0, 10.0, 100.0]]])
    >>> convt.conv_backward(x, w, None, np.ones((1, 1, 2)), stride=2, needs=["x"]).x
    array([[[  1.,  10., 101.,  10., 100.]]])
    """
    return backward(CONV, (layout, stride, padding, dilation, groups), x, w, bias, dy, needs, backend)


def conv_transpose_shape(
    x_shape: ShapeLike,
    w_shape: ShapeLike,
    *,
    stride: SizesLike = 1,
    padding: PaddingLike = 0,
    output_padding: SizesLike = 0,
    output_size: SizesLike | None = None,
    dilation: SizesLike = 1,
    groups: int = 1,
    layout: LayoutName | None = None,
) -> tuple[int, ...]:
    """Return the shape of `conv_transpose`'s result, checked by the same rules, without any array.

    Parameters
    ----------
    x_shape, w_shape : sequence of int
        The shapes of x and w.
    stride, padding, output_padding, output_size, dilation, groups, layout
        As in `conv_transpose`.

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError, TypeError
        As `conv_transpose` would.

    Examples
    --------
    >>> import convt
    >>> convt.conv_transpose_shape((8, 64, 28, 28), (64, 32, 4, 4), stride=2, padding=1)
    (8, 32, 56, 56)
    """
    options = (layout, stride, padding, output_padding, output_size, dilation, groups)
    return _shape(CONV_TRANSPOSE, options, x_shape, w_shape)


def conv_shape(
    x_shape: ShapeLike,
    w_shape: ShapeLike,
    *,
    stride: SizesLike = 1,
    padding: PaddingLike = 0,
    dilation: SizesLike = 1,
    groups: int = 1,
    layout: LayoutName | None = None,
) -> tuple[int, ...]:
    """Return the shape of `conv`'s result, checked by the same rules, without any array.

    Parameters
    ----------
    x_shape, w_shape : sequence of int
        The shapes of x and w.
    stride, padding, dilation, groups, layout
        As in `conv`.

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError, TypeError
        As `conv` would.

    Examples
    --------
    >>> import convt
    >>> convt.conv_shape((8, 32, 56, 56), (64, 32, 4, 4), stride=2, padding=1)
    (8, 64, 28, 28)
    """
    options = (layout, stride, padding, dilation, groups)
    return _shape(CONV, options, x_shape, w_shape)


def _shape(operator: Operator, options: tuple[Any, ...], x_shape: Any, w_shape: Any) -> tuple[int, ...]:
    pairs = ("x_shape", x_shape), ("w_shape", w_shape)
    x, w = (Outline(as_shape(name, shape), np.dtype(np.float64)) for name, shape in pairs)
    return operator.checked(options, x, w).shape
