"""The jobs: a case, what is to be computed of it, and the arrays.

A `Task` is one call of an operator; conv takes the fine array of a case to its coarse one, with the same kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .cases import Case

__all__ = ["BACKWARD", "CONV", "FORWARD", "Job", "Task"]


@dataclass(frozen=True)
class Task:
    """What is computed.

    Attributes
    ----------
    operator : {"conv_transpose", "conv"}
    needs : tuple of {"x", "w", "bias"}
        The gradients, together; none for the operator itself.
    """

    operator: Literal["conv_transpose", "conv"]
    needs: tuple[str, ...] = ()

    def __str__(self) -> str:
        """A heading."""
        if not self.needs:
            return self.operator
        listed = " and ".join(filter(None, [", ".join(self.needs[:-1]), self.needs[-1]]))
        return f"{self.operator}, gradient{'s' if len(self.needs) > 1 else ''} of {listed}"


FORWARD = (Task("conv_transpose"),)
BACKWARD = (Task("conv_transpose", ("x", "w", "bias")), Task("conv_transpose", ("x",)), Task("conv_transpose", ("w",)))
CONV = (Task("conv"), Task("conv", ("x", "w", "bias")))


@dataclass(frozen=True)
class Job:
    """A task on a case, with random arrays that are made when first asked for.

    Attributes
    ----------
    case : Case
    task : Task
    dtype : str
        "float32" or "float64".
    """

    case: Case
    task: Task
    dtype: str

    @property
    def transposed(self) -> bool:
        """Whether x is the coarse array and y the fine one."""
        return self.task.operator == "conv_transpose"

    @property
    def options(self) -> dict[str, Any]:
        """The operator's arguments that are not arrays."""
        return self.case.options if self.transposed else self.case.conv_options

    @cached_property
    def x(self) -> NDArray[Any]:
        """The argument."""
        return self._normal(self._x_shape, 1)

    @cached_property
    def w(self) -> NDArray[Any]:
        """The kernel."""
        return self._normal(self.case.w_shape, 2)

    @cached_property
    def bias(self) -> NDArray[Any] | None:
        """Where the network has one; always for gradients that include it."""
        return self._normal(self._y_shape[1:2], 3) if self.case.bias or "bias" in self.task.needs else None

    @cached_property
    def dy(self) -> NDArray[Any]:
        """The gradient of the result."""
        return self._normal(self._y_shape, 4)

    @property
    def flops(self) -> int:
        """Multiplications and additions."""
        maps = len({"x", "w"}.intersection(self.task.needs)) or 1
        return 2 * self.case.multiply_adds * maps

    @property
    def bytes(self) -> int:
        """Of all arrays that are read or written, each once."""
        x, w, y = (prod(shape) for shape in (self._x_shape, self.case.w_shape, self._y_shape))
        again = x + w if {"x", "w"}.issubset(self.task.needs) else 0
        return (x + w + y + again) * np.dtype(self.dtype).itemsize

    @property
    def _x_shape(self) -> tuple[int, ...]:
        return self.case.x_shape if self.transposed else self.case.y_shape

    @property
    def _y_shape(self) -> tuple[int, ...]:
        return self.case.y_shape if self.transposed else self.case.x_shape

    def _normal(self, shape: tuple[int, ...], seed: int) -> NDArray[Any]:
        return np.random.default_rng(seed).standard_normal(shape, np.dtype(self.dtype).type)
