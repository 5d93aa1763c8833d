"""The sparse matrix of a convolution: how long it takes to write, and how much memory beside the result."""

from __future__ import annotations

import numpy as np

import convt


class Matrix:
    """conv_matrix for 3x3 filters, 16 to 16 channels, in both orders of axes."""

    params = ((64, 256), ("NCHW", "NHWC"))
    param_names = ("size", "layout")

    def setup(self, size: int, layout: str) -> None:
        w = np.random.default_rng(0).standard_normal((16, 16, 3, 3))
        self.w = w if layout == "NCHW" else w.transpose(2, 3, 1, 0)
        self.x_shape = (16, size, size) if layout == "NCHW" else (size, size, 16)

    def time_write(self, size: int, layout: str) -> None:
        convt.conv_matrix(self.x_shape, self.w, padding=1, layout=layout)

    def peakmem_write(self, size: int, layout: str) -> None:
        convt.conv_matrix(self.x_shape, self.w, padding=1, layout=layout)
