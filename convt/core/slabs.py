"""Slabs: which part of x makes a block of y, and with which padding. No array is touched.

Along one axis, by the one geometry rule ``fine = coarse * stride - before + tap * dilation``, a stretch of one side depends
on a stretch of the other::

    fine [a, b)     on the coarse elements from  ceil((a + before - reach) / stride)  to  floor((b - 1 + before) / stride)
    coarse [a, b)   on the fine elements from  a * stride - before  to  (b - 1) * stride - before + reach

cut to what there is, where ``reach = (kernel - 1) * dilation``. The two stretches make a problem of their own with the
padding ``before + first fine - first coarse * stride`` in front, so that its result is the block, whatever borders it has.

`blocks_of` cuts a whole call. Read `convt/functions/blocks.py` for what users are told, `convt/dask/` for a use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, TypeAlias

from .arguments import as_sizes
from .problem import Problem

__all__ = ["Axis", "Block", "Part", "Sizes", "Stretch", "as_chunks", "axes_of", "blocks_of", "grid", "stretches"]

Stretch: TypeAlias = tuple[int, int]
Sizes: TypeAlias = "int | tuple[int, ...]"  # of the chunks along an axis: one for all but the last, or each


class Block(NamedTuple):
    """A block of y, the slab of x that it is made from, and how.

    Attributes
    ----------
    y, x : tuple of slice
        Over all axes, in the call's layout.
    options : dict or None
        The keyword arguments that make the block from the slab; None where nothing of x reaches the block, which is bias or
        zero alone. The slices of x are then empty along an axis.
    """

    y: tuple[slice, ...]
    x: tuple[slice, ...]
    options: dict[str, Any] | None


class Axis(NamedTuple):
    """The geometry along one spatial axis; `before` is the padding in front."""

    fine: int
    coarse: int
    reach: int
    stride: int
    before: int

    def coarse_of(self, begin: int, end: int) -> Stretch:
        """The coarse elements that fine ones depend on; (0, 0) if there are none."""
        first = max(0, -((self.reach - self.before - begin) // self.stride))
        return _stretch(first, min(self.coarse, (end - 1 + self.before) // self.stride + 1))

    def fine_of(self, begin: int, end: int) -> Stretch:
        """The fine elements that coarse ones depend on; (0, 0) if there are none."""
        first = max(0, begin * self.stride - self.before)
        return _stretch(first, min(self.fine, (end - 1) * self.stride - self.before + self.reach + 1))

    def padding(self, fine: Stretch, coarse: Stretch) -> tuple[int, int]:
        """The (before, after) with which two stretches make a problem of their own."""
        before = self.before + fine[0] - coarse[0] * self.stride
        full = (coarse[1] - coarse[0] - 1) * self.stride + self.reach + 1
        return before, full - before - (fine[1] - fine[0])


class Part(NamedTuple):
    """A stretch of y along one axis, that of x which it depends on, and the padding with which both are a problem."""

    y: Stretch
    x: Stretch
    padding: tuple[int, int]

    @property
    def empty(self) -> bool:
        """Whether nothing of x reaches it."""
        return self.x[0] == self.x[1]


def axes_of(problem: Problem) -> list[Axis]:
    """The geometry of a problem, axis by axis."""
    reach = ((kernel - 1) * dilation for kernel, dilation in zip(problem.kernel_shape, problem.dilation, strict=True))
    sides = problem.fine_shape, problem.coarse_shape
    return [Axis(*each) for each in zip(*sides, reach, problem.stride, problem.padding, strict=True)]


def as_chunks(chunks: Any, shape: tuple[int, ...], letters: str, whole: str = "C") -> tuple[Sizes, ...]:
    """Return the sizes of chunks along each axis of y; `letters` are the names of its axes, of which `whole` is not cut."""
    if isinstance(chunks, str | bytes) or not isinstance(chunks, Iterable):
        raise TypeError(f"chunks must have one entry for each of y's axes ({', '.join(letters)}), got {chunks!r}")
    entries = tuple(chunks)
    if len(entries) != len(shape):
        raise ValueError(
            f"chunks must have one entry for each of y's {len(shape)} axes ({', '.join(letters)}), got {entries}"
        )
    axes = enumerate(zip(entries, shape, letters, strict=True))
    return tuple(_as_entry(f"chunks[{axis}]", *each, whole) for axis, each in axes)


def stretches(sizes: Sizes, size: int) -> Iterator[Stretch]:
    """The stretches of an axis of a size, one for each chunk."""
    if isinstance(sizes, int):
        return ((begin, min(begin + sizes, size)) for begin in range(0, size, sizes))
    return ((end - length, end) for length, end in zip(sizes, accumulate(sizes), strict=True) if length)


def grid(problem: Problem, operator_map: str, chunks: Sequence[Sizes]) -> list[_Parts]:
    """The parts of a call, spatial axis by spatial axis; `operator_map`, "scatter" or "gather", is what computes y."""
    return [_Parts(axis, operator_map == "scatter", sizes) for axis, sizes in zip(axes_of(problem), chunks, strict=True)]


def blocks_of(
    problem: Problem, operator_map: str, order: tuple[int, ...], chunks: Sequence[Sizes], options: dict[str, Any]
) -> Iterator[Block]:
    """Cut a call.

    Parameters
    ----------
    problem : Problem
    operator_map : "scatter" or "gather"
        The map that computes y.
    order : tuple of int
        For each of the caller's axes, which of (N, C, *spatial) it is.
    chunks : sequence
        As `as_chunks` returns it, in the caller's axes.
    options : dict
        What else the blocks' options shall hold.
    """
    spatial = iter(grid(problem, operator_map, [sizes for sizes, axis in zip(chunks, order, strict=True) if axis > 1]))
    x_channels = problem.coarse_channels if operator_map == "scatter" else problem.fine_channels
    y_channels = problem.fine_channels if operator_map == "scatter" else problem.coarse_channels
    channels = [Part((0, y_channels), (0, x_channels), (0, 0))]
    axes: list[Iterable[Part]] = []
    for sizes, axis in zip(chunks, order, strict=True):
        axes.append(next(spatial) if axis > 1 else channels if axis else _Images(sizes, problem.batch))
    for parts in _product(axes):
        y, x = (tuple(slice(*getattr(part, side)) for part in parts) for side in ("y", "x"))
        padding = tuple(part.padding for part, axis in zip(parts, order, strict=True) if axis > 1)
        reached = not any(part.empty for part in parts)
        yield Block(y, x, {"padding": padding, **options} if reached else None)


class _Parts:
    """The parts along a spatial axis, made again at each iteration: there may be more than memory holds."""

    def __init__(self, axis: Axis, scatters: bool, sizes: Sizes) -> None:
        self._axis = axis
        self._scatters = scatters
        self._sizes = sizes

    def __iter__(self) -> Iterator[Part]:
        axis = self._axis
        for part in stretches(self._sizes, axis.fine if self._scatters else axis.coarse):
            slab = axis.coarse_of(*part) if self._scatters else axis.fine_of(*part)
            pair = (part, slab) if self._scatters else (slab, part)
            yield Part(part, slab, axis.padding(*pair))


class _Images:
    """The parts of a batch."""

    def __init__(self, sizes: Sizes, batch: int) -> None:
        self._sizes = sizes
        self._batch = batch

    def __iter__(self) -> Iterator[Part]:
        return (Part(part, part, (0, 0)) for part in stretches(self._sizes, self._batch))


def _product(axes: Sequence[Iterable[Part]]) -> Iterator[tuple[Part, ...]]:
    """As `itertools.product`, which would keep all parts."""
    if not axes:
        yield ()
        return
    for first in axes[0]:
        for rest in _product(axes[1:]):
            yield first, *rest


def _stretch(first: int, last: int) -> Stretch:
    return (first, last) if first < last else (0, 0)


def _as_entry(name: str, entry: Any, size: int, letter: str, whole: str) -> Sizes:
    sizes = as_sizes(name, entry)
    if isinstance(sizes, int):
        if sizes < 1:
            raise ValueError(f"{name} must be at least 1, got {sizes}")
        one = sizes >= size
    else:
        if any(each < 0 for each in sizes) or sum(sizes) != size:
            raise ValueError(f"{name} must hold sizes that add up to y's {size} along that axis, got {sizes}")
        one = sum(map(bool, sizes)) <= 1
    if letter in whole and not one:
        raise ValueError(f"{name} must be all of y's {size} channels, each of which needs all of x's, got {entry!r}")
    return sizes
