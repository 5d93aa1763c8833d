"""The cpu backend: chooses the walking order and the number of threads, then runs a cached plan.

Read `plan.py` for how the work is cut, `_scatter.pyx`, `_gather.pyx` and `_correlate.pyx` for how it is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._correlate import correlate
from ._gather import gather
from ._plan import OPENMP, Plan
from ._scatter import scatter
from ._sums import channel_sums
from .blas import blas_names, single_threaded_blas
from .plan import SERIAL_BELOW, correlate_plan, gather_plan, multiply_adds, scatter_plan
from .threads import thread_count, threads_used

if TYPE_CHECKING:
    from collections.abc import Callable

    from convt.problem import Problem

__all__ = ["CpuBackend"]

_SCRATCH = 30 * 1024 * 1024  # bytes, of all threads together


class CpuBackend:
    """The three maps on the processor's cores, by im2col and BLAS in tiles."""

    name = "cpu"
    priority = 100

    def why_not(self, problem: Problem) -> str | None:
        return None

    def owns(self, array: Any) -> bool:
        return False

    def scatter(self, problem: Problem, coarse: Any, kernel: Any, bias: Any, fine: Any) -> None:
        _run(scatter, scatter_plan(problem, _order(fine)), problem, coarse, kernel, bias, fine)

    def gather(self, problem: Problem, fine: Any, kernel: Any, bias: Any, coarse: Any) -> None:
        _run(gather, gather_plan(problem, _order(fine)), problem, fine, kernel, bias, coarse)

    def correlate(self, problem: Problem, fine: Any, coarse: Any, kernel: Any) -> None:
        _run(correlate, correlate_plan(problem, _order(fine)), problem, fine, coarse, kernel)

    def channel_sums(self, problem: Problem, array: Any, sums: Any) -> None:
        channel_sums(array, sums, _threads(array.size, sums.size))

    def info(self) -> dict[str, Any]:
        return {
            "engine": "im2col + BLAS in tiles",
            "openmp": "yes" if OPENMP else "no: built without OpenMP, runs on one thread",
            "threads": thread_count(),
            "blas": ", ".join(blas_names()) or "unknown",
        }


def _run(engine: Callable[..., None], plan: Plan, problem: Problem, *arrays: Any) -> None:
    threads = _threads(multiply_adds(problem), plan.tasks)
    threads = max(1, min(threads, (_SCRATCH - plan.shared_bytes) // plan.scratch_bytes))
    if threads == 1 and multiply_adds(problem) < SERIAL_BELOW:
        engine(plan, *arrays, threads)  # too little for BLAS to start threads of its own
    else:
        with single_threaded_blas:
            engine(plan, *arrays, threads)


def _threads(work: int, tasks: int) -> int:
    if work < SERIAL_BELOW:
        return 1
    threads = min(thread_count(), tasks)
    if threads > 1:
        threads_used()
    return threads


def _order(array: np.ndarray) -> tuple[int, ...]:
    """The spatial axes, the densest in memory last."""
    strides = array.strides[2:]
    if strides[-1] == array.itemsize:
        return _IN_ORDER[len(strides)]
    return tuple(sorted(range(len(strides)), key=lambda axis: -abs(strides[axis])))


_IN_ORDER = {axes: tuple(range(axes)) for axes in (1, 2, 3)}
