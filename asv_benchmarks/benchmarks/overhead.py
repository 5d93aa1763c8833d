"""What a call costs beside the arithmetic: Python's part of it, memory, and the import."""

from __future__ import annotations

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
    """The first call of a shape, which also plans it."""

    number = 1
    warmup_time = 0

    def setup(self) -> None:
        self.w = np.ones((3, 3, 3, 3), np.float32)
        self.size = 4
        convt.conv_transpose(np.ones((1, 3, 4, 4), np.float32), self.w, backend="cpu")

    def time_new_shape(self) -> None:
        self.size += 1
        convt.conv_transpose(np.empty((1, 3, 4, self.size), np.float32), self.w, backend="cpu")


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
