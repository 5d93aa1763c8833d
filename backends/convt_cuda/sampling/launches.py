"""The launches of upsampling's and pooling's kernels: their grid, and their structs as rows of integers.

Structs are those of ``../kernels/resampling.cuh`` and ``../kernels/pooling.cuh``, with 0 where addresses go.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING

from ..counts import ONE, count, fits_int
from ..launch import Launch

if TYPE_CHECKING:
    from convt.backend import Problem

__all__ = ["THREADS", "pooling", "resampling"]

Strides = tuple[int, ...]

THREADS = 256  # of a block
_LARGEST_GRID = 2**31 - 1
_NONE: Strides = (0, 0)  # of an array that a kernel does not look at


@lru_cache(maxsize=1024)
def resampling(
    problem: Problem, kernel: str, storage: str, align_corners: bool, to_coarse: bool, coarse: Strides, fine: Strides
) -> Launch:
    """One of the kernels that go from "coarse" to "fine", or to "coarse" from "fine"; strides count elements.

    Parameters
    ----------
    problem : Problem
    kernel : str
        Its name without the type.
    storage : str
        The type in memory.
    align_corners, to_coarse : bool
    coarse, fine : tuple of int
        Strides of (N, C, *spatial).
    """
    shape = problem.coarse_shape if to_coarse else problem.fine_shape
    values = [0, *_five(coarse), 0, *_five(fine), problem.batch, *count(problem.fine_channels)]
    values += [_channels_dense(coarse if to_coarse else fine), int(align_corners)]
    items = problem.batch * problem.fine_channels * prod(shape)
    counted = [items, _reach(problem, problem.coarse_shape, coarse), _reach(problem, problem.fine_shape, fine)]
    values += (*ONE, *ONE, *ONE, *count(1 if align_corners else 2), *ONE) * (3 - len(problem.stride))
    for small, large, scale in zip(problem.coarse_shape, problem.fine_shape, problem.stride, strict=True):
        below = max(large - 1, 1) if align_corners else 2 * scale
        for number in (small, large, scale, below, max(small - 1, 1)):
            values += count(number)
        counted.append(large * (small if align_corners else 2))  # numerators of positions
    wide = "" if fits_int(counted) else "_wide"
    return Launch(f"{kernel}{wide}_{storage}", _grid(items), tuple(values), ((0, "coarse"), (6, "fine")))


@lru_cache(maxsize=1024)
def pooling(
    problem: Problem,
    kernel: str,
    storage: str,
    items: int,
    *,
    fine: Strides = _NONE,
    coarse: Strides = _NONE,
    indices: Strides = _NONE,
    planes: tuple[int, int] = (0, 0),
) -> Launch:
    """One of the kernels of ``pooling.cuh``.

    Parameters
    ----------
    problem : Problem
    kernel : str
        Its name without the type.
    storage : str
        The type in memory; "indices" where it makes no difference.
    items : int
        Threads that have something to do.
    fine, coarse, indices : tuple of int
        Strides of (N, C, *spatial).
    planes : tuple of int
        The first plane of those that "work" is for, and how many they are.
    """
    densest = fine if fine is not _NONE and kernel in _WRITES_FINE else indices
    values = [0, *_five(fine), 0, *_five(coarse), 0, *_five(indices), 0]
    values += [problem.batch, *count(problem.fine_channels), _channels_dense(densest), *planes]
    coarse_plane, fine_plane = prod(problem.coarse_shape), prod(problem.fine_shape)
    values += [*count(coarse_plane), *count(fine_plane)]
    counted = [items, coarse_plane, fine_plane, _reach(problem, problem.fine_shape, fine)]
    counted += [_reach(problem, problem.coarse_shape, strides) for strides in (coarse, indices)]
    values += (*ONE, *ONE, *ONE, 1, 0) * (3 - len(problem.stride))
    columns = (problem.fine_shape, problem.coarse_shape, problem.stride, problem.kernel_shape, problem.padding)
    for large, small, stride, size, before in zip(*columns, strict=True):
        values += [*count(large), *count(small), *count(stride), size, before]
        counted.append(large + small * stride + size + before)  # what windows reach
    wide = "" if kernel not in _COUNTED or fits_int(counted) else "_wide"
    pointers = ((0, "fine"), (6, "coarse"), (12, "indices"), (18, "work"))
    return Launch(f"{kernel}{wide}_{storage}", _grid(items), tuple(values), pointers)


_WRITES_FINE = ("max_pool_backward_near", "max_unpool_near")
_COUNTED = ("max_pool", "max_unpool_backward_near", *_WRITES_FINE)  # there is one for int, and one that is wide


def _grid(items: int) -> int:
    return min(-(-items // THREADS), _LARGEST_GRID)


def _channels_dense(strides: Strides) -> int:
    """Along what neighbouring threads should go."""
    return int(abs(strides[1]) < abs(strides[-1]))


def _five(strides: Strides) -> Strides:
    """Of images, channels and three axes, the leading ones filled up."""
    return (*strides[:2], *(0,) * (5 - len(strides)), *strides[2:])


def _reach(problem: Problem, spatial: tuple[int, ...], strides: Strides) -> int:
    """How far apart the elements of an array lie at most."""
    shape = (problem.batch, problem.fine_channels, *spatial)
    return sum(size * abs(step) for size, step in zip(shape, strides, strict=False))
