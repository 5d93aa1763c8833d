"""What a call costs beside the arithmetic: Python's part of it, memory, and the import."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np

import convt

from .cases import job


class Call:
    """A problem so small that only the way to it counts."""

    params = ("cpu", "numpy")
    param_names = ("backend",)

    def setup(self, backend: str) -> None:
        made = job("tiny-2d")
        self.x, self.w, self.dy = made.x, made.w, made.dy
        convt.set_backend(backend)

    def teardown(self, backend: str) -> None:
        convt.set_backend(None)

    def time_forward(self, backend: str) -> None:
        convt.conv_transpose(self.x, self.w, stride=2)

    def time_gradients(self, backend: str) -> None:
        convt.conv_transpose_backward(self.x, self.w, None, self.dy, stride=2)

    def time_shape(self, backend: str) -> None:
        convt.conv_transpose_shape((1, 3, 4, 4), (3, 3, 3, 3), stride=2)


class FirstCall:
    """What the first call of a shape costs beyond the second: checking the arguments, and plans of all engines that suit.

    A shape is new once in a process, so each time is the median over many shapes: the same layer, one column wider each
    time. `tiny` has 3 channels; `layer` has as many as make Winograd worth a plan, too.
    """

    params = (["tiny", "layer"], ["conv_transpose", "gradients", "conv"])
    param_names = ("case", "call")
    shapes = 50

    def setup(self, case: str, call: str) -> None:
        convt.set_backend("cpu")
        channels, kernel, self.options = {"tiny": (3, 3, {}), "layer": (16, 4, {"stride": 2, "padding": 1})}[case]
        self.w = np.ones((channels, channels, kernel, kernel), np.float32)

    def teardown(self, case: str, call: str) -> None:
        convt.set_backend(None)

    def track_beyond_the_second(self, case: str, call: str) -> float:
        """In microseconds."""
        return statistics.median(self._beyond(call, width) for width in _widths(self.shapes)) * 1e6

    track_beyond_the_second.unit = "us"  # type: ignore[attr-defined]

    def _beyond(self, call: str, width: int) -> float:
        x = np.ones((1, self.w.shape[0], 2, width), np.float32)
        y = np.ones((1, self.w.shape[1], *(self._fine_size(size) for size in x.shape[2:])), np.float32)
        if call == "conv_transpose":
            return _difference(lambda: convt.conv_transpose(x, self.w, **self.options, out=y))
        if call == "gradients":
            return _difference(lambda: convt.conv_transpose_backward(x, self.w, None, y, **self.options))
        return _difference(lambda: convt.conv(y, self.w, **self.options, out=x))

    def _fine_size(self, size: int) -> int:  # asking convt would leave less for the first call to do
        return (size - 1) * self.options.get("stride", 1) + self.w.shape[2] - 2 * self.options.get("padding", 0)


def _widths(count: int) -> Iterator[int]:
    """Widths that no earlier call of this process has had."""
    return (next(_unused) for _ in range(count))


_unused = itertools.count(5)


def _difference(call: Callable[[], object]) -> float:
    """Seconds that the first of two calls takes longer."""
    times, results = [time.perf_counter()], []
    for _ in range(2):
        results.append(call())  # kept: the second call gets no memory from the first
        times.append(time.perf_counter())
    return 2 * times[1] - times[0] - times[2]


class Memory:
    """Peak memory of one call, arrays included."""

    params = (["cpu", "numpy"], ["unet-256", "fcn-32"])
    param_names = ("backend", "case")

    def setup(self, backend: str, case: str) -> None:
        made = job(case)
        self.options = {**made.options, "backend": backend}
        self.x, self.w, self.bias, self.dy = made.x, made.w, made.bias, made.dy

    def peakmem_forward(self, backend: str, case: str) -> None:
        convt.conv_transpose(self.x, self.w, self.bias, **self.options)

    def peakmem_gradients(self, backend: str, case: str) -> None:
        convt.conv_transpose_backward(self.x, self.w, self.bias, self.dy, **self.options)


def timeraw_import() -> str:
    """Import convt in a fresh interpreter."""
    return "import convt"


def timeraw_import_and_call() -> str:
    """Import convt and load the cpu backend with its first call."""
    return "import numpy, convt; convt.conv_transpose(numpy.ones((1, 1, 2)), numpy.ones((1, 1, 2)))"
