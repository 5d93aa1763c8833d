"""The checkerboard: how many products each output of a transposed convolution adds up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from ..core.arguments import as_sizes, per_axis
from ..functions.operators import conv_transpose
from .geometry import check_size
from .page import GREY, INK, ORANGE, as_figure

if TYPE_CHECKING:
    from ..typing import SizesLike

__all__ = ["contributions", "overlap"]

_LARGEST_CELL = 0.36  # inches, like the rest
_WIDEST = 6.4
_LEFT, _RIGHT, _HEAD, _FOOT = 0.75, 1.35, 1.1, 0.65


def overlap(
    kernel_size: SizesLike,
    stride: SizesLike,
    *,
    dilation: SizesLike = 1,
    size: SizesLike | None = None,
    figure: Figure | None = None,
) -> Figure:
    """Draw how many products each output of a 2-D transposed convolution adds up.

    If the numbers differ away from the border, neighbouring outputs tend to differ in brightness: the checkerboard. They are
    equal there if the kernel's size is a multiple of the stride (without dilation).

    Parameters
    ----------
    kernel_size, stride, dilation : int or pair of int
    size : int or pair of int, optional
        The spatial size of x; by default enough to show the inside and the borders.
    figure : matplotlib.figure.Figure, optional
        Cleared and drawn into, instead of a new one.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError, TypeError
        An argument breaks a rule, or the output has more than 40 elements along an axis.

    References
    ----------
    .. [1] A. Odena, V. Dumoulin and C. Olah, "Deconvolution and checkerboard artifacts", Distill, 2016.

    Examples
    --------
    >>> from convt import draw
    >>> draw.overlap(3, 2).savefig("overlap.png")  # doctest: +SKIP
    """
    kernel, strides, dilations = (
        per_axis(name, as_sizes(name, value), 2, least=1)
        for name, value in (("kernel_size", kernel_size), ("stride", stride), ("dilation", dilation))
    )
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    usual = tuple(2 * -(-r // s) + 2 for r, s in zip(reach, strides, strict=True))
    sizes = per_axis("size", usual if size is None else as_sizes("size", size), 2, least=1)
    shape = tuple((n - 1) * s + r for n, s, r in zip(sizes, strides, reach, strict=True))
    check_size("y's shape", shape)
    counts = contributions(sizes, kernel, strides, dilations)
    inside = np.multiply.outer(
        *(np.bincount(np.arange(k) * d % s, minlength=s) for k, d, s in zip(kernel, dilations, strides, strict=True))
    )
    return _draw(counts, inside, kernel, strides, dilations, reach, figure)


def contributions(
    sizes: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> NDArray[np.int64]:
    """The number of products in each output: a transposed convolution of ones with ones."""
    counts = conv_transpose(np.ones((1, *sizes)), np.ones((1, 1, *kernel)), stride=stride, dilation=dilation)
    whole: NDArray[np.int64] = np.rint(counts[0]).astype(np.int64)
    return whole


def _draw(
    counts: NDArray[np.int64],
    inside: NDArray[np.int64],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    reach: list[int],
    figure: Figure | None,
) -> Figure:
    rows, columns = counts.shape
    cell = min(_LARGEST_CELL, _WIDEST / max(rows, columns))
    wide, high = columns * cell, rows * cell
    width, height = max(wide + _LEFT + _RIGHT, 6.2), high + _HEAD + _FOOT
    left = (width - wide - _LEFT - _RIGHT) / 2 + _LEFT
    page = as_figure(figure, width, height)
    axes = page.add_axes((left / width, _FOOT / height, wide / width, high / height))
    image = axes.imshow(counts, cmap="cividis", vmin=min(0, counts.min()), vmax=counts.max(), gid="contributions")
    axes.locator_params(integer=True)
    axes.set_xticks(np.arange(-0.5, columns), minor=True)
    axes.set_yticks(np.arange(-0.5, rows), minor=True)
    axes.grid(which="minor", color="white", linewidth=1)
    axes.tick_params(which="both", length=0, labelsize=8, colors=GREY)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_xlabel("column of y", color=INK)
    axes.set_ylabel("row of y", color=INK)
    if max(rows, columns) <= 26:
        for (row, column), count in np.ndenumerate(counts):
            ink = "white" if count < 0.6 * counts.max() else INK
            axes.text(column, row, str(count), ha="center", va="center_baseline", fontsize=min(9, 26 * cell), color=ink)
    footprint = Rectangle((-0.5, -0.5), reach[1], reach[0], fill=False, edgecolor=ORANGE[1], linewidth=2.6)
    footprint.set(zorder=5, clip_on=False)
    axes.add_patch(footprint)
    bar = page.add_axes(((left + wide + 0.25) / width, _FOOT / height, 0.16 / width, high / height))
    page.colorbar(image, cax=bar, ticks=np.unique(counts) if len(np.unique(counts)) <= 12 else None)
    bar.tick_params(length=0, labelsize=8, colors=GREY)
    bar.set_ylabel("products in each output", color=INK)
    bar.spines[:].set_visible(False)

    said = f"kernel {_by(kernel)}, stride {_by(strides)}" + (f", dilation {_by(dilations)}" if set(dilations) != {1} else "")
    even = inside.min() == inside.max()
    numbers = f"{inside.min()}" if even else f"{inside.min()} to {inside.max()}"
    verdict = "Even inside" if even else "A checkerboard"
    each = f"each output adds up {numbers} product{'' if numbers == '1' else 's'}"
    page.text(0.5, 1 - 0.3 / height, f"{verdict}: {each}", ha="center", va="center", fontsize=14, weight="bold", color=INK)
    page.text(0.5, 1 - 0.6 / height, said, ha="center", va="center", fontsize=10.5, color=GREY)
    legend = "outlined: where the first input goes"
    page.text(0.5, 1 - 0.85 / height, legend, ha="center", va="center", fontsize=9.5, color=ORANGE[1])
    return page


def _by(sizes: tuple[int, ...]) -> str:
    return f"{sizes[0]}" if sizes[0] == sizes[1] else " × ".join(map(str, sizes))
