"""Upsampling and pooling as jobs of the benchmark: their cases, what is computed of them, and convt's call.

A `SamplingJob` goes through the same story as every other job; of the peers, torch can do it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import pooling, upsampling
from .choice import split
from .jobs import Job

__all__ = ["SAMPLING_CASES", "SamplingCase", "SamplingJob", "SamplingTask", "sampling_call", "sampling_jobs"]


@dataclass(frozen=True)
class SamplingCase:
    """One array, x or the pooled array's origin (N, C, H, W).

    Attributes
    ----------
    name : str
        "upsample" or "pool", a hyphen, the variant.
    shape : tuple of int
    factor : int
        The scale, or the size of the windows.
    stride, padding : int
        Of the windows.
    """

    name: str
    shape: tuple[int, int, int, int]
    factor: int
    stride: int = 2
    padding: int = 0

    @property
    def family(self) -> str:
        """What stands before the hyphen."""
        return self.name.partition("-")[0]

    def __str__(self) -> str:
        """In one line."""
        sizes = f"{self.shape[0]}, {self.shape[1]}, {self.shape[2]}x{self.shape[3]}"
        return (
            f"{sizes} x{self.factor}"
            if self.family == "upsample"
            else f"{sizes} k{self.factor} s{self.stride} p{self.padding}"
        )


@dataclass(frozen=True)
class SamplingTask:
    """What is computed.

    Attributes
    ----------
    name : {"nearest", "bilinear", "max_pool", "max_unpool"}
    backward : bool
    """

    name: str
    backward: bool = False

    @property
    def family(self) -> str:
        """Of the cases that it is computed of."""
        return "upsample" if self.name in ("nearest", "bilinear") else "pool"

    def __str__(self) -> str:
        """A heading."""
        return f"{self.name}, backward" if self.backward else self.name


@dataclass(frozen=True)
class SamplingJob(Job):
    """A task on a case."""

    case: Any
    task: Any

    @property
    def windows(self) -> dict[str, Any]:
        """The arguments of pooling."""
        return {"size": self.case.factor, "stride": self.case.stride, "padding": self.case.padding}

    @cached_property
    def x(self) -> NDArray[Any]:
        """The array that is enlarged or pooled."""
        return self._normal(self.case.shape, 1)

    @cached_property
    def pooled(self) -> pooling.Pooled:
        """Its maxima and indices."""
        return pooling.max_pool(self.x, **self.windows)

    @cached_property
    def dy(self) -> NDArray[Any]:
        """The gradient of the result."""
        images, channels, *spatial = self.case.shape
        if self.task.family == "upsample":
            return self._normal((images, channels, *(size * self.case.factor for size in spatial)), 4)
        return self._normal(self.pooled.y.shape if self.task.name == "max_pool" else self.case.shape, 4)

    @property
    def flops(self) -> int:
        """Moving is no arithmetic."""
        return 0

    @property
    def bytes(self) -> int:
        """Of all arrays that are read or written, each once."""
        itemsize: int = np.dtype(self.dtype).itemsize
        small: int = prod(self.case.shape)
        if self.task.family == "upsample":
            return int(small * (1 + self.case.factor**2) * itemsize)
        return int(small * itemsize + self.pooled.y.size * (itemsize + 8))


SAMPLING_CASES = {
    case.name: case
    for case in (
        SamplingCase("upsample-14", (16, 256, 14, 14), 2),
        SamplingCase("upsample-64", (8, 32, 64, 64), 2),
        SamplingCase("upsample-128", (1, 64, 128, 128), 2),
        SamplingCase("upsample-512", (1, 3, 512, 512), 4),
        SamplingCase("pool-14", (16, 256, 14, 14), 2),
        SamplingCase("pool-64", (8, 32, 64, 64), 2),
        SamplingCase("pool-128", (1, 64, 128, 128), 2),
        SamplingCase("pool-512", (1, 3, 512, 512), 2),
    )
}

_TASKS = tuple(
    SamplingTask(name, backward) for name in ("nearest", "bilinear", "max_pool", "max_unpool") for backward in (False, True)
)


def sampling_jobs(names: Sequence[str] | None, dtype: str) -> list[SamplingJob]:
    """All tasks on the cases of these names or families, all by default.

    Examples
    --------
    >>> from convt.bench.sampling import sampling_jobs
    >>> [str(job.task) for job in sampling_jobs(["upsample-14"], "float32")]
    ['nearest', 'nearest, backward', 'bilinear', 'bilinear, backward']
    """
    known = ["upsample", "pool", *SAMPLING_CASES]
    wanted = split(names, known, f"cases must be among {', '.join(known)} with --sampling")
    cases = [case for case in SAMPLING_CASES.values() if not wanted or case.name in wanted or case.family in wanted]
    return [SamplingJob(case, task, dtype) for task in _TASKS for case in cases if case.family == task.family]


def sampling_call(job: SamplingJob) -> Callable[[], Any]:
    """convt's call."""
    name, spatial = job.task.name, job.case.shape[2:]
    if job.task.family == "upsample":
        x, dy, scale = job.x, job.dy, job.case.factor
        if job.task.backward:
            return lambda: upsampling.upsample_backward(dy, scale, mode=name)
        return lambda: upsampling.upsample(x, scale, mode=name)
    x, (y, indices), windows = job.x, job.pooled, job.windows
    if not job.task.backward:
        if name == "max_pool":
            return lambda: pooling.max_pool(x, **windows)
        return lambda: pooling.max_unpool(y, indices, **windows, output_size=spatial)
    dy = job.dy
    if name == "max_pool":
        return lambda: pooling.max_pool_backward(dy, indices, **windows, output_size=spatial)
    return lambda: pooling.max_unpool_backward(dy, indices, **windows)
