"""The jobs: a case, what is to be computed of it, and the arrays.

A `Task` is one call of an operator; conv takes the fine array of a case to its coarse one, with the same kernel. A
`SamplingTask` is upsampling, pooling or one of their gradients. Each of both has a kind of job of its own; a contender has a
method for each kind, and `Job.call` asks for the right one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..functions import pooling
from .cases import SAMPLING_CASES, Case, SamplingCase
from .choice import select_cases, split
from .timing import Run

__all__ = [
    "BACKWARD",
    "CONV",
    "FORWARD",
    "Job",
    "LayerJob",
    "SamplingJob",
    "SamplingTask",
    "Task",
    "layer_jobs",
    "sampling_jobs",
]


class Contender(Protocol):
    """Who can be asked for a call that does a job."""

    def layer(self, job: LayerJob) -> Run:
        """A call of an operator or of its gradients."""

    def sampling(self, job: SamplingJob) -> Run:
        """A call of upsampling, pooling or one of their gradients."""


class Job(Protocol):
    """A task on a case.

    Attributes
    ----------
    dtype : str
        "float32" or "float64".
    flops : int
        Multiplications and additions.
    bytes : int
        Of all arrays that are read or written, each once.
    """

    @property
    def case(self) -> Case | SamplingCase:
        """What it is done on."""

    @property
    def task(self) -> Task | SamplingTask:
        """What is computed."""

    @property
    def dtype(self) -> str: ...

    @property
    def flops(self) -> int: ...

    @property
    def bytes(self) -> int: ...

    def call(self, contender: Contender) -> Run:
        """A contender's call that does the job once."""


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
class LayerJob:
    """An operator or its gradients on a layer, with random arrays that are made when first asked for; a `Job`."""

    case: Case
    task: Task
    dtype: str

    def call(self, contender: Contender) -> Run:
        """A contender's call that does the job once."""
        return contender.layer(self)

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
        return _normal(self._x_shape, 1, self.dtype)

    @cached_property
    def w(self) -> NDArray[Any]:
        """The kernel."""
        return _normal(self.case.w_shape, 2, self.dtype)

    @cached_property
    def bias(self) -> NDArray[Any] | None:
        """Where the network has one; always for gradients that include it."""
        return _normal(self._y_shape[1:2], 3, self.dtype) if self.case.bias or "bias" in self.task.needs else None

    @cached_property
    def dy(self) -> NDArray[Any]:
        """The gradient of the result."""
        return _normal(self._y_shape, 4, self.dtype)

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


@dataclass(frozen=True)
class SamplingTask:
    """What is computed.

    Attributes
    ----------
    name : {"nearest", "bilinear", "max_pool", "max_unpool"}
    backward : bool
    """

    name: Literal["nearest", "bilinear", "max_pool", "max_unpool"]
    backward: bool = False

    @property
    def family(self) -> str:
        """Of the cases that it is computed of."""
        return "upsample" if self.name in ("nearest", "bilinear") else "pool"

    def __str__(self) -> str:
        """A heading."""
        return f"{self.name}, backward" if self.backward else self.name


@dataclass(frozen=True)
class SamplingJob:
    """Upsampling, pooling or one of their gradients on an array; a `Job`."""

    case: SamplingCase
    task: SamplingTask
    dtype: str

    def call(self, contender: Contender) -> Run:
        """A contender's call that does the job once."""
        return contender.sampling(self)

    @property
    def windows(self) -> dict[str, Any]:
        """The arguments of pooling."""
        return {"size": self.case.factor, "stride": self.case.stride, "padding": self.case.padding}

    @cached_property
    def x(self) -> NDArray[Any]:
        """The array that is enlarged or pooled."""
        return _normal(self.case.shape, 1, self.dtype)

    @cached_property
    def pooled(self) -> pooling.Pooled:
        """Its maxima and indices."""
        return pooling.max_pool(self.x, **self.windows)

    @cached_property
    def dy(self) -> NDArray[Any]:
        """The gradient of the result."""
        images, channels, *spatial = self.case.shape
        if self.task.family == "upsample":
            return _normal((images, channels, *(size * self.case.factor for size in spatial)), 4, self.dtype)
        return _normal(self.pooled.y.shape if self.task.name == "max_pool" else self.case.shape, 4, self.dtype)

    @property
    def flops(self) -> int:
        """Moving is no arithmetic."""
        return 0

    @property
    def bytes(self) -> int:
        """Of all arrays that are read or written, each once."""
        itemsize = np.dtype(self.dtype).itemsize
        small = prod(self.case.shape)
        if self.task.family == "upsample":
            return small * (1 + self.case.factor**2) * itemsize
        return small * itemsize + int(self.pooled.y.size) * (itemsize + 8)


def layer_jobs(names: Sequence[str] | None, tasks: Sequence[Task], dtype: str) -> list[LayerJob]:
    """These tasks on the cases of these names or families, all by default.

    Examples
    --------
    >>> from convt.bench.jobs import CONV, layer_jobs
    >>> [(job.case.name, str(job.task)) for job in layer_jobs(["tiny-1d"], CONV, "float32")]
    [('tiny-1d', 'conv'), ('tiny-1d', 'conv, gradients of x, w and bias')]
    """
    return [LayerJob(case, task, dtype) for task in tasks for case in select_cases(names)]


def sampling_jobs(names: Sequence[str] | None, dtype: str) -> list[SamplingJob]:
    """All tasks on the cases of these names or families, all by default.

    Examples
    --------
    >>> from convt.bench.jobs import sampling_jobs
    >>> [str(job.task) for job in sampling_jobs(["upsample-14"], "float32")]
    ['nearest', 'nearest, backward', 'bilinear', 'bilinear, backward']
    """
    known = ["upsample", "pool", *SAMPLING_CASES]
    wanted = split(names, known, f"cases must be among {', '.join(known)} with --sampling")
    cases = [case for case in SAMPLING_CASES.values() if not wanted or case.name in wanted or case.family in wanted]
    return [SamplingJob(case, task, dtype) for task in _SAMPLING for case in cases if case.family == task.family]


_NAMES: tuple[Literal["nearest", "bilinear", "max_pool", "max_unpool"], ...] = (
    "nearest",
    "bilinear",
    "max_pool",
    "max_unpool",
)
_SAMPLING = tuple(SamplingTask(name, backward) for name in _NAMES for backward in (False, True))


def _normal(shape: tuple[int, ...], seed: int, dtype: str) -> NDArray[Any]:
    return np.random.default_rng(seed).standard_normal(shape, np.dtype(dtype).type)
