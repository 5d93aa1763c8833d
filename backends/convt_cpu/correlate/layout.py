"""The buffers of a correlate plan: sizes in bytes of packed strips and of sums.

``kernels/correlate_pack.h`` and ``kernels/correlate_strip.h`` show how they are laid out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, prod
from typing import NamedTuple

from ..sizes import aligned, ceil_div
from .shape import Shape

__all__ = ["Axis", "Layout", "axis_of"]


class Axis(NamedTuple):
    """A spatial axis after packing: what stride and dilation had in common is in `step`."""

    coarse: int
    kernel: int
    stride: int
    dilation: int
    step: int


def axis_of(coarse: int, kernel: int, stride: int, dilation: int) -> Axis:
    if kernel == 1:
        return Axis(coarse, 1, 1, 1, stride)
    step = gcd(stride, dilation)
    return Axis(coarse, kernel, stride // step, dilation // step, step)


@dataclass(frozen=True)
class Layout:
    """The sizes in bytes of packed strips and of sums."""

    batch: int
    coarse: int
    axes: tuple[Axis, ...]
    run: int
    runs: int
    blocks: int
    shape: Shape
    lanes: int
    size: int

    @property
    def positions(self) -> tuple[int, ...]:
        """Images and coarse positions along the axes."""
        return (self.batch, *(axis.coarse for axis in self.axes))

    def coarse_pitch(self, coarse: int) -> int:
        """In elements; positions an even number of cache lines apart would meet in fewer sets of the cache."""
        pitch = coarse if self.shape.fine_lanes else ceil_div(coarse, self.lanes) * self.lanes
        return pitch + self.lanes * (pitch > 2 * self.lanes and pitch % (2 * self.lanes) == 0)

    def packed_coarse(self, count: tuple[int, ...], coarse: int) -> int:
        """Of one block of so many channels."""
        return aligned(prod(count) * self.coarse_pitch(coarse) * self.size)

    def packed_fine(self, count: tuple[int, ...]) -> int:
        """Of one block of channels; kernels read up to a vector beyond the end."""
        rows = ((n - 1) * a.stride + (a.kernel - 1) * a.dilation + 1 for n, a in zip(count[1:], self.axes, strict=True))
        return aligned((count[0] * prod(rows) * self.shape.fine_block + self.lanes) * self.size)

    def sums(self, coarse: int, runs: int) -> int:
        """Of a block of some coarse channels and runs."""
        length = self.run * self.shape.fine_block
        if self.shape.fine_lanes:
            return aligned(coarse * runs * ceil_div(length, self.lanes) * self.lanes * self.size)
        return aligned(runs * length * ceil_div(coarse, self.lanes) * self.lanes * self.size)

    def written(self, runs: int) -> int:
        """Of the taps of one coarse channel, or of a vector of them as well, on their way to the kernel."""
        return aligned(
            runs * self.run * self.shape.fine_block * (1 if self.shape.fine_lanes else 1 + self.lanes) * self.size
        )
