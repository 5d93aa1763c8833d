"""Uneven overlap: how many taps of a transposed convolution reach each output, the cause of checkerboard patterns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from math import gcd, prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.arguments import Sizes, as_sizes, per_axis

if TYPE_CHECKING:
    from ..typing import SizesLike

__all__ = ["Overlap", "checkerboard"]

_LARGEST = 2**20  # phases; a report of more helps nobody


@dataclass(frozen=True, eq=False)
class Overlap:
    """How evenly a transposed convolution covers its output.

    Attributes
    ----------
    kernel_size, stride, dilation : tuple of int
        One per spatial axis.
    counts : ndarray of int, shape ``stride``
        For each phase (an output position modulo the stride, before cropping), the number of taps that reach it.
    """

    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    counts: NDArray[np.int64]

    @property
    def even(self) -> bool:
        """Whether every phase is reached by equally many taps."""
        return bool(self.counts.min() == self.counts.max())

    @property
    def gaps(self) -> int:
        """Number of phases that no tap reaches; the output is zero there."""
        return int((self.counts == 0).sum())

    @property
    def ratio(self) -> float:
        """The largest count divided by the smallest: 1 if even, infinite with gaps."""
        least = int(self.counts.min())
        return int(self.counts.max()) / least if least else float("inf")

    @property
    def advice(self) -> str:
        """What to change for an even overlap, in words."""
        if self.even:
            return (
                "even: no pattern from the geometry. Random filters still differ from phase to phase; filters.icnr starts "
                "them equal"
            )
        start = f"uneven, {self.gaps} of {self.counts.size} phases are never reached" if self.gaps else "uneven"
        if any(gcd(s, d) > 1 for s, d in zip(self.stride, self.dilation, strict=True)):
            return f"{start}: take a dilation that has no common divisor with the stride"
        sizes = ", ".join(map(_even_sizes, self.kernel_size, self.stride))
        return f"{start}: take kernel_size ({sizes}), or enlarge by interpolation and convolve with stride 1"

    def __repr__(self) -> str:
        shown = np.array2string(self.counts, threshold=64, edgeitems=3, prefix="  taps per phase: ")
        options = f"kernel_size={self.kernel_size}, stride={self.stride}"
        if max(self.dilation) > 1:
            options += f", dilation={self.dilation}"
        return f"checkerboard({options})\n  taps per phase: {shown}\n  {self.advice}"


def checkerboard(kernel_size: SizesLike, stride: SizesLike, *, dilation: SizesLike = 1) -> Overlap:
    """Report how evenly a transposed convolution covers its output.

    With stride s, the output at position p receives the taps t with ``t * dilation % s == p % s``. Unless their number is
    the same for each phase ``p % s``, some outputs sum more products than others, in a pattern that repeats with the stride:
    a checkerboard in images. The overlap is even if, along every axis, the stride divides the kernel size and has no common
    divisor with the dilation.

    Parameters
    ----------
    kernel_size, stride, dilation : int or sequence of int
        As in `conv_transpose`. Sequences have one value per spatial axis, 1 to 3. If all are integers, the report is about
        one axis.

    Returns
    -------
    Overlap
        With ``counts``, ``even``, ``gaps``, ``ratio`` and ``advice``; its repr is the report.

    Raises
    ------
    ValueError, TypeError
        A value is not an integer of at least 1, or sequences have different lengths.

    References
    ----------
    .. [1] A. Odena, V. Dumoulin and C. Olah, "Deconvolution and checkerboard artifacts", Distill, 2016.

    Examples
    --------
    >>> import convt
    >>> convt.checkerboard((3, 3), 2)
    checkerboard(kernel_size=(3, 3), stride=(2, 2))
      taps per phase: [[4 2]
                       [2 1]]
      uneven: take kernel_size (2 or 4, 2 or 4), or enlarge by interpolation and convolve with stride 1
    >>> convt.checkerboard(4, 2).even
    True
    """
    given = {
        "kernel_size": as_sizes("kernel_size", kernel_size),
        "stride": as_sizes("stride", stride),
        "dilation": as_sizes("dilation", dilation),
    }
    axes = _common_length(given)
    sizes, strides, dilations = (per_axis(name, value, axes, least=1) for name, value in given.items())
    if prod(strides) > _LARGEST:
        raise ValueError(f"stride must make at most {_LARGEST} phases, got {strides}")
    per_phase = map(_taps_per_phase, sizes, strides, dilations)
    counts: NDArray[np.int64] = reduce(np.multiply.outer, per_phase)
    return Overlap(sizes, strides, dilations, counts)


def _common_length(given: dict[str, Sizes]) -> int:
    lengths = {name: len(value) for name, value in given.items() if isinstance(value, tuple)}
    axes = next(iter(lengths.values()), 1)
    for name, length in lengths.items():
        if not 1 <= length <= 3 or length != axes:
            raise ValueError(
                f"{name} must have one value per spatial axis ({axes if 1 <= axes <= 3 else '1 to 3'}), got {length}"
            )
    return axes


def _taps_per_phase(size: int, stride: int, dilation: int) -> NDArray[np.int64]:
    """Return, for each phase, the number of taps t below `size` with ``t * dilation % stride`` equal to it."""
    period = stride // gcd(stride, dilation)  # of the phases that consecutive taps reach
    counts = np.zeros(stride, np.int64)
    taps = np.arange(min(size, period))
    counts[taps * (dilation % stride) % stride] = (size - 1 - taps) // period + 1
    return counts


def _even_sizes(size: int, stride: int) -> str:
    """Return the nearest kernel sizes that the stride divides, in words."""
    lower = size // stride * stride
    return str(size) if lower == size else " or ".join(str(each) for each in (lower, lower + stride) if each)
