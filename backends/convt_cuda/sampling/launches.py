"""The launches of upsampling's and pooling's kernels: their grid, and their structs as rows of integers.

Structs are those of ``../kernels/resampling.cuh`` and ``../kernels/pooling.cuh``, with 0 where addresses go.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING

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
    values = [0, *_five(coarse), 0, *_five(fine)]
    values += [problem.batch, problem.fine_channels, _channels_dense(coarse if to_coarse else fine), int(align_corners)]
    values += (1, 1, 1) * (3 - len(problem.stride))
    for sizes in zip(problem.coarse_shape, problem.fine_shape, problem.stride, strict=True):
        values += sizes
    items = problem.batch * problem.fine_channels * prod(shape)
    return Launch(f"{kernel}_{storage}", _grid(items), tuple(values), ((0, "coarse"), (6, "fine")))


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
    values += [problem.batch, problem.fine_channels, _channels_dense(densest), *planes]
    values += (1, 1, 1, 1, 0) * (3 - len(problem.stride))
    columns = (problem.fine_shape, problem.coarse_shape, problem.kernel_shape, problem.stride, problem.padding)
    for sizes in zip(*columns, strict=True):
        values += sizes
    return Launch(
        f"{kernel}_{storage}", _grid(items), tuple(values), ((0, "fine"), (6, "coarse"), (12, "indices"), (18, "work"))
    )


_WRITES_FINE = ("max_pool_backward_near", "max_unpool_near")


def _grid(items: int) -> int:
    return min(-(-items // THREADS), _LARGEST_GRID)


def _channels_dense(strides: Strides) -> int:
    """Along what neighbouring threads should go."""
    return int(abs(strides[1]) < abs(strides[-1]))


def _five(strides: Strides) -> Strides:
    """Of images, channels and three axes, the leading ones filled up."""
    return (*strides[:2], *(0,) * (5 - len(strides)), *strides[2:])
