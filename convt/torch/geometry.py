"""Sizes by PyTorch's rules, from its arguments to those of the three maps.

What the maps of `maps.py` are told is the size of their result, the stride, the padding in front, the dilation and the
number of groups. `transposed` and `straight` return that, or None for what convt leaves to PyTorch: to compute, or to refuse
in its own words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import SymInt

__all__ = ["Geometry", "are_positive", "per_axis", "straight", "transposed", "windows"]

Sizes = tuple[int, ...]


class Geometry(NamedTuple):
    """What a map is told besides its tensors; sizes per spatial axis."""

    size: Sizes
    stride: Sizes
    padding: Sizes
    dilation: Sizes
    groups: int


def per_axis(axes: int, *values: Any) -> list[Sizes] | None:
    """Arguments as one integer per axis each; None if one is in none of PyTorch's forms."""
    found = []
    for value in values:
        given = tuple(value) if isinstance(value, tuple | list) else (value,)
        if len(given) not in (1, axes) or not all(isinstance(each, int | SymInt) for each in given):
            return None
        found.append(given if len(given) == axes else given * axes)
    return found


def are_positive(*sizes: int) -> bool:
    """Whether all are; `min` would compare sizes that are not known yet with one another."""
    return all(size > 0 for size in sizes)


def transposed(
    x: Sizes,
    w: Sizes,
    stride: int | Sequence[int],
    padding: int | Sequence[int],
    output_padding: int | Sequence[int],
    groups: int,
    dilation: int | Sequence[int],
) -> Geometry | None:
    """The geometry of a transposed convolution; x and w are shapes, x's without the batch."""
    channels, coarse, kernel = x[0], x[1:], w[2:]
    given = per_axis(len(kernel), stride, padding, output_padding, dilation)
    if given is None:
        return None
    strides, before, extra, dilations = given
    if not (groups > 0 and channels == w[0] and channels % groups == 0 and _allowed(x, w, strides, before, dilations)):
        return None
    if any(not 0 <= e < max(s, d) for e, s, d in zip(extra, strides, dilations, strict=True)):
        return None
    axes = zip(coarse, kernel, strides, before, extra, dilations, strict=True)
    fine = tuple((c - 1) * s - 2 * p + d * (k - 1) + e + 1 for c, k, s, p, e, d in axes)
    return Geometry(fine, strides, before, dilations, groups) if are_positive(*fine) else None


def straight(
    x: Sizes,
    w: Sizes,
    stride: int | Sequence[int],
    padding: int | Sequence[int] | str,
    dilation: int | Sequence[int],
    groups: int,
) -> Geometry | None:
    """The geometry of a convolution; x and w are shapes, x's without the batch."""
    channels, fine, kernel = x[0], x[1:], w[2:]
    given = per_axis(len(kernel), stride, dilation, 0 if padding in ("same", "valid") else padding)
    if given is None:
        return None
    strides, dilations, before = given
    reach = tuple(d * (k - 1) for d, k in zip(dilations, kernel, strict=True))
    both = tuple(2 * p for p in before)
    if padding == "same":
        before, both = tuple(r // 2 for r in reach), reach
        if any(s != 1 for s in strides):
            return None
    if not (groups > 0 and channels == w[1] * groups and w[0] % groups == 0 and _allowed(x, w, strides, before, dilations)):
        return None
    room = tuple(f + p - r - 1 for f, p, r in zip(fine, both, reach, strict=True))
    if any(rest < 0 for rest in room):
        return None
    return Geometry(tuple(r // s + 1 for r, s in zip(room, strides, strict=True)), strides, before, dilations, groups)


def _allowed(x: Sizes, w: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> bool:
    return are_positive(*x, *w, *stride, *dilation) and all(p >= 0 for p in padding)


def windows(
    x: Sizes,
    size: int | Sequence[int],
    stride: int | Sequence[int] | None,
    padding: int | Sequence[int],
    dilation: int | Sequence[int],
    ceil_mode: bool,
) -> tuple[Sizes, Sizes, Sizes, Sizes] | None:
    """Size, stride, and padding before and after, of the windows of max pooling; x are the spatial sizes of an image."""
    given = per_axis(len(x), size, size if stride in (None, [], ()) else stride, padding, dilation)
    if given is None:
        return None
    sizes, steps, edges, dilations = given
    if any(d != 1 for d in dilations):
        return None
    if not are_positive(*sizes, *steps) or any(not 0 <= p <= k // 2 < k for p, k in zip(edges, sizes, strict=True)):
        return None
    after = []
    for n, k, s, p in zip(x, sizes, steps, edges, strict=True):
        if n + 2 * p < k:
            return None
        extra = 0
        if ceil_mode:
            rest = (n + 2 * p - k) % s
            begins = n + p - rest - (k - p) + s  # where one window more would begin, which must be inside or in front
            extra = s - rest if rest and begins < n + p else 0
        after.append(p + extra)
    return sizes, steps, edges, tuple(after)
