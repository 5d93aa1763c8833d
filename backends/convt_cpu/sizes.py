"""Sizes that every plan rounds, aligns and orders alike; `_sizes.pxd` has them for plans in Cython."""

from __future__ import annotations

__all__ = ["LINE", "aligned", "ceil_div", "three_axes"]

LINE = 64  # bytes of a cache line; all scratch memory is aligned to it


def ceil_div(a: int, b: int) -> int:
    """a / b rounded up; b is positive."""
    return -(-a // b)


def aligned(size: int) -> int:
    """Bytes, rounded up to whole cache lines."""
    return ceil_div(size, LINE) * LINE


def three_axes(values: tuple[int, ...], order: tuple[int, ...], missing: int) -> tuple[int, ...]:
    """Values per spatial axis in the walking order, with axes of the value `missing` in front."""
    return (missing,) * (3 - len(order)) + tuple(values[axis] for axis in order)
