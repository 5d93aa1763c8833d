"""The cpu backend: chooses an engine, the walking order and the number of threads, then runs a cached plan.

Read `choice.py` for who computes what, `direct` and `im2col` for how.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._openmp import OPENMP
from ._sums import channel_sums
from .blas import blas_names
from .choice import ENGINES, FALLBACK, choose
from .isa import available, instruction_set
from .pooling import indices_inside, max_pool, max_pool_backward, max_unpool, max_unpool_backward
from .resampling import upsample, upsample_backward
from .threads import thread_count, threads_for

if TYPE_CHECKING:
    from convt.problem import Problem

    from .engine import Map, Order, Plan

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
        _compute("scatter", problem, _order(fine), coarse, kernel, bias, fine)

    def gather(self, problem: Problem, fine: Any, kernel: Any, bias: Any, coarse: Any) -> None:
        _compute("gather", problem, _order(fine), fine, kernel, bias, coarse)

    def correlate(self, problem: Problem, fine: Any, coarse: Any, kernel: Any) -> None:
        _compute("correlate", problem, _order(fine), fine, coarse, kernel)

    def channel_sums(self, problem: Problem, array: Any, sums: Any) -> None:
        channel_sums(array, sums, threads_for(array.size, sums.size, _SERIAL_BELOW))

    def upsample(self, problem: Problem, mode: str, align_corners: bool, coarse: Any, fine: Any) -> None:
        upsample(problem, mode, align_corners, coarse, fine)

    def upsample_backward(self, problem: Problem, mode: str, align_corners: bool, fine: Any, coarse: Any) -> None:
        upsample_backward(problem, mode, align_corners, fine, coarse)

    def max_pool(self, problem: Problem, fine: Any, coarse: Any, indices: Any) -> None:
        max_pool(problem, fine, coarse, indices)

    def max_pool_backward(self, problem: Problem, coarse: Any, indices: Any, fine: Any) -> None:
        max_pool_backward(problem, coarse, indices, fine)

    def indices_inside(self, problem: Problem, indices: Any) -> bool:
        return indices_inside(problem, indices)

    def max_unpool(self, problem: Problem, coarse: Any, indices: Any, fine: Any) -> None:
        max_unpool(problem, coarse, indices, fine)

    def max_unpool_backward(self, problem: Problem, fine: Any, indices: Any, coarse: Any) -> None:
        max_unpool_backward(problem, fine, indices, coarse)

    def info(self) -> dict[str, Any]:
        return {
            "instruction set": f"{instruction_set()} (of {', '.join(available())})",
            "engines": ", ".join(ENGINES),
            "openmp": "yes" if OPENMP else "no: built without OpenMP, runs on one thread",
            "threads": thread_count(),
            "blas": ", ".join(blas_names()) or "unknown",
        }


def _compute(data_map: Map, problem: Problem, order: Order, *arrays: Any) -> None:
    isa = instruction_set()
    engine, plan = choose(problem, data_map, order, isa)
    if not engine.run(plan, *arrays, _threads_of(plan)):
        plan = FALLBACK.plan(problem, data_map, order, isa)
        FALLBACK.run(plan, *arrays, _threads_of(plan))


def _threads_of(plan: Plan) -> int:
    threads = threads_for(plan.multiply_adds, plan.tasks, _SERIAL_BELOW)
    return 1 if threads == 1 else max(1, min(threads, (_SCRATCH - plan.shared_bytes) // plan.scratch_bytes))


def _order(array: np.ndarray) -> tuple[int, ...]:
    """The spatial axes, the densest in memory last."""
    strides = array.strides[2:]
    if strides[-1] == array.itemsize:
        return _IN_ORDER[len(strides)]
    return tuple(sorted(range(len(strides)), key=lambda axis: -abs(strides[axis])))


_IN_ORDER = {axes: tuple(range(axes)) for axes in (1, 2, 3)}
