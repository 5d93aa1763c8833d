"""The three maps by their definition, in float64: tap after tap, each with the coarse positions whose partner exists.

Arrays are (N, C, *spatial), filters (coarse, fine // groups, *kernel). Nothing here is convt's.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .geometry import Geometry

Array = np.ndarray
Places = tuple[slice, ...]

INPUTS = {"scatter": ("coarse", "kernel"), "gather": ("fine", "kernel"), "correlate": ("fine", "coarse")}
OUTPUT = {"scatter": "fine", "gather": "coarse", "correlate": "kernel"}


def apply(operation: str, g: Geometry, left: Array, right: Array) -> Array:
    """A map of two arrays."""
    return {"scatter": scatter, "gather": gather, "correlate": correlate}[operation](g, left, right)


def scatter(g: Geometry, coarse: Array, kernel: Array) -> Array:
    coarse, kernel, fine = _grouped(g, coarse), _filters(g, kernel), np.zeros(g.shape("fine"))
    result = _grouped(g, fine)
    for tap, here, there in _meetings(g):
        result[there] += np.einsum("ngc...,gcf->ngf...", coarse[here], kernel[tap])
    return fine


def gather(g: Geometry, fine: Array, kernel: Array) -> Array:
    fine, kernel, coarse = _grouped(g, fine), _filters(g, kernel), np.zeros(g.shape("coarse"))
    result = _grouped(g, coarse)
    for tap, here, there in _meetings(g):
        result[here] += np.einsum("ngf...,gcf->ngc...", fine[there], kernel[tap])
    return coarse


def correlate(g: Geometry, fine: Array, coarse: Array) -> Array:
    fine, coarse, kernel = _grouped(g, fine), _grouped(g, coarse), np.zeros(g.shape("kernel"))
    result = _filters(g, kernel)
    for tap, here, there in _meetings(g):
        some, others = _flat(fine[there]), _flat(coarse[here])
        result[tap] = np.einsum("ngfq,ngcq->gcf", some, others)
    return kernel


def sums(array: Array) -> Array:
    """Of each channel: the gradient of a bias."""
    return array.sum(axis=(0, *range(2, array.ndim)))


def terms(operation: str, g: Geometry) -> int:
    """The most products that a result sums."""
    if operation == "correlate":
        return g.batch * int(np.prod(g.coarse))
    channels = g.coarse_channels if operation == "scatter" else g.fine_channels
    return channels // g.groups * int(np.prod(g.kernel))


def _meetings(g: Geometry) -> Iterator[tuple[tuple, Places, Places]]:
    """For every tap its place, and those of the coarse and the fine elements that it joins."""
    along = [list(_along(*axis)) for axis in zip(g.coarse, g.fine, g.kernel, g.stride, g.before, g.dilation, strict=True)]
    for tap in np.ndindex(g.kernel):
        pairs = [along[axis][t] for axis, t in enumerate(tap)]
        if all(pairs):
            here, there = zip(*pairs, strict=True)
            yield (..., *tap), (..., *here), (..., *there)


def _along(
    coarse: int, fine: int, kernel: int, stride: int, before: int, dilation: int
) -> Iterator[tuple[slice, slice] | None]:
    """For each tap of an axis the coarse and the fine elements that it joins; None for no elements."""
    for tap in range(kernel):
        at = [q for q in range(coarse) if 0 <= q * stride - before + tap * dilation < fine]
        if at:
            first, last = (q * stride - before + tap * dilation for q in (at[0], at[-1]))
            yield slice(at[0], at[-1] + 1), slice(first, last + 1, stride)
        else:
            yield None


def _grouped(g: Geometry, array: Array) -> Array:
    batch, channels, *spatial = array.shape
    return array.reshape(batch, g.groups, channels // g.groups, *spatial)


def _flat(array: Array) -> Array:
    return array.reshape(*array.shape[:3], int(np.prod(array.shape[3:])))


def _filters(g: Geometry, kernel: Array) -> Array:
    coarse, fine, *spatial = kernel.shape
    return kernel.reshape(g.groups, coarse // g.groups, fine, *spatial)
