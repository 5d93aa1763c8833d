"""Max pooling, its inverse and their gradients.

`_windows.pyx` runs in parallel over rows (pooling) or planes (the others, so that what has the same index meets in scan
order), ``windows.h`` has the loops in C, which ``pooling.c`` compiles for each instruction set.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .._threads import threads_for
from ..blocks import in_blocks
from ..isa import instruction_set
from ._windows import Windows, run

if TYPE_CHECKING:
    from convt.backend import Problem

__all__ = ["max_pool", "max_pool_backward", "max_unpool", "max_unpool_backward"]

_SERIAL_BELOW = 50_000  # elements that are done before a second thread has started


def max_pool(problem: Problem, fine: Any, coarse: Any, indices: Any) -> None:
    """Write coarse and indices; all of these as `convt.backend.Backend` says."""
    _run("pool", problem, [fine, coarse, indices], 2)


def max_pool_backward(problem: Problem, coarse: Any, indices: Any, fine: Any) -> bool:
    """Write fine: sums."""
    return _run("pool_backward", problem, [coarse, indices, fine], 1)


def max_unpool(problem: Problem, coarse: Any, indices: Any, fine: Any) -> bool:
    """Write fine: values."""
    return _run("unpool", problem, [coarse, indices, fine], 1)


def max_unpool_backward(problem: Problem, fine: Any, indices: Any, coarse: Any) -> bool:
    """Write coarse: what is left of it in fine."""
    return _run("unpool_backward", problem, [fine, indices, coarse], 1)


def _run(name: str, problem: Problem, arrays: list[Any], outputs: int) -> bool:
    for blocks, outer, inner, _ in in_blocks(arrays, outputs=outputs):
        windows = _windows(problem, outer, inner, instruction_set())
        work = max(blocks[0].size, blocks[-1].size)
        tasks = windows.pool_tasks if name == "pool" else windows.plane_tasks
        if not run(windows, name, *blocks, threads_for(work, tasks, _SERIAL_BELOW)):
            return False
    return True


@lru_cache(maxsize=1024)
def _windows(problem: Problem, outer: int, inner: int, isa: str) -> Windows:
    ones, zeros = (1,) * (3 - len(problem.stride)), (0,) * (3 - len(problem.stride))
    return Windows(
        ones + problem.fine_shape,
        ones + problem.coarse_shape,
        ones + problem.kernel_shape,
        ones + problem.stride,
        zeros + problem.padding,
        outer,
        inner,
        isa,
        problem.dtype.itemsize,
    )
