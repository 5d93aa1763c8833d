"""The kernels of a correlate plan: how the outer product of a position and a run of taps is cut into registers.

One side of the product is the coarse channels of the position, the other one the elements of the run. Either side can lie
along the vectors; the other one is broadcast, row by row. The fewest cycles win.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from .._kernels import kernels
from ..sizes import ceil_div

__all__ = ["CHUNK", "Shape", "best_shape"]

CHUNK = 256  # CONVT_CHUNK: positions that a kernel sums before its registers go to memory

_CALL = 40  # cycles for calling a kernel
_WIDTHS = (32, 48, 64)  # fine channels that are packed together, if there are more


class Shape(NamedTuple):
    """A way to cut an outer product.

    Attributes
    ----------
    cycles : float
        For one position and one run of all fine channels.
    fine_lanes : bool
        Whether vectors lie along the run, else along the coarse channels.
    fine_block : int
        Fine channels that are packed together.
    unit, tile : int
        Rows and vectors of a kernel.
    """

    cycles: float
    fine_lanes: bool
    fine_block: int
    unit: int
    tile: int


@lru_cache(maxsize=1024)
def best_shape(coarse: int, fine: int, run: int, isa: str, lanes: int) -> Shape:
    """The fastest way to cut the outer products of a position and a run into kernels."""
    widths = [width for width in _WIDTHS if width < fine] + [fine] * (fine <= 64)
    return min(
        (shape for width in widths for lie in (True, False) for shape in _shapes(coarse, fine, width, run, lie, isa, lanes)),
        key=lambda shape: shape.cycles,
    )


def _shapes(coarse: int, fine: int, width: int, run: int, fine_lanes: bool, isa: str, lanes: int) -> Iterator[Shape]:
    """One for each number of vectors, with blocks of `width` fine channels."""
    exist = _existing(isa)
    blocks = [(fine // width, run * width)] + [(1, run * (fine % width))] * (fine % width > 0)
    longest = coarse if fine_lanes else run * width
    for tile, most in {vectors: rows for rows, vectors in sorted(exist)}.items():
        unit = ceil_div(longest, ceil_div(longest, most))
        cycles = 0.0
        for times, length in blocks:
            rows, vectors = (coarse, ceil_div(length, lanes)) if fine_lanes else (length, ceil_div(coarse, lanes))
            cycles += times * _cycles(rows, vectors, unit, tile, exist)
        yield Shape(cycles, fine_lanes, width, unit, tile)


def _cycles(rows: int, vectors: int, unit: int, tile: int, exist: frozenset[tuple[int, int]]) -> float:
    """For one position of so many rows and vectors, which are cut as ``correlate_strip.h`` does."""
    rest = rows % unit
    total = 0.0
    while vectors:
        more = min(vectors, tile)
        while (unit, more) not in exist or (rest or unit, more) not in exist:
            more -= 1
        times = vectors // more
        total += times * (rows // unit * _kernel_cycles(unit, more) + (_kernel_cycles(rest, more) if rest else 0))
        vectors -= times * more
    return total


def _kernel_cycles(rows: int, vectors: int) -> float:
    """Of a kernel, for one position: multiply-adds, or loads, or the time until a sum can be added to again."""
    return max(rows * vectors / 2, (rows + 2 * vectors + 3) / 2, 4) + (rows * vectors + _CALL) / CHUNK


@lru_cache(maxsize=8)
def _existing(isa: str) -> frozenset[tuple[int, int]]:
    return frozenset(kernels(isa))
