"""Filter banks to start from: kernels whose transposed convolution is a known way to enlarge.

Read `upscale.py` for the borders and the padding that go with them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .options import as_size

__all__ = ["bilinear"]


def bilinear(scale: int, channels: int = 1) -> NDArray[np.float64]:
    """The filter with which a transposed convolution interpolates bilinearly.

    Each filter is the product of two triangles. With ``stride=scale``, ``padding=scale // 2`` and ``groups=channels``,
    `conv_transpose` then gives y of exactly scale times x's size, aligned at the pixels' outer corners. Outside x counts
    as zero, so that y darkens along its border unless x is extended first.

    Parameters
    ----------
    scale : int
        Fine elements per coarse element along each axis, at least 1.
    channels : int
        Channels, each of which is interpolated on its own.

    Returns
    -------
    ndarray of float64, (channels, 1, k, k)
        With ``k = 2 * scale - scale % 2``; each of the scale x scale phases sums to 1.

    Raises
    ------
    ValueError, TypeError
        scale or channels is no integer of at least 1.

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
    scale, channels = _at_least_1("scale", scale), _at_least_1("channels", channels)
    size = 2 * scale - scale % 2
    triangle = 1 - np.abs(np.arange(size) - (size - 1) / 2) / scale
    return np.tile(np.outer(triangle, triangle), (channels, 1, 1, 1))


def _at_least_1(name: str, value: Any) -> int:
    number = as_size(name, value)
    if number < 1:
        raise ValueError(f"{name} must be at least 1, got {number}")
    return number
