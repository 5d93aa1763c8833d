"""Orders of axes: channels first, as the bench's arrays have them, or last, as most programs of JAX have them.

Axes have labels here: ``n`` images, ``g`` groups, ``c`` coarse and ``o`` fine channels of a group, and for each spatial axis
``h`` its places, ``q`` which run of as many taps as the stride, and ``r`` which tap of that run or which phase.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

__all__ = ["Layout", "arrange", "crop", "numbered"]

Labels = Sequence[str]
Pads = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Layout:
    """Where the channels are.

    Attributes
    ----------
    last : bool
        As in NHWC and, for kernels, HWIO; else as in NCHW and IOHW.
    axes : int
        How many are spatial.
    """

    last: bool
    axes: int

    @property
    def name(self) -> str:
        """Short, for a table."""
        return "last" if self.last else "first"

    @property
    def channel(self) -> int:
        """The channels of data."""
        return self.axes + 1 if self.last else 1

    @property
    def spatial(self) -> range:
        """The spatial axes of data."""
        return range(1, self.axes + 1) if self.last else range(2, self.axes + 2)

    @property
    def taps(self) -> range:
        """The spatial axes of kernels."""
        return range(self.axes) if self.last else range(2, self.axes + 2)

    def data(self, channels: Labels, places: Labels) -> list[str]:
        """The axes of data."""
        return ["n", *places, *channels] if self.last else ["n", *channels, *places]

    def kernel(self, channels: Labels, places: Labels) -> list[str]:
        """The axes of kernels."""
        return [*places, *channels] if self.last else [*channels, *places]

    def take_data(self, array: np.ndarray) -> np.ndarray:
        """An array whose channels are first, in this order."""
        return np.ascontiguousarray(np.moveaxis(array, 1, -1)) if self.last else array

    def take_kernel(self, array: np.ndarray) -> np.ndarray:
        """A kernel whose channels are first, in this order."""
        return np.ascontiguousarray(np.moveaxis(array, (0, 1), (-2, -1))) if self.last else array

    def give(self, array: np.ndarray, *, kernel: bool) -> np.ndarray:
        """Undo `take_kernel` or `take_data`."""
        if not self.last:
            return array
        return np.moveaxis(array, (-2, -1), (0, 1)) if kernel else np.moveaxis(array, -1, 1)

    def convolve(self, x: Any, w: Any, pads: Pads, *, kernel: str = "IO", **options: Any) -> Any:
        """XLA's convolution; `kernel` says which of the channel axes of w are x's and which the result's."""
        letters = "DHW"[-self.axes :]
        data = f"N{letters}C" if self.last else f"NC{letters}"
        numbers = (data, letters + kernel if self.last else kernel + letters, data)
        strides = options.pop("window_strides", (1,) * self.axes)
        if any(side < 0 for pair in pads for side in pair) and "lhs_dilation" not in options:
            x, pads = crop(x, self.spatial, pads), [(0, 0)] * self.axes
        return lax.conv_general_dilated(x, w, strides, pads, dimension_numbers=numbers, **options)

    def interleave(self, y: Any, strides: Sequence[int], outputs: int) -> Any:
        """Make the fine array of one that has the axes of `data`, with those of ``phases("g")`` for channels."""
        places, phases = numbered("h", self.axes), numbered("r", self.axes)
        have = self.data(self.phases("g"), places)
        want = self.data(["g", "o"], [label for pair in zip(places, phases, strict=True) for label in pair])
        sizes = dict(zip(have, y.shape, strict=True))
        fine = [sizes[place] * stride for place, stride in zip(places, strides, strict=True)]
        shape = (y.shape[0], *fine, outputs) if self.last else (y.shape[0], outputs, *fine)
        return arrange(y, have, want).reshape(shape)

    def phases(self, *before: str) -> list[str]:
        """The fine channels and the phases, in the order that moves least memory."""
        labels = numbered("r", self.axes)
        return [*before, *labels, "o"] if self.last else [*before, "o", *labels]


def numbered(letter: str, count: int) -> list[str]:
    """The labels of a letter for each spatial axis."""
    return [f"{letter}{axis}" for axis in range(count)]


def arrange(array: Any, have: Labels, want: Labels) -> Any:
    """Transpose from one order of labels to another."""
    return array.transpose([have.index(label) for label in want])


def crop(array: Any, axes: Sequence[int], pads: Pads, inside: Sequence[int] | None = None) -> Any:
    """Pad with zeros along some axes, before, after and between; a negative number crops."""
    config = [(0, 0, 0)] * array.ndim
    for place, axis in enumerate(axes):
        config[axis] = (*pads[place], inside[place] if inside else 0)
    return lax.pad(array, jnp.zeros((), array.dtype), config)
