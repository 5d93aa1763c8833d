"""The definition, as naively as it can be said: for every tap, every coarse position and its partner.

The only geometry is ``fine_index = coarse_index * stride - padding + tap * dilation``, written out as index arrays; there
are no slices, no phases, no special cases. It shares no code with any backend, so that it can judge all of them.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from ..backend import Problem

__all__ = ["INPUTS", "OUTPUT", "apply", "array_shape", "flat", "meetings", "terms"]

INPUTS = {"scatter": ("coarse", "kernel"), "gather": ("fine", "kernel"), "correlate": ("fine", "coarse")}
OUTPUT = {"scatter": "fine", "gather": "coarse", "correlate": "kernel"}

Array = np.ndarray[Any, np.dtype[Any]]


def array_shape(problem: Problem, role: str) -> tuple[int, ...]:
    """The shape of the "fine", "coarse" or "kernel" array."""
    shape: tuple[int, ...] = getattr(problem, f"{role}_array_shape")
    return shape


def apply(name: str, problem: Problem, left: Array, right: Array) -> Array:
    """One of the three maps of two arrays, in float64, without a bias.

    Parameters
    ----------
    name : {"scatter", "gather", "correlate"}
    problem : Problem
    left, right : ndarray
        The inputs in the order in which a backend takes them.

    Returns
    -------
    ndarray of float64
    """
    inputs = zip(INPUTS[name], (left, right), strict=True)
    arrays = {role: flat(problem, role, array.astype(np.float64)) for role, array in inputs}
    shape = array_shape(problem, OUTPUT[name])
    result = flat(problem, OUTPUT[name], np.zeros(shape))
    for tap, q, f in meetings(problem):
        if name == "scatter":
            result[..., f] += np.einsum("ngcq,gcf->ngfq", arrays["coarse"][..., q], arrays["kernel"][..., tap])
        elif name == "gather":
            result[..., q] += np.einsum("ngfq,gcf->ngcq", arrays["fine"][..., f], arrays["kernel"][..., tap])
        else:
            result[..., tap] = np.einsum("ngfq,ngcq->gcf", arrays["fine"][..., f], arrays["coarse"][..., q])
    return result.reshape(shape)


def terms(name: str, problem: Problem) -> int:
    """The most products that any element of a map's result sums."""
    if name == "correlate":
        return problem.batch * prod(problem.coarse_shape)
    role = INPUTS[name][0]
    channels: int = getattr(problem, f"{role}_channels")
    sizes: tuple[int, ...] = getattr(problem, f"{role}_shape")
    return channels // problem.groups * prod(map(min, sizes, problem.kernel_shape))


def flat(problem: Problem, role: str, array: Array) -> Array:
    """The array with its groups on an axis of their own and its spatial axes on one, the last."""
    groups = problem.groups
    if role == "kernel":
        coarse, fine, *_ = array.shape
        return array.reshape(groups, coarse // groups, fine, -1)
    batch, channels, *_ = array.shape
    return array.reshape(batch, groups, channels // groups, -1)


@lru_cache(maxsize=16)
def meetings(problem: Problem) -> list[tuple[int, Array, Array]]:
    """For every tap its flat index and those of the coarse and fine elements that it joins."""
    stride, padding, dilation, fine_shape, coarse_shape = (
        np.reshape(values, (-1, 1))
        for values in (problem.stride, problem.padding, problem.dilation, problem.fine_shape, problem.coarse_shape)
    )
    coarse = np.indices(problem.coarse_shape).reshape(len(coarse_shape), -1)
    meetings = []
    for flat_tap, tap in enumerate(np.ndindex(problem.kernel_shape)):
        fine = coarse * stride - padding + np.reshape(tap, (-1, 1)) * dilation
        inside = ((fine >= 0) & (fine < fine_shape)).all(axis=0)
        coarse_index = np.ravel_multi_index(tuple(coarse[:, inside]), problem.coarse_shape)
        fine_index = np.ravel_multi_index(tuple(fine[:, inside]), problem.fine_shape)
        meetings.append((flat_tap, coarse_index, fine_index))
    return meetings
