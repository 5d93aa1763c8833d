"""Taps that reach nothing, as many do where images are small: they leave the problem before it is planned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from convt.backend import Problem

__all__ = ["Taps", "some_taps", "without_idle_taps"]

Taps: TypeAlias = tuple[tuple[int, int], ...]
"""Along each spatial axis of a kernel, the first tap and the one behind the last."""


def some_taps(kernel: Any, taps: Taps) -> Any:
    """Some taps of a kernel, as a view."""
    return kernel[(..., *(slice(*each) for each in taps))]


def without_idle_taps(problem: Problem) -> tuple[Problem, Taps | None]:
    """The problem of the taps that may reach something, and where in the kernel they are; None if they are all.

    Tap t of coarse element q meets the fine element ``q * stride - padding + t * dilation``: along an axis, those from the
    first one that the last q takes into the array to the last one that the first q does not take beyond it.
    """
    sizes, padding, taps = [], [], []
    for fine, coarse, kernel, stride, before, dilation in zip(
        problem.fine_shape,
        problem.coarse_shape,
        problem.kernel_shape,
        problem.stride,
        problem.padding,
        problem.dilation,
        strict=True,
    ):
        first = max(0, -(((coarse - 1) * stride - before) // dilation))
        last = min(kernel - 1, (fine - 1 + before) // dilation)
        first = min(first, kernel - 1)
        last = max(first, last)  # one stays, even if it reaches nothing
        sizes.append(last + 1 - first)
        padding.append(before - first * dilation)
        taps.append((first, last + 1))
    if sizes == list(problem.kernel_shape):
        return problem, None
    return replace(problem, kernel_shape=tuple(sizes), padding=tuple(padding)), tuple(taps)
