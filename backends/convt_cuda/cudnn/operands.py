"""The arrays as cuDNN wants them: dense, all three in one order, (N, C, *spatial) or (N, *spatial, C), two or three axes.

An array that lies so is used where it is. Any other is staged: it has a dense copy in the workspace. Of the two orders the
one with the fewest elements to copy is tried first.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from convt.backend import Problem

    from .geometry import Fit
    from .maps import CudnnMap

__all__ = ["Operand", "Operands", "arrangements"]

NCHW, NHWC = 0, 1

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Operand:
    """One array.

    Attributes
    ----------
    shape, strides : tuple of int
        Of what cuDNN sees, in elements.
    view_shape, view_strides : tuple of int
        Of the caller's array.
    staged : bool
    offset : int
        Elements before the caller's array in what cuDNN sees.
    """

    shape: Shape
    strides: Shape
    view_shape: Shape
    view_strides: Shape
    staged: bool
    offset: int

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def larger(self) -> bool:
        """Whether there is more than the caller's array in it."""
        return self.shape != self.view_shape


@dataclass(frozen=True)
class Operands:
    """The three arrays by role, in one of cuDNN's orders (NCHW or NHWC)."""

    order: int
    by_role: dict[str, Operand]

    @property
    def staged(self) -> int:
        """Elements in copies."""
        return sum(operand.elements for operand in self.by_role.values() if operand.staged)


def arrangements(problem: Problem, fitted: Fit, cudnn_map: CudnnMap, strides: tuple[Shape, ...]) -> list[Operands]:
    """The two ways to give the arrays to cuDNN, the one with the fewest copied elements first."""
    by_role = dict(zip(cudnn_map.ours, strides, strict=True))
    ways = []
    for order in (NCHW, NHWC):
        operands = {role: _operand(problem, fitted, role, by_role[role], order) for role in cudnn_map.ours}
        ways.append(Operands(order, operands))
    return sorted(ways, key=lambda way: way.staged)


def _operand(problem: Problem, fitted: Fit, role: str, strides: Shape, order: int) -> Operand:
    shape: Shape = getattr(problem, f"{role}_array_shape")
    offset = 0
    dense_shape = planes(shape)
    if role == "fine":
        dense_shape = planes((*shape[:2], *fitted.fine_shape))
    dense = _dense(dense_shape, order)
    if role == "fine":
        lead = len(dense) - len(fitted.offset)
        offset = sum(step * start for step, start in zip(dense[lead:], fitted.offset, strict=True))
    view_shape = planes(shape)
    view_strides = _plane_strides(view_shape, strides)
    staged = dense_shape != view_shape or any(
        size > 1 and own != wanted for size, own, wanted in zip(view_shape, view_strides, dense, strict=True)
    )
    return Operand(dense_shape, dense, view_shape, view_strides, staged, offset)


def planes(shape: Shape) -> Shape:
    """At least two spatial axes."""
    return (*shape[:2], 1, *shape[2:]) if len(shape) == 3 else shape


def _plane_strides(shape: Shape, strides: Shape) -> Shape:
    if len(strides) == 3:
        strides = (*strides[:2], 0, *strides[2:])
    return strides


def _dense(shape: Shape, order: int) -> Shape:
    axes: tuple[int, ...] = tuple(range(len(shape))) if order == NCHW else (0, *range(2, len(shape)), 1)
    strides, step = [0] * len(shape), 1
    for axis in reversed(axes):
        strides[axis] = step
        step *= shape[axis]
    return tuple(strides)
