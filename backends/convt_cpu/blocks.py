"""How arrays lie in memory: as (outer, z, y, x, inner) wherever channels and images lie outside or inside of the pixels.

That covers all layouts without a copy. Of arrays that lie otherwise, or not all alike, some images or channels are copied at
a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Blocks", "in_blocks"]

_COPIED = 1 << 23  # bytes of copies, or one channel of each array


Blocks: TypeAlias = tuple[list[Any], int, int, bool]
"""The arrays of one call as (outer, z, y, x, inner): the arrays, outer, inner, turned.

The arrays are contiguous in that order; axes of size 1 may be missing; the last ones are outputs. `turned` tells whether
(z, y, x) are the spatial axes the other way round.
"""


def in_blocks(arrays: list[Any], *, outputs: int = 1, turn: bool = False) -> Iterable[Blocks]:
    """View, or copy, arrays (N, C, *spatial), of which the last are outputs.

    What a caller has written to copies of outputs goes to where it belongs when the next blocks are asked for.

    Parameters
    ----------
    arrays : list of ndarray
    outputs : int
    turn : bool
        Whether the spatial axes may be turned round.
    """
    for array in arrays:
        if not array.flags.c_contiguous:
            break
    else:  # most calls
        return ((arrays, arrays[0].shape[0] * arrays[0].shape[1], 1, False),)
    views = _as_they_lie(arrays, turn)
    return _copies(arrays, outputs) if views is None else (views,)


def _copies(arrays: list[Any], outputs: int) -> Iterator[Blocks]:
    """Some images and channels of each array at a time, copied where they are not contiguous."""
    for images, channels in _pieces(arrays):
        some = [array[images, channels] for array in arrays]
        given, wanted = some[:-outputs], some[-outputs:]
        made = [array if array.flags.c_contiguous else np.empty(array.shape, array.dtype) for array in wanted]
        yield [*map(np.ascontiguousarray, given), *made], prod(some[0].shape[:2]), 1, False
        for copy, array in zip(made, wanted, strict=True):
            if copy is not array:
                array[...] = copy


def _as_they_lie(arrays: list[Any], turn: bool) -> Blocks | None:
    """Views of all arrays, if one order of their axes makes all of them contiguous."""
    axes = arrays[0].ndim - 2
    spatial = tuple(range(2, axes + 2))
    for inside in (spatial, spatial[::-1]) if turn and axes > 1 else (spatial,):
        for outside in ((0, 1), (0,), (), (1,), (1, 0)):
            rest = [axis for axis in (0, 1) if axis not in outside]
            for last in {tuple(rest), tuple(rest[::-1])}:
                order = (*outside, *inside, *last)
                moved = [array.transpose(order) for array in arrays]
                if all(array.flags.c_contiguous for array in moved):
                    outer, inner = (prod(arrays[0].shape[axis] for axis in some) for some in (outside, last))
                    return moved, outer, inner, inside != spatial
    return None


def _pieces(arrays: list[Any]) -> Iterator[tuple[slice, slice]]:
    """Images and channels whose copies have few bytes."""
    images, channels = arrays[0].shape[:2]
    most = max(1, _COPIED // sum(array[0, 0].nbytes for array in arrays))
    some, step = max(1, most // channels), min(most, channels)
    for image in range(0, images, some):
        for channel in range(0, channels, step):
            yield slice(image, image + some), slice(channel, channel + step)
