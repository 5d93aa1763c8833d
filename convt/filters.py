"""Filters that are declared constant, and filter banks with which a transposed convolution interpolates.

`convt.Filters` make repeated calls with the same filters faster. The banks are first values for layers that learn; to
enlarge by a fixed method, use `convt.upsample`, which treats the borders too.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .core.arguments import BYTES_LIMIT, as_count, as_flag, as_sizes, per_axis
from .core.constant import Filters
from .core.containers import as_numbers
from .core.layout import layout_for

if TYPE_CHECKING:
    from .typing import ArrayLike, LayoutName, SizesLike

__all__ = ["Filters", "bilinear", "icnr"]


def bilinear(scale: int, channels: int = 1) -> NDArray[np.float64]:
    """Make the filters with which a transposed convolution interpolates bilinearly.

    Each filter is the product of two triangles. With ``stride=scale``, ``padding=scale // 2`` and ``groups=channels``,
    `convt.conv_transpose` then gives y of exactly scale times x's size, aligned at the outer edges of the pixels. Pixels
    outside x count as zero, so y darkens along its border unless x is padded first; `convt.upsample` needs no padding.

    Parameters
    ----------
    scale : int
        Number of elements of y per element of x along each axis, at least 1.
    channels : int
        Number of channels; each is interpolated by itself.

    Returns
    -------
    ndarray of float64, (channels, 1, k, k)
        With ``k = 2 * scale - scale % 2``; each of the scale x scale phases sums to 1.

    Raises
    ------
    ValueError, TypeError
        scale or channels is not an integer of at least 1.

    References
    ----------
    .. [1] J. Long, E. Shelhamer and T. Darrell, "Fully convolutional networks for semantic segmentation",
           arXiv:1411.4038.

    Examples
    --------
    >>> import numpy as np, convt
    >>> from convt import filters
    >>> filters.bilinear(2)[0, 0, 1] / 0.75
    array([0.25, 0.75, 0.75, 0.25])
    >>> x = np.array([[[0.0, 4.0], [0.0, 4.0]]])
    >>> x = np.pad(x, [(0, 0), (1, 1), (1, 1)], mode="edge")
    >>> convt.conv_transpose(x, filters.bilinear(2), stride=2, padding=1 + 2)[0, 0]
    array([0., 1., 3., 4.])
    """
    scale, channels = as_count("scale", scale), as_count("channels", channels)
    size = 2 * scale - scale % 2
    _check_bytes("scale" if scale > channels else "channels", max(scale, channels), 8 * channels * size * size)
    triangle = 1 - np.abs(np.arange(size) - (size - 1) / 2) / scale
    return np.tile(np.outer(triangle, triangle), (channels, 1, 1, 1))


def icnr(w: ArrayLike, scale: SizesLike, *, layout: LayoutName | None = None, pixel_shuffle: bool = False) -> NDArray[Any]:
    """Make filters with which a transposed convolution starts without checkerboard patterns.

    ICNR, "initialized to convolution, nearest-neighbour resized": each value of w is repeated, so that with ``stride=scale``
    all phases of the output are the same, and ::

        conv_transpose(x, icnr(w, scale), stride=scale)  ==  conv_transpose(x, w)  enlarged by nearest neighbours

    until training changes that. (A phase is the elements of the output whose positions have the same remainder modulo the
    stride. Random filters make the phases independent of each other, which shows as a pattern that repeats with the stride.)
    Padding does not change this property.

    Parameters
    ----------
    w : array_like, (C, K // groups, *kernel)
        The small filters, initialized as for a convolution that keeps the size; 1 to 3 spatial axes.
    scale : int or sequence of int
        The stride of the transposed convolution.
    layout : str, optional
        The layout of w, as in `convt.conv_transpose`.
    pixel_shuffle : bool
        Make filters for a convolution that is followed by a pixel shuffle instead: w is then (K, C // groups, *kernel), as
        `convt.conv` takes it, and each output channel is repeated ``prod(scale)`` times.

    Returns
    -------
    ndarray, (C, K // groups, *kernel * scale), or (K * prod(scale), C // groups, *kernel)
        In w's dtype and axis order; each value appears ``prod(scale)`` times.

    Raises
    ------
    ValueError, TypeError
        w does not have 3 to 5 axes, scale is not an integer of at least 1 per axis, or layout is not one for w's axes.

    References
    ----------
    .. [1] A. Aitken, C. Ledig, L. Theis, J. Caballero, Z. Wang and W. Shi, "Checkerboard artifact free sub-pixel
           convolution", arXiv:1707.02937.

    Examples
    --------
    >>> import numpy as np, convt
    >>> from convt import filters
    >>> w = filters.icnr([[[1.0, 10.0]]], 2)
    >>> w
    array([[[ 1.,  1., 10., 10.]]])
    >>> convt.conv_transpose([[[1.0, 2.0]]], w, stride=2)
    array([[[ 1.,  1., 12., 12., 20., 20.]]])
    """
    bank, shuffled = as_numbers("w", w), as_flag("pixel_shuffle", pixel_shuffle)
    axes = bank.ndim - 2
    if not 1 <= axes <= 3:
        raise ValueError(f"w must have 3, 4 or 5 axes (two of channels and 1 to 3 spatial ones), got {bank.ndim}")
    outputs, _, *spatial = layout_for(layout, axes).kernel
    scales = per_axis("scale", as_sizes("scale", scale), axes, least=1)
    _check_bytes("scale", scale, prod(scales) * bank.nbytes)
    if shuffled:
        return np.repeat(bank, prod(scales), axis=outputs)
    for axis, times in zip(spatial, scales, strict=True):
        bank = np.repeat(bank, times, axis=axis)
    return bank


def _check_bytes(name: str, value: Any, size: int) -> None:
    """Raise for filters that no machine can hold; for those that only this one cannot, NumPy raises a MemoryError."""
    if size >= BYTES_LIMIT:
        raise ValueError(f"{name} must be small enough for a filter bank of fewer than 2**62 bytes, got {value}")
