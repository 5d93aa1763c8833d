"""Agreement: whether two contenders computed the same, which is asked before anybody's time counts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["TOLERANCE", "arrays", "difference"]

TOLERANCE = {"float32": 1e-4, "float64": 1e-11}  # of the largest value; bfloat16 and TF32 are off by ten times as much


def arrays(answer: Any) -> list[NDArray[Any]]:
    """The arrays of a contender's answer: one, or a tuple of them with None for what was not asked."""
    parts = answer if isinstance(answer, tuple) else (answer,)
    return [np.asarray(part) for part in parts if part is not None]


def difference(theirs: Any, ours: Any) -> float:
    """How far two answers are apart.

    Parameters
    ----------
    theirs, ours : array_like or tuple of array_like

    Returns
    -------
    float
        The largest difference as a fraction of the largest value; infinite for other shapes, or where one has no number.

    Examples
    --------
    >>> from convt.bench.agreement import difference
    >>> difference([4.0, 8.0], [4.0, 10.0])
    0.2
    >>> difference([1.0], [1.0, 2.0])
    inf
    """
    pairs = (arrays(theirs), arrays(ours))
    if [part.shape for part in pairs[0]] != [part.shape for part in pairs[1]]:
        return float("inf")
    return max((_difference(*pair) for pair in zip(*pairs, strict=True)), default=0.0)


def _difference(a: NDArray[Any], b: NDArray[Any]) -> float:
    distance = float(np.abs(a - b).max(initial=0))
    largest = float(np.abs(b).max(initial=0))
    if not np.isfinite(distance):
        return float("inf")
    return distance / largest if largest else distance
