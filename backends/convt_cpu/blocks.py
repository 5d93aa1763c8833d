"""How arrays lie in memory: as (outer, z, y, x, inner) wherever channels and images lie outside or inside of the pixels.

That covers all layouts without a copy. Arrays that lie otherwise, or not all alike, are copied.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Blocks", "in_blocks", "written"]


class Blocks(NamedTuple):
    """Arrays of one call as (outer, z, y, x, inner).

    Attributes
    ----------
    arrays : list of ndarray
        Contiguous, in that order; axes of size 1 may be missing. The last ones are outputs; those that had to be copied
        belong to `written`.
    outer, inner : int
    turned : bool
        Whether (z, y, x) are the spatial axes the other way round.
    """

    arrays: list[Any]
    outer: int
    inner: int
    turned: bool


def in_blocks(arrays: list[Any], *, outputs: int = 1, turn: bool = False) -> Blocks:
    """View, or copy, arrays (N, C, *spatial), of which the last are outputs.

    Parameters
    ----------
    arrays : list of ndarray
    outputs : int
    turn : bool
        Whether the spatial axes may be turned round.
    """
    axes = arrays[0].ndim - 2
    for array in arrays:
        if not array.flags.c_contiguous:
            break
    else:  # most calls
        return Blocks(arrays, arrays[0].shape[0] * arrays[0].shape[1], 1, False)
    spatial = tuple(range(2, axes + 2))
    for inside in (spatial, spatial[::-1]) if turn and axes > 1 else (spatial,):
        for outside in ((0, 1), (0,), (), (1,), (1, 0)):
            rest = [axis for axis in (0, 1) if axis not in outside]
            for last in {tuple(rest), tuple(rest[::-1])}:
                order = (*outside, *inside, *last)
                if all(array.transpose(order).flags.c_contiguous for array in arrays):
                    return _as_blocks(arrays, len(outside), order)
    first = len(arrays) - outputs
    copies = [np.ascontiguousarray(array) for array in arrays[:first]]
    copies += [array if array.flags.c_contiguous else np.empty(array.shape, array.dtype) for array in arrays[first:]]
    return _as_blocks(copies, 2, tuple(range(axes + 2)))


def written(blocks: Blocks, outputs: list[Any]) -> None:
    """Copy outputs to where they belong, if they are not there already."""
    for made, wanted in zip(blocks.arrays[-len(outputs) :], outputs, strict=True):
        if made is not wanted and made.size and not np.may_share_memory(made, wanted):
            wanted[...] = made


def _as_blocks(arrays: list[Any], outside: int, order: tuple[int, ...]) -> Blocks:
    shape = [arrays[0].shape[axis] for axis in order]
    axes = len(order) - 2
    turned = axes > 1 and order[outside] > order[outside + 1]
    moved = [array.transpose(order) for array in arrays]
    return Blocks(moved, prod(shape[:outside]), prod(shape[outside + axes :]), turned)
