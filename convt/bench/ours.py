"""convt as a contender: called as anybody would, with as many threads as the others.

An ordinary call allocates its result, as torch's and ONNX Runtime's do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from .. import operators
from ..problem import Problem
from ..selection import choose
from ..version import __version__
from .jobs import Job
from .peers.peer import Run
from .sampling import SamplingJob, sampling_call

__all__ = ["Ours"]

_VARIABLE = "CONVT_NUM_THREADS"


class Ours:
    """convt with the backend that is selected; a `Peer`, though none of the peers.

    Parameters
    ----------
    threads : int
    dtype : str
        Of the jobs.
    """

    name = "convt"

    def __init__(self, threads: int, dtype: str) -> None:
        self._threads = threads
        problem = Problem(1, 1, 3, 3, (8, 8), (4, 4), (2, 2), (2, 2), (0, 0), (1, 1), np.dtype(dtype))
        self.version = f"{__version__} (backend {choose(problem, None).name})"

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

    def prepare(self, job: Job) -> Run:
        """One call of the operator or of its backward."""
        if isinstance(job, SamplingJob):
            return sampling_call(job)
        x, w, bias, options, needs = job.x, job.w, job.bias, job.options, job.task.needs
        if not needs:
            operator = getattr(operators, job.task.operator)
            return lambda: operator(x, w, bias, **options)
        backward = getattr(operators, f"{job.task.operator}_backward")
        dy = job.dy
        return lambda: backward(x, w, bias, dy, needs=needs, **options)
