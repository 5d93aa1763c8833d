"""What a compiled program asks of convt: one map of one problem, described by a text, on the buffers that XLA has.

The text is all that there is to know, as JAX may keep a compiled program in a file and run it in another process. Programs
run in XLA's threads, which know no ``with`` block of the thread that called: what such blocks say is part of the text too.
"""

from __future__ import annotations

import json
from contextlib import nullcontext
from contextvars import Context
from ctypes import c_char
from functools import lru_cache
from math import prod
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from ..core.execution import ask
from ..core.layout import LAYOUTS
from ..core.problem import Problem
from ..selection import choose
from ..settings import options

__all__ = ["ROLES", "Choices", "DataMap", "Role", "Work", "array_shape", "buffers_of", "inverse"]

DataMap: TypeAlias = Literal["scatter", "gather", "correlate"]
Role: TypeAlias = Literal["fine", "coarse", "kernel"]

ROLES: dict[DataMap, tuple[Role, Role, Role]] = {
    "scatter": ("coarse", "kernel", "fine"),
    "gather": ("fine", "kernel", "coarse"),
    "correlate": ("fine", "coarse", "kernel"),
}
"""The operands of each map and its result."""


_NOTHING = nullcontext()


def array_shape(problem: Problem, role: Role) -> tuple[int, ...]:
    """Return the shape of one of a problem's arrays, (N, C, *spatial) or (coarse, fine // groups, *spatial)."""
    shape: tuple[int, ...] = getattr(problem, f"{role}_array_shape")
    return shape


class Choices(NamedTuple):
    """What a caller chooses beside the problem. None of it changes the shapes.

    Attributes
    ----------
    layout : str
        Names the order of axes in memory, which backends get views of. The transpositions to it undo those of the caller's
        arrays, and XLA drops both.
    backend : tuple of str, optional
        As in `convt.use_backend`.
    settings : tuple of (str, value) pairs
        Those of `convt.options` that are not the default.
    """

    layout: str
    backend: tuple[str, ...] | None
    settings: tuple[tuple[str, Any], ...]


class Work(NamedTuple):
    """One map of one problem, and the caller's choices."""

    data_map: DataMap
    problem: Problem
    choices: Choices

    def text(self) -> str:
        """Return the description that `buffers_of` reads."""
        fields = {name: getattr(self.problem, name) for name in Problem.__dataclass_fields__}
        fields["dtype"] = self.problem.dtype.name
        return json.dumps([self.data_map, fields, self.choices])

    def orders(self) -> list[tuple[int, ...]]:
        """Return in which order both operands and the result have a problem's axes in memory, from the outermost on."""
        layout = LAYOUTS[self.choices.layout]
        return [layout.kernel_back if role == "kernel" else layout.data_back for role in ROLES[self.data_map]]

    def run(self, left: np.ndarray, right: np.ndarray, result: np.ndarray) -> None:
        """Write the result, all arrays with the problem's axes."""
        Context().run(self._run, left, right, result)

    def _run(self, left: np.ndarray, right: np.ndarray, result: np.ndarray) -> None:
        with options(**dict(self.choices.settings)) if self.choices.settings else _NOTHING:
            backend = choose(self.problem, self.choices.backend)
            arrays = (left, right, result) if self.data_map == "correlate" else (left, right, None, result)
            ask(backend, getattr(backend, self.data_map), self.problem, *arrays)


class Buffers:
    """A work, and how to see its arrays in memory.

    Parameters
    ----------
    work : Work
    """

    def __init__(self, work: Work) -> None:
        self._run = work.run
        self._dtype = work.problem.dtype
        self._forms = []
        for role, order in zip(ROLES[work.data_map], work.orders(), strict=True):
            shape = array_shape(work.problem, role)
            memory = c_char * (prod(shape) * self._dtype.itemsize)
            self._forms.append((tuple(shape[axis] for axis in order), memory, inverse(order)))

    def run(self, *addresses: int) -> None:
        """Do the work on operands and a result at these addresses."""
        arrays = [
            np.ndarray(shape, self._dtype, memoryview(memory.from_address(address))).transpose(back)
            for (shape, memory, back), address in zip(self._forms, addresses, strict=True)
        ]
        for operand in arrays[:2]:
            operand.flags.writeable = False
        self._run(*arrays)


@lru_cache(maxsize=4096)
def buffers_of(text: bytes) -> Buffers:
    """Return what a description describes."""
    data_map, fields, (layout, backend, settings) = json.loads(text)
    known = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    problem = Problem(**{**known, "dtype": np.dtype(fields["dtype"])})
    chosen = tuple((name, value) for name, value in settings)
    return Buffers(Work(data_map, problem, Choices(layout, None if backend is None else tuple(backend), chosen)))


def inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    """Return the order that undoes an order of axes."""
    return tuple(map(order.index, range(len(order))))
