"""The problems that are timed: layers of well-known networks, and shapes that strain an engine in one way."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

import convt

__all__ = ["CASES", "Case"]


@dataclass(frozen=True)
class Case:
    """One transposed convolution, x (batch, channels, *size) and w (channels, outputs // groups, *kernel)."""

    batch: int
    channels: int
    outputs: int
    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: int = 1
    padding: int = 0
    groups: int = 1
    options: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", {"stride": self.stride, "padding": self.padding, "groups": self.groups})

    @property
    def multiply_adds(self) -> int:
        """Multiplications, borders included."""
        return self.batch * self.channels * self.outputs // self.groups * prod(self.size) * prod(self.kernel)

    def arrays(self, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """x, w, bias and dy with normally distributed entries."""
        rng = np.random.default_rng(0)
        x_shape = (self.batch, self.channels, *self.size)
        w_shape = (self.channels, self.outputs // self.groups, *self.kernel)
        y_shape = convt.conv_transpose_shape(x_shape, w_shape, **self.options)
        shapes = (x_shape, w_shape, (self.outputs,), y_shape)
        x, w, bias, dy = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
        return x, w, bias, dy


CASES = {
    "dcgan 4x4": Case(16, 1024, 512, (4, 4), (4, 4), 2, 1),
    "dcgan 8x8": Case(16, 512, 256, (8, 8), (4, 4), 2, 1),
    "dcgan 16x16": Case(16, 256, 128, (16, 16), (4, 4), 2, 1),
    "dcgan 32x32": Case(16, 128, 3, (32, 32), (4, 4), 2, 1),
    "unet 28x28": Case(1, 1024, 512, (28, 28), (2, 2), 2),
    "unet 256x256": Case(1, 128, 64, (256, 256), (2, 2), 2),
    "fcn32": Case(1, 21, 21, (16, 16), (64, 64), 32, 16),
    "fcn8": Case(1, 21, 21, (64, 64), (16, 16), 8, 4),
    "bilinear": Case(4, 64, 64, (64, 64), (4, 4), 2, 1, 64),
    "3x3": Case(8, 64, 64, (56, 56), (3, 3), 1, 1),
    "5x5": Case(4, 32, 32, (64, 64), (5, 5), 1, 2),
    "fsrcnn": Case(1, 56, 1, (128, 128), (9, 9), 3, 4),
    "groups": Case(8, 128, 128, (32, 32), (4, 4), 2, 1, 4),
    "tiny": Case(1, 3, 3, (4, 4), (3, 3), 2),
}
