"""convt as a contender: called as anybody would, with as many threads as the others.

An ordinary call allocates its result, as torch's and ONNX Runtime's do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backend import Backend
from ..core.constant import Filters
from ..core.problem import Problem
from ..functions import operators, pooling, upsampling
from ..selection import choose
from ..version import __version__
from .jobs import LayerJob, SamplingJob
from .peers.peer import Peer, Run, Unsupported

__all__ = ["Kept", "Ours", "sampling_call", "selected"]

_VARIABLE = "CONVT_NUM_THREADS"


class Ours(Peer):
    """convt with the backend that is selected, as a contender like the peers.

    Parameters
    ----------
    threads : int
    dtype : str
        Of the jobs.
    """

    name = "convt"

    def __init__(self, threads: int, dtype: str) -> None:
        self._threads = threads
        self.version = f"{__version__} (backend {selected(dtype).name})"

    @contextmanager
    def session(self) -> Iterator[None]:
        """The number of threads."""
        before = os.environ.get(_VARIABLE)
        os.environ[_VARIABLE] = str(self._threads)
        try:
            yield
        finally:
            if before is None:
                del os.environ[_VARIABLE]
            else:
                os.environ[_VARIABLE] = before

    def layer(self, job: LayerJob) -> Run:
        """One call of the operator or of its backward."""
        return self._layer(job, job.w)

    def _layer(self, job: LayerJob, w: NDArray[Any] | Filters) -> Run:
        x, bias, options, needs = job.x, job.bias, job.options, job.task.needs
        if not needs:
            operator = getattr(operators, job.task.operator)
            return lambda: operator(x, w, bias, **options)
        backward = getattr(operators, f"{job.task.operator}_backward")
        dy = job.dy
        return lambda: backward(x, w, bias, dy, needs=needs, **options)

    def sampling(self, job: SamplingJob) -> Run:
        """One call of the function or of its backward."""
        return sampling_call(job)


class Kept(Ours):
    """convt with filters that are declared constant, as ONNX Runtime's and OpenVINO's models have them.

    Parameters
    ----------
    threads : int
    dtype : str
    """

    name = "Filters"

    def layer(self, job: LayerJob) -> Run:
        """One call with constant filters, which a gradient of filters cannot have."""
        if {"w", "bias"}.intersection(job.task.needs):
            raise Unsupported("are no constants where they are trained")
        return self._layer(job, Filters(job.w))


def selected(dtype: str) -> Backend:
    """The backend that computes a layer of NumPy arrays."""
    problem = Problem(
        batch=1,
        groups=1,
        fine_channels=3,
        coarse_channels=3,
        fine_shape=(8, 8),
        coarse_shape=(4, 4),
        kernel_shape=(2, 2),
        stride=(2, 2),
        padding=(0, 0),
        dilation=(1, 1),
        dtype=np.dtype(dtype),
    )
    return choose(problem, None)


def sampling_call(job: SamplingJob) -> Run:
    """convt's call of upsampling, pooling or one of their gradients."""
    name, spatial = job.task.name, job.case.shape[2:]
    if name == "nearest" or name == "bilinear":
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
