"""Every direct kernel of the list on its own, with all it reads in the L1 cache."""

from __future__ import annotations

import timeit

import numpy as np

from convt_cpu._kernels import instruction_sets, kernels, run_kernel, vector_length

CHANNELS, TAPS = 16, 4


class Direct:
    """A thousand runs of one kernel, and the floating-point operations per second that they are."""

    params = ([f"{isa} {rows}x{vectors}" for isa in instruction_sets() for rows, vectors in kernels(isa)], ["f4", "f8"])
    param_names = ("kernel", "dtype")
    times = 1000

    def setup(self, kernel: str, dtype: str) -> None:
        self.isa, shape = kernel.split()
        self.rows, self.vectors = map(int, shape.split("x"))
        self.width = self.vectors * vector_length(self.isa, np.dtype(dtype).itemsize)
        self.offsets = np.arange(TAPS, dtype=np.int64)
        self.x = np.ones((CHANNELS, self.width + TAPS), dtype)
        self.w = np.ones((CHANNELS, TAPS, self.rows), dtype)
        self.y = np.zeros((self.rows, self.width), dtype)

    def time_kernel(self, kernel: str, dtype: str) -> None:
        run_kernel(self.isa, self.rows, self.vectors, self.offsets, self.x, self.w, self.y, False, self.times)

    def track_gflops(self, kernel: str, dtype: str) -> float:
        """The best of 5."""
        seconds = min(timeit.repeat(lambda: self.time_kernel(kernel, dtype), number=1, repeat=5))
        return 2e-9 * CHANNELS * TAPS * self.rows * self.width * self.times / seconds

    track_gflops.unit = "GFLOP/s"  # type: ignore[attr-defined]
