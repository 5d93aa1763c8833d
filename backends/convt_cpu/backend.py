"""The cpu backend: chooses an engine, the walking order and the number of threads, then runs a cached plan.

Read `choice.py` for who computes what, `direct` and `im2col` for how.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ._openmp import OPENMP
from ._sums import channel_sums
from .blas import blas_names, single_threaded_blas
from .choice import choose
from .direct._engine import run as run_direct
from .im2col._correlate import correlate
from .im2col._gather import gather
from .im2col._scatter import scatter
from .im2col.plan import correlate_plan, gather_plan, multiply_adds, scatter_plan
from .isa import available, instruction_set
from .threads import thread_count, threads_used

if TYPE_CHECKING:
    from collections.abc import Callable

    from convt.problem import Problem

    from .direct._engine import DirectPlan
    from .im2col._plan import Plan

__all__ = ["CpuBackend"]

_SCRATCH = 30 * 1024 * 1024  # bytes, of all threads together
_SERIAL_BELOW = 200_000  # multiply-adds that are done before a second thread has started


class CpuBackend:
    """The three maps on the processor's cores."""

    name = "cpu"
    priority = 100

    def why_not(self, problem: Problem) -> str | None:
        return None

    def owns(self, array: Any) -> bool:
        return False

    def scatter(self, problem: Problem, coarse: Any, kernel: Any, bias: Any, fine: Any) -> None:
        order = _order(fine)
        if not _direct("scatter", problem, order, coarse, kernel, bias, fine):
            _im2col(scatter, scatter_plan(problem, order), problem, coarse, kernel, bias, fine)

    def gather(self, problem: Problem, fine: Any, kernel: Any, bias: Any, coarse: Any) -> None:
        order = _order(fine)
        if not _direct("gather", problem, order, fine, kernel, bias, coarse):
            _im2col(gather, gather_plan(problem, order), problem, fine, kernel, bias, coarse)

    def correlate(self, problem: Problem, fine: Any, coarse: Any, kernel: Any) -> None:
        _im2col(correlate, correlate_plan(problem, _order(fine)), problem, fine, coarse, kernel)

    def channel_sums(self, problem: Problem, array: Any, sums: Any) -> None:
        channel_sums(array, sums, _threads(array.size, sums.size))

    def info(self) -> dict[str, Any]:
        return {
            "instruction set": f"{instruction_set()} (of {', '.join(available())})",
            "engines": "direct, im2col + BLAS",
            "openmp": "yes" if OPENMP else "no: built without OpenMP, runs on one thread",
            "threads": thread_count(),
            "blas": ", ".join(blas_names()) or "unknown",
        }


def _direct(data_map: Literal["scatter", "gather"], problem: Problem, order: tuple[int, ...], *arrays: Any) -> bool:
    """Whether the direct engine has computed the map: it is chosen, and all weights are finite."""
    plan = choose(problem, data_map, order, instruction_set())
    if plan is None:
        return False
    threads = 1 if plan.multiply_adds < _SERIAL_BELOW else _within_scratch(_threads(plan.multiply_adds, plan.tasks), plan)
    done: bool = run_direct(plan, *arrays, threads)
    return done


def _im2col(engine: Callable[..., None], plan: Plan, problem: Problem, *arrays: Any) -> None:
    work = multiply_adds(problem)
    threads = _within_scratch(_threads(work, plan.tasks), plan)
    if work < _SERIAL_BELOW:
        engine(plan, *arrays, threads)  # too little for BLAS to start threads of its own
    else:
        with single_threaded_blas:
            engine(plan, *arrays, threads)


def _within_scratch(threads: int, plan: Plan | DirectPlan) -> int:
    return max(1, min(threads, (_SCRATCH - plan.shared_bytes) // plan.scratch_bytes))


def _threads(work: int, tasks: int) -> int:
    if work < _SERIAL_BELOW:
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
