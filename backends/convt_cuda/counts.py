"""`Count` of kernels/geometry.cuh: a number that the kernels divide by, as integers that let them multiply instead."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

__all__ = ["ONE", "count", "fits_int"]

_LONG, _SHORT = 62, 31  # bits of what is divided
_INT = 2**30  # below the largest int by what a row of threads may overshoot


@lru_cache(maxsize=4096)
def count(value: int) -> tuple[int, int, int, int]:
    """The number, its multipliers for 62 bits and for 31, and how far products are shifted besides.

    With 2**shift >= value, ceil(2**(bits + shift) / value) is too large by less than what could change a quotient.

    Examples
    --------
    >>> from convt_cuda.counts import count
    >>> value, multiplier, short, shift = count(7)
    >>> 1000 * multiplier >> 62 + shift, 1000 * short >> 31 + shift
    (142, 142)
    """
    if value < 1:
        return value, 0, 0, 0  # of an array without elements
    shift = (value - 1).bit_length()
    return value, -(-(1 << _LONG + shift) // value), -(-(1 << _SHORT + shift) // value), shift


ONE = count(1)


def fits_int(counts: Iterable[int]) -> bool:
    """Whether kernels can count so far by an int."""
    return max(counts, default=0) < _INT
