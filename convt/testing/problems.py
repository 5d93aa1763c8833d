"""The problems that every backend is asked: a table of special cases, all small widths, and random ones."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backend import Problem

if TYPE_CHECKING:
    from ..typing import FloatDTypeLike

__all__ = ["all_problems", "make_problem", "random_problem"]

_WORK_LIMIT = 300_000  # products per random problem, so that the naive reference stays quick


def make_problem(
    coarse: int | tuple[int, ...],
    kernel: int | tuple[int, ...],
    *,
    stride: int | tuple[int, ...] = 1,
    crop: tuple[int, int] | tuple[tuple[int, int], ...] = (0, 0),
    extra: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
    channels: tuple[int, int] = (2, 3),
    groups: int = 1,
    batch: int = 1,
    dtype: FloatDTypeLike = np.float64,
) -> Problem:
    """A problem by its coarse size.

    Parameters
    ----------
    coarse, kernel, stride, extra, dilation : int or tuple of int
        ``coarse`` has one entry per spatial axis; the others may be one number for all. ``extra`` is the output padding.
    crop : tuple of int or of such tuples
        (before, after), for all axes or for each.
    channels : tuple of int
        (coarse, fine), over all groups.
    groups, batch : int
    dtype : dtype

    Returns
    -------
    Problem

    Examples
    --------
    >>> from convt.testing import make_problem
    >>> make_problem((5, 5), 4, stride=2, crop=(1, 1)).fine_shape
    (10, 10)
    """
    coarse = (coarse,) if isinstance(coarse, int) else tuple(coarse)
    axes = len(coarse)
    kernels, strides, extras, dilations = (
        (value,) * axes if isinstance(value, int) else tuple(value) for value in (kernel, stride, extra, dilation)
    )
    crops: tuple[Any, ...] = tuple(crop) if isinstance(crop[0], tuple) else (crop,) * axes
    fine = tuple(
        (c - 1) * s + (k - 1) * d + 1 - before - after + e
        for c, k, s, d, e, (before, after) in zip(coarse, kernels, strides, dilations, extras, crops, strict=True)
    )
    return Problem(
        batch=batch,
        groups=groups,
        fine_channels=channels[1],
        coarse_channels=channels[0],
        fine_shape=fine,
        coarse_shape=coarse,
        kernel_shape=kernels,
        stride=strides,
        padding=tuple(before for before, _ in crops),
        dilation=dilations,
        dtype=np.dtype(dtype),
    )


def random_problem(rng: np.random.Generator, dtype: FloatDTypeLike = np.float64) -> Problem:
    """A small problem with everything drawn at random: up to 3 axes, any crop and any fine size that callers can reach.

    Parameters
    ----------
    rng : numpy.random.Generator
    dtype : dtype

    Returns
    -------
    Problem
    """
    while True:
        problem = _draw(rng, np.dtype(dtype))
        channels = problem.coarse_channels * problem.fine_channels // problem.groups
        if problem.batch * channels * prod(problem.coarse_shape) * prod(problem.kernel_shape) <= _WORK_LIMIT:
            return problem


def all_problems(rng: np.random.Generator, dtype: Any, *, quick: bool) -> Iterator[tuple[str, Problem]]:
    """What `check_backend` asks, each with a name that says what is special about it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws the random ones.
    dtype : dtype
    quick : bool
        Fewer widths and fewer random ones.

    Yields
    ------
    name : str
    problem : Problem
    """
    for name, options in _SPECIAL.items():
        yield name, make_problem(**options, dtype=dtype)
    for width in range(1, 41, 8 if quick else 1):
        yield f"width {width}", make_problem(width, 3, stride=1 + width % 3, crop=(1, 1), channels=(3, 4), dtype=dtype)
        yield f"{width} channels", make_problem((3, 3), 2, stride=2, channels=(width, 41 - width), dtype=dtype)
    for count in range(12 if quick else 150):
        yield f"random problem {count}", random_problem(rng, dtype)


_SPECIAL: dict[str, dict[str, Any]] = {
    # One axis.
    "a single product": {"coarse": 1, "kernel": 1, "channels": (1, 1)},
    "one axis": {"coarse": 9, "kernel": 3},
    "one axis, k == s": {"coarse": 17, "kernel": 4, "stride": 4},
    "one axis, k == 2s": {"coarse": 17, "kernel": 8, "stride": 4, "crop": (2, 2)},
    "long kernel": {"coarse": 12, "kernel": 64, "stride": 16, "channels": (5, 1)},
    "kernel longer than the image": {"coarse": 3, "kernel": 40, "crop": (19, 20)},
    "one axis, gaps": {"coarse": 7, "kernel": 2, "stride": 5, "extra": 4},
    "one axis, dilated beyond the image": {"coarse": 3, "kernel": 4, "dilation": 7, "crop": (8, 6)},
    # Two axes.
    "1x1 kernel": {"coarse": (5, 7), "kernel": 1, "channels": (7, 6)},
    "1x1 kernel with gaps": {"coarse": (5, 7), "kernel": 1, "stride": (2, 3), "extra": (1, 0)},
    "1x1 image": {"coarse": (1, 1), "kernel": 4, "stride": 4, "channels": (40, 9)},
    "k == s == 2": {"coarse": (6, 11), "kernel": 2, "stride": 2, "channels": (8, 5)},
    "k == s == 3": {"coarse": (4, 7), "kernel": 3, "stride": 3, "batch": 2},
    "k == s, anisotropic": {"coarse": (4, 7), "kernel": (2, 3), "stride": (2, 3)},
    "k == 2s == 4": {"coarse": (6, 13), "kernel": 4, "stride": 2, "crop": (1, 1), "channels": (6, 5), "batch": 2},
    "k == 2s == 4, not cropped": {"coarse": (6, 13), "kernel": 4, "stride": 2, "channels": (6, 5)},
    "k == 2s == 8": {"coarse": (5, 6), "kernel": 8, "stride": 4, "crop": (2, 2)},
    "stride 1": {"coarse": (9, 10), "kernel": 3, "crop": (1, 1), "channels": (4, 6)},
    "k = 3, s = 2": {"coarse": (7, 9), "kernel": 3, "stride": 2, "crop": (1, 1), "extra": 1, "channels": (4, 6)},
    "k = 5, s = 2": {"coarse": (7, 9), "kernel": 5, "stride": 2, "crop": (2, 2), "extra": 1},
    "stride not dividing the kernel": {"coarse": (6, 5), "kernel": (5, 7), "stride": (3, 4), "crop": ((1, 2), (3, 0))},
    "stride along one axis only": {"coarse": (6, 5), "kernel": 3, "stride": (1, 3)},
    "stride larger than the kernel": {"coarse": (4, 5), "kernel": 2, "stride": (3, 5), "extra": (2, 4)},
    "very large stride": {"coarse": (3, 2), "kernel": 16, "stride": 8, "crop": (4, 4)},
    "kernel larger than the image": {"coarse": (2, 3), "kernel": (7, 9), "crop": (3, 3)},
    "flat kernel": {"coarse": (6, 9), "kernel": (1, 5), "stride": (1, 2)},
    "upright kernel": {"coarse": (6, 9), "kernel": (5, 1), "stride": (2, 1)},
    "asymmetric crop": {"coarse": (6, 7), "kernel": 4, "stride": 2, "crop": ((0, 3), (2, 1))},
    "negative crop": {"coarse": (4, 5), "kernel": 3, "stride": 2, "crop": ((-2, -1), (-3, 1))},
    "crop that leaves one element": {"coarse": (4, 4), "kernel": 3, "stride": 2, "crop": (4, 4)},
    "crop that silences whole coarse positions": {"coarse": (6, 6), "kernel": 2, "stride": 2, "crop": (5, 4)},
    "crop that silences everything": {"coarse": (3, 3), "kernel": 2, "crop": (9, -12)},
    "output padding": {"coarse": (4, 6), "kernel": 3, "stride": (3, 4), "crop": (1, 1), "extra": (2, 3)},
    "output padding beyond the stride": {"coarse": (4, 6), "kernel": 2, "stride": 2, "dilation": 4, "extra": 3},
    "dilated": {"coarse": (7, 8), "kernel": 3, "dilation": 2, "crop": (2, 2)},
    "dilated and strided": {"coarse": (5, 6), "kernel": (3, 2), "stride": (2, 3), "dilation": (3, 2), "crop": (1, 2)},
    "dilation a multiple of the stride": {"coarse": (5, 6), "kernel": 3, "stride": 2, "dilation": 2},
    "groups": {"coarse": (5, 6), "kernel": 4, "stride": 2, "channels": (6, 9), "groups": 3, "batch": 2},
    "groups, k == s": {"coarse": (5, 6), "kernel": 2, "stride": 2, "channels": (8, 4), "groups": 2, "batch": 2},
    "depthwise": {"coarse": (6, 9), "kernel": 4, "stride": 2, "crop": (1, 1), "channels": (19, 19), "groups": 19},
    "depthwise, stride 1": {"coarse": (6, 9), "kernel": 3, "crop": (1, 1), "channels": (8, 8), "groups": 8, "batch": 2},
    "depthwise with a channel multiplier": {"coarse": (6, 5), "kernel": 3, "stride": 2, "channels": (5, 15), "groups": 5},
    "depthwise with many coarse channels": {"coarse": (6, 5), "kernel": 3, "stride": 2, "channels": (15, 5), "groups": 5},
    "one channel in, one out": {"coarse": (13, 17), "kernel": 4, "stride": 2, "crop": (1, 1), "channels": (1, 1)},
    "many channels to one": {"coarse": (4, 5), "kernel": 4, "stride": 2, "crop": (1, 1), "channels": (130, 1)},
    "one channel to many": {"coarse": (4, 5), "kernel": 4, "stride": 2, "crop": (1, 1), "channels": (1, 130)},
    "many channels": {"coarse": (4, 4), "kernel": 3, "stride": 2, "crop": (1, 1), "extra": 1, "channels": (67, 50)},
    "three images": {"coarse": (5, 5), "kernel": 4, "stride": 2, "crop": (1, 1), "batch": 3},
    # Three axes.
    "three axes": {"coarse": (3, 4, 5), "kernel": 3, "crop": (1, 1)},
    "three axes, k == s": {"coarse": (3, 4, 5), "kernel": 2, "stride": 2, "channels": (4, 3), "batch": 2},
    "three axes, k == 2s": {"coarse": (3, 4, 5), "kernel": 4, "stride": 2, "crop": (1, 1)},
    "three axes, all different": {
        "coarse": (3, 4, 2),
        "kernel": (2, 3, 4),
        "stride": (3, 1, 2),
        "crop": ((0, 1), (-1, 2), (3, 0)),
        "dilation": (1, 2, 3),
        "extra": (2, 0, 1),
        "channels": (4, 6),
        "groups": 2,
        "batch": 2,
    },
    "three axes, depthwise": {"coarse": (3, 3, 7), "kernel": 3, "stride": 2, "channels": (4, 4), "groups": 4},
}


def _draw(rng: np.random.Generator, dtype: np.dtype) -> Problem:
    def up_to(most: int) -> tuple[int, ...]:
        return tuple(int(size) for size in rng.integers(1, most, axes, endpoint=True))

    axes = int(rng.integers(1, 4))
    coarse, kernel, stride = up_to((0, 40, 9, 5)[axes]), up_to((0, 12, 5, 3)[axes]), up_to((0, 7, 4, 3)[axes])
    dilation = up_to(3) if rng.random() < 0.3 else (1,) * axes
    full = [(c - 1) * s + (k - 1) * d + 1 for c, k, s, d in zip(coarse, kernel, stride, dilation, strict=True)]
    groups = int(rng.choice([1, 1, 1, 2, 5]))
    most = 40 if rng.random() < 0.1 else 6
    return Problem(
        batch=int(rng.integers(1, 4)),
        groups=groups,
        fine_channels=groups * int(rng.integers(1, most)),
        coarse_channels=groups * int(rng.integers(1, most)),
        fine_shape=tuple(int(rng.integers(max(1, size - 5), size + 3)) for size in full),
        coarse_shape=coarse,
        kernel_shape=kernel,
        stride=stride,
        padding=tuple(int(rng.integers(-2, k * d + 1)) for k, d in zip(kernel, dilation, strict=True)),
        dilation=dilation,
        dtype=dtype,
    )
