"""The chunks of results: as asked for, or those of x, moved to where its elements are in y.

Along a spatial axis, chunks of x are times the stride in y, or divided by it. What is not larger than the halo, the elements
that a block needs beside its own, is merged with its neighbours: such a chunk would read more of others than of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, chain, pairwise, repeat
from typing import Any, TypeAlias

from ..core.layout import Frame
from ..core.slabs import Axis, as_chunks, stretches

__all__ = ["Chunks", "carried", "chosen", "divided", "halo", "letters", "merged", "order_of"]

Chunks: TypeAlias = tuple[tuple[int, ...], ...]
"""The sizes of chunks, axis by axis, as dask has them."""


def order_of(frame: Frame) -> tuple[int, ...]:
    """For each of the caller's axes, which of (N, C, *spatial) it is."""
    return frame.shape(tuple(range(frame.axes + 2)))


def letters(frame: Frame) -> str:
    """The names of the caller's axes."""
    names = "NC" + frame.layout.name.replace("N", "").replace("C", "")
    return "".join(names[axis] for axis in order_of(frame))


def chosen(chunks: Any, shape: tuple[int, ...], frame: Frame, whole: str = "C") -> Chunks:
    """The chunks that are asked for, of a result of a shape; the axis `whole` must not be cut."""
    sizes = as_chunks(chunks, shape, letters(frame), whole)
    cut = ([end - begin for begin, end in stretches(*each)] for each in zip(sizes, shape, strict=True))
    return tuple(tuple(each) or (0,) for each in cut)


def carried(sizes: Sequence[int], axis: Axis, *, scatters: bool) -> tuple[int, ...]:
    """The chunks of y along an axis, from those of x."""
    if scatters:
        wanted, size = [each * axis.stride for each in sizes], axis.fine
    else:
        wanted, size = list(divided(sizes, axis.stride)), axis.coarse
    found, left = [], size
    for each in chain(wanted, repeat(max(wanted, default=size))):
        found.append(min(each, left))
        left -= found[-1]
        if not left:
            break
    return merged(found, halo(axis, scatters=scatters))


def halo(axis: Axis, *, scatters: bool) -> int:
    """The number of y's elements whose slab is as long as what neighbouring blocks' slabs share."""
    return axis.reach if scatters else axis.reach // axis.stride


def divided(sizes: Iterable[int], stride: int) -> tuple[int, ...]:
    """Chunks of every stride-th element: ends are rounded down, and chunks without elements are none."""
    ends = [end // stride for end in accumulate(sizes)]
    return tuple(end - begin for begin, end in pairwise([0, *ends]) if end > begin)


def merged(sizes: Iterable[int], halo: int) -> tuple[int, ...]:
    """Chunks larger than the halo, each made of neighbours."""
    found: list[int] = []
    waiting = 0
    for size in sizes:
        waiting += size
        if waiting > halo:
            found.append(waiting)
            waiting = 0
    if waiting and found:
        found[-1] += waiting
    elif waiting or not found:
        found.append(waiting)
    return tuple(found)
