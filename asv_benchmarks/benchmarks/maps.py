"""Time of the operators and their gradients, per backend and case."""

from __future__ import annotations

from typing import Any

import convt

from .cases import CASES, job

BACKENDS = ["cpu", "numpy"]


class _Maps:
    params: Any = (BACKENDS, list(CASES))
    param_names = ("backend", "case")
    timeout = 300
    operator: str

    def setup(self, backend: str, case: str) -> None:
        """Arrays, and a first call that is not timed."""
        made = job(case, self.operator)
        self.options = {**made.options, "backend": backend}
        self.x, self.w, self.bias, self.dy = made.x, made.w, made.bias, made.dy
        getattr(convt, self.operator)(self.x, self.w, self.bias, **self.options)


class Transposed(_Maps):
    """conv_transpose."""

    operator = "conv_transpose"

    def time_forward(self, backend: str, case: str) -> None:
        convt.conv_transpose(self.x, self.w, self.bias, **self.options)

    def time_gradient_of_x(self, backend: str, case: str) -> None:
        convt.conv_transpose_backward(self.x, self.w, self.bias, self.dy, needs=["x"], **self.options)

    def time_gradient_of_w(self, backend: str, case: str) -> None:
        convt.conv_transpose_backward(self.x, self.w, self.bias, self.dy, needs=["w"], **self.options)

    def time_gradients(self, backend: str, case: str) -> None:
        convt.conv_transpose_backward(self.x, self.w, self.bias, self.dy, **self.options)


class Plain(_Maps):
    """conv, from the large array to the small one."""

    operator = "conv"

    def time_forward(self, backend: str, case: str) -> None:
        convt.conv(self.x, self.w, self.bias, **self.options)

    def time_gradients(self, backend: str, case: str) -> None:
        convt.conv_backward(self.x, self.w, self.bias, self.dy, **self.options)
