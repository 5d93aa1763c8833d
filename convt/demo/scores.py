"""The scores: peak signal-to-noise ratios, and their table."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .photograph import Array

__all__ = ["psnr", "table"]


def psnr(picture: Array, original: Array) -> float:
    """Peak signal-to-noise ratio over all channels.

    Parameters
    ----------
    picture, original : ndarray
        Of one shape, with a full range from 0 to 1; what lies outside is clipped, as a screen does.

    Returns
    -------
    float
        In dB: ``-10 * log10(mean squared error)``; infinite for equal pictures.

    Examples
    --------
    >>> import numpy as np
    >>> from convt.demo.scores import psnr
    >>> round(psnr(np.full(10, 0.6), np.full(10, 0.5)), 6)
    20.0
    """
    error = np.mean((np.clip(picture, 0, 1).astype(np.float64) - original) ** 2)
    return float(-10 * np.log10(error)) if error else float("inf")


def table(scores: Mapping[str, float]) -> str:
    """The scores as aligned text.

    Parameters
    ----------
    scores : mapping of str to float
        PSNR in dB by method; "bilinear" is what the others are compared with.

    Returns
    -------
    str
        A line of titles, then one per method.

    Examples
    --------
    >>> from convt.demo.scores import table
    >>> print(table({"bilinear": 30.0, "learned": 31.5}))
    method     PSNR (dB)   vs bilinear
    bilinear       30.00         +0.00
    learned        31.50         +1.50
    """
    lines = [f"{'method':<10} {'PSNR (dB)':>9}   {'vs bilinear':>11}"]
    for method, score in scores.items():
        lines.append(f"{method:<10} {score:>9.2f}   {score - scores['bilinear']:>+11.2f}")
    return "\n".join(lines)
