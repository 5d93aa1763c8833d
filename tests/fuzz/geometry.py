"""Geometry: the sizes and options of one operator, all of them explicit, and the layouts of its arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from convt.backend import Problem

ROLES = ("fine", "coarse", "kernel")
SPATIAL = {1: "W", 2: "HW", 3: "DHW"}


@dataclass(frozen=True)
class Geometry:
    """``fine_index = coarse_index * stride - before + tap * dilation``, along each spatial axis."""

    batch: int
    groups: int
    fine_channels: int
    coarse_channels: int
    fine: tuple[int, ...]
    coarse: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]
    dilation: tuple[int, ...]

    @property
    def axes(self) -> int:
        return len(self.stride)

    @property
    def reach(self) -> tuple[int, ...]:
        """Fine elements that a dilated filter spans."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    @property
    def full(self) -> tuple[int, ...]:
        """Fine elements that all taps of all coarse elements span."""
        return tuple((c - 1) * s + r for c, s, r in zip(self.coarse, self.stride, self.reach, strict=True))

    @property
    def after(self) -> tuple[int, ...]:
        """Elements of `full` behind the last fine one; negative where the fine array goes on."""
        return tuple(e - b - f for e, b, f in zip(self.full, self.before, self.fine, strict=True))

    @property
    def products(self) -> int:
        """Of numbers, in each of the three maps, with those that padding hides."""
        channels = self.coarse_channels * self.fine_channels // self.groups
        return self.batch * channels * prod(self.coarse) * prod(self.kernel)

    def shape(self, role: str) -> tuple[int, ...]:
        """Of the "fine", "coarse" or "kernel" array."""
        if role == "kernel":
            return (self.coarse_channels, self.fine_channels // self.groups, *self.kernel)
        return (self.batch, getattr(self, f"{role}_channels"), *getattr(self, role))

    def cropped(self, before: tuple[int, ...], after: tuple[int, ...]) -> Geometry:
        """With these paddings instead."""
        fine = tuple(e - b - a for e, b, a in zip(self.full, before, after, strict=True))
        return replace(self, before=before, fine=fine)

    def problem(self) -> Problem:
        """As convt's bound takes it."""
        sizes = (self.fine, self.coarse, self.kernel, self.stride, self.before, self.dilation)
        return Problem(self.batch, self.groups, self.fine_channels, self.coarse_channels, *sizes, np.dtype("f8"))

    def __str__(self) -> str:
        grouped = f" in {self.groups} groups" if self.groups > 1 else ""
        parts = [
            f"{self.batch} images, {self.coarse_channels} coarse {self.coarse} and {self.fine_channels} fine channels "
            f"{self.fine}{grouped}, kernel {self.kernel}, stride {self.stride}, before {self.before}"
        ]
        if max(self.dilation) > 1:
            parts.append(f"dilation {self.dilation}")
        return ", ".join(parts)


def layouts(axes: int) -> tuple[str, ...]:
    """The names of the layouts for so many spatial axes; the first is the default."""
    spatial = SPATIAL[axes]
    return f"NC{spatial}", f"N{spatial}C", f"{spatial}CN"


def data_order(layout: str) -> tuple[int, ...]:
    """The axes of (N, C, *spatial) in the layout's order."""
    standard = "NC" + "".join(letter for letter in layout if letter not in "NC")
    return tuple(standard.index(letter) for letter in layout)


def kernel_order(layout: str) -> tuple[int, ...]:
    """The axes of (coarse, fine // groups, *kernel) in the layout's order."""
    axes = len(layout) - 2
    return tuple(range(axes + 2)) if layout.startswith("NC") else (*range(2, axes + 2), 1, 0)


def inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(order.index(axis) for axis in range(len(order)))
