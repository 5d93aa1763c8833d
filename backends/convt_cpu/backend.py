"""The cpu backend: chooses an engine, the walking order and the number of threads, then runs a cached plan.

Read `choice.py` for who computes what, `direct` and `im2col` for how.
"""

from __future__ import annotations

from logging import DEBUG, getLogger
from math import isinf
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convt.backend import Backend, is_verbose, kept

from ._job import Job
from ._layers import layer_name
from ._runner import DONE, LEFT, run
from ._sums import channel_sums
from ._threads import thread_count, threads_for
from .blas import blas_name
from .caches import bounded_cache
from .choice import ENGINES, FALLBACK, choose, choose_exact, forced_engine
from .cores import quota
from .isa import available, instruction_set, isa_is_forced
from .keeping import kept_taps, run_packed
from .machine import machine_key, record
from .mend import mend
from .pooling import max_pool, max_pool_backward, max_unpool, max_unpool_backward
from .reach import Taps, some_taps, without_idle_taps
from .resampling import upsample, upsample_backward

if TYPE_CHECKING:
    from collections.abc import Callable

    from convt.backend import Problem, Stage

    from ._plan import Plan
    from .engine import Map, Order

__all__ = ["CpuBackend"]

_log = getLogger("convt.cpu")  # at level DEBUG, what each call runs

_SERIAL_BELOW = 200_000  # multiply-adds that are done before a second thread has started
_KEPT = 1 << 25  # bytes of all plans that are kept
_SHORT, _LONG = 4, 16  # coarse elements of an axis: rows of so few are slower than rows of so many apart in memory


class CpuBackend(Backend):
    """The three maps on the processor's cores."""

    name = "cpu"
    priority = 100

    def scatter(self, problem: Problem, coarse: Any, kernel: Any, bias: Any, fine: Any) -> None:
        _compute("scatter", problem, fine, coarse, kernel, bias)

    def gather(self, problem: Problem, fine: Any, kernel: Any, bias: Any, coarse: Any) -> None:
        _compute("gather", problem, fine, coarse, kernel, bias)

    def correlate(self, problem: Problem, fine: Any, coarse: Any, kernel: Any) -> None:
        _compute("correlate", problem, fine, coarse, kernel, None)

    def channel_sums(self, problem: Problem, array: Any, sums: Any) -> None:
        channel_sums(array, sums, threads_for(array.size, sums.size, _SERIAL_BELOW))

    def upsample(self, problem: Problem, mode: str, align_corners: bool, coarse: Any, fine: Any) -> None:
        upsample(problem, mode, align_corners, coarse, fine)

    def upsample_backward(self, problem: Problem, mode: str, align_corners: bool, fine: Any, coarse: Any) -> None:
        upsample_backward(problem, mode, align_corners, fine, coarse)

    def max_pool(self, problem: Problem, fine: Any, coarse: Any, indices: Any) -> None:
        max_pool(problem, fine, coarse, indices)

    def max_pool_backward(self, problem: Problem, coarse: Any, indices: Any, fine: Any) -> bool:
        return max_pool_backward(problem, coarse, indices, fine)

    def max_unpool(self, problem: Problem, coarse: Any, indices: Any, fine: Any) -> bool:
        return max_unpool(problem, coarse, indices, fine)

    def max_unpool_backward(self, problem: Problem, fine: Any, indices: Any, coarse: Any) -> bool:
        return max_unpool_backward(problem, fine, indices, coarse)

    def schedule(self, data_map: Map, problem: Problem) -> list[Stage]:
        """The stages of a map on contiguous arrays, as `convt.backend.Backend` says."""
        strides = np.empty(problem.fine_array_shape, problem.dtype).strides
        key = problem, data_map, strides, False, instruction_set(), machine_key()
        return _chosen(*key, forced_engine(), False).plan.stages

    def info(self) -> dict[str, Any]:
        entries: dict[str, Callable[[], Any]] = {
            "instruction set": _instruction_sets,
            "machine": lambda: str(record()),
            "engines": _engines,
            "threading": layer_name,
            "threads": thread_count,
            "quota": _quota,
            "blas": blas_name,
        }
        return {name: _told(entry) for name, entry in entries.items()}


def _told(entry: Callable[[], Any]) -> Any:
    """An entry of `info`, or which environment variable is wrong."""
    try:
        return entry()
    except (ValueError, RuntimeError) as error:
        return f"wrong: {error}"


def _instruction_sets() -> str:
    forced = "; CONVT_CPU_ISA forces it" if isa_is_forced() else ""
    return f"{instruction_set()} (of {', '.join(available())}{forced})"


def _quota() -> str:
    limit = quota()
    return "none" if isinf(limit) else f"the time of {limit:g} cores, for the control group"


def _engines() -> str:
    forced = forced_engine()
    rest = f"; {FALLBACK} does what that cannot" if forced != FALLBACK else ""
    return ", ".join(ENGINES) + (f" (CONVT_CPU_ALGORITHM forces {forced}{rest})" if forced else "")


