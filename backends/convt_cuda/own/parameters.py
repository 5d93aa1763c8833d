"""The parameter structs of kernels/geometry.cuh as rows of integers, with 0 where addresses go."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from convt.backend import Problem

    from ..engine import Strides

__all__ = ["Parameters", "correlation", "dense_strides", "reduction", "scatter_or_gather", "sum_of_channels"]


class Parameters(NamedTuple):
    """A struct's members in order, and the positions of the addresses."""

    values: tuple[int, ...]
    pointers: tuple[tuple[int, str], ...]


class _Row:
    def __init__(self) -> None:
        self._values: list[int] = []
        self._pointers: list[tuple[int, str]] = []

    def add(self, *values: int) -> None:
        self._values += values

    def address(self, name: str) -> None:
        self._pointers.append((len(self._values), name))
        self.add(0)

    def view(self, name: str, strides: tuple[int, ...]) -> None:
        self.address(name)
        self.add(*_five(strides, 0))

    def axes(self, problem: Problem) -> None:
        """`Axis` of the leading axes that the problem does not have, then of those that it has."""
        self.add(*(1, 1, 1, 1, 0, 1, 1, 0) * (3 - len(problem.stride)))
        columns = zip(
            problem.fine_shape,
            problem.coarse_shape,
            problem.kernel_shape,
            problem.stride,
            problem.padding,
            problem.dilation,
            strict=True,
        )
        for fine, coarse, taps, stride, padding, dilation in columns:
            common = gcd(stride, dilation)
            inverse = pow(dilation // common, -1, stride // common) if stride > common else 0
            self.add(fine, coarse, taps, stride, padding, dilation, common, inverse)

    def parameters(self) -> Parameters:
        return Parameters(tuple(self._values), tuple(self._pointers))


def scatter_or_gather(
    problem: Problem,
    scatter: bool,
    strides: Strides,
    tiles: tuple[int, int] = (0, 0),
    beside: int = 1,
    line: int = 0,
    guarded: bool = False,
) -> Parameters:
    """`Map`: out[m][o] += in[c][i] * weight[m][c][tap]; `tiles` are those of rows and of columns."""
    data, kernel, out = strides
    coarse, fine = problem.coarse_channels // problem.groups, problem.fine_channels // problem.groups
    weight = (kernel[1], kernel[0], *kernel[2:]) if scatter else kernel
    inputs, outputs = (coarse, fine) if scatter else (fine, coarse)
    row = _Row()
    row.view("left", data)
    row.view("out", out)
    row.view("right", weight)
    row.address("bias")
    row.address("work")
    if guarded:
        row.address("guard")
    else:
        row.add(0)
    row.address("bias_stride")
    row.add(problem.batch, problem.groups, inputs, outputs, coarse * kernel[0], *tiles, beside, line)
    row.axes(problem)
    return row.parameters()


def correlation(problem: Problem, strides: Strides, out: str, splits: int, per_split: int) -> Parameters:
    """`Correlation`; its result goes to "out", or its parts to "work"."""
    fine_strides, coarse_strides, kernel = strides
    coarse, fine = problem.coarse_channels // problem.groups, problem.fine_channels // problem.groups
    split = 0
    if out == "work":
        kernel = dense_strides(problem.kernel_array_shape)
        split = kernel[0] * problem.coarse_channels
    row = _Row()
    row.view("left", fine_strides)
    row.view("right", coarse_strides)
    row.view(out, kernel)
    row.add(problem.batch, problem.groups, fine, coarse, coarse * kernel[0], split, splits, per_split)
    row.axes(problem)
    return row.parameters()


def reduction(shape: tuple[int, ...], strides: tuple[int, ...], splits: int) -> Parameters:
    """`Reduction` of dense parts into an array."""
    row = _Row()
    row.address("work")
    row.view("out", strides)
    row.add(splits, *_five(shape, 1))
    return row.parameters()


def sum_of_channels(shape: tuple[int, ...], strides: tuple[int, ...], splits: int, per_split: int) -> Parameters:
    """`Sum`, whose parts go to "work"."""
    row = _Row()
    row.view("left", strides)
    row.address("work")
    row.add(shape[0], shape[1], *_five(shape, 1)[2:], splits, per_split)
    return row.parameters()


def _five(values: tuple[int, ...], missing: int) -> tuple[int, ...]:
    """Two channel axes and three others, the leading ones filled up."""
    first, second = (*values[:2], missing)[:2] if len(values) > 1 else (values[0], missing)
    return (first, second, *[missing] * (5 - max(2, len(values))), *values[2:])


def dense_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Of an array whose elements lie one after the other, the last axis first."""
    strides = [1]
    for size in reversed(shape[1:]):
        strides.append(strides[-1] * size)
    return tuple(reversed(strides))