def _compute(data_map: Map, problem: Problem, fine: Any, coarse: Any, kernel: Any, bias: Any) -> None:
    isa, strides, forced = instruction_set(), fine.strides, forced_engine()
    last = strides[1] == coarse.strides[1] == problem.dtype.itemsize
    place = None if data_map == "correlate" else kept()
    chosen = _chosen(problem, data_map, strides, last, isa, machine_key(), forced, place is not None)
    plan = chosen.plan
    threads = threads_for(plan.multiply_adds, plan.tasks, _SERIAL_BELOW)
    if _log.isEnabledFor(DEBUG) or is_verbose():
        unable = (
            f" ({forced}, which CONVT_CPU_ALGORITHM forces, cannot do it)" if forced not in (None, chosen.engine) else ""
        )
        _report(data_map, problem, f"engine {chosen.engine}{unable}", isa, threads, plan)
    if chosen.taps is not None:
        if data_map == "correlate":
            kernel[...] = 0
        kernel = some_taps(kernel, chosen.taps) if place is None else kept_taps(place, kernel, chosen.taps)
    if place is None or not plan.packed_bytes:
        result = run(plan, fine, coarse, kernel, bias, threads)
    else:
        result = run_packed(place, plan, chosen.taps, fine, coarse, kernel, bias, threads)
    if result != DONE:
        key = problem, data_map, strides, last, isa, machine_key()
        if place is not None:  # what is computed anew is not kept
            chosen, result = _chosen(*key, forced, False), LEFT
        _mend(key, chosen, result, (fine, coarse, kernel, bias), threads)


def _mend(key: tuple[Any, ...], chosen: _Chosen, result: int, arrays: tuple[Any, ...], threads: int) -> None:
    """Compute anew what is wrong because something is not finite; `key` is what `_chosen` depends on besides."""
    _whole, data_map, strides, last, isa, _machine = key
    problem = chosen.problem

    def exact() -> Plan:
        by = chosen if chosen.plan.exact else _chosen_exact(*key)
        _report(data_map, problem, f"engine {by.engine} (not all values are finite)", isa, threads, by.plan)
        return by.plan

    mend(Job(problem, data_map, _order(problem, strides), isa, last), chosen.plan, result, exact, arrays, threads)


class _Chosen(NamedTuple):
    """Who computes a map.

    Attributes
    ----------
    engine : str
    plan : Plan
    problem : Problem
        Without the taps that reach nothing.
    taps : tuple or None
        Which taps of the kernel those are, if not all.
    """

    engine: str
    plan: Plan
    problem: Problem
    taps: Taps | None


@bounded_cache(4096, _KEPT, lambda chosen: chosen.plan.nbytes)
def _chosen(
    problem: Problem,
    data_map: Map,
    strides: tuple[int, ...],
    channels_last: bool,
    isa: str,
    machine: bytes,
    forced: str | None,
    constant: bool,
) -> _Chosen:
    """The engine of a map; `strides` are those of the fine array, `machine` is a key of the record."""
    problem, taps = without_idle_taps(problem)
    engine, plan = choose(Job(problem, data_map, _order(problem, strides), isa, channels_last, constant), forced)
    return _Chosen(engine, plan, problem, taps)


@bounded_cache(256, _KEPT // 8, lambda chosen: chosen.plan.nbytes)
def _chosen_exact(
    problem: Problem, data_map: Map, strides: tuple[int, ...], channels_last: bool, isa: str, machine: bytes
) -> _Chosen:
    """The same for `choose_exact`."""
    problem, taps = without_idle_taps(problem)
    return _Chosen(*choose_exact(Job(problem, data_map, _order(problem, strides), isa, channels_last)), problem, taps)


def _report(data_map: Map, problem: Problem, engine: str, isa: str, threads: int, plan: Plan) -> None:
    """Log what computes, and print it where the caller asks for that."""
    _log.debug("%s: %s, %s, threads %d, %s", data_map, engine, isa, threads, problem)
    if is_verbose():
        scratch = plan.shared_bytes + threads * plan.scratch_bytes
        print(f"{data_map} on the processor: {engine}, {isa}, threads {threads}, scratch memory {scratch} bytes")


def _order(problem: Problem, strides: tuple[int, ...]) -> Order:
    """The spatial axes as they are walked: the densest in memory last, or the longest where that one is short.

    Axes where nothing happens go in front: there, an axis of one element is none.
    """
    axes = range(len(problem.stride))
    dense = axes if strides[-1] == problem.dtype.itemsize else sorted(axes, key=lambda axis: -abs(strides[axis + 2]))
    order = sorted(dense, key=lambda axis: not _is_idle(problem, axis))
    sizes = problem.coarse_shape
    if sizes[order[-1]] <= _SHORT and max(sizes) >= _LONG:
        order.sort(key=lambda axis: sizes[axis])
    return tuple(order)


def _is_idle(problem: Problem, axis: int) -> bool:
    """Whether all arrays have one element along a spatial axis, and these meet."""
    sizes = problem.fine_shape[axis], problem.coarse_shape[axis], problem.kernel_shape[axis]
    return sizes == (1, 1, 1) and problem.padding[axis] == 0
