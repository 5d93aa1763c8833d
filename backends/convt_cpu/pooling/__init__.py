"""Max pooling, its inverse and their gradients.

`_windows.pyx` runs in parallel over rows (pooling) or planes (the others, so that what has the same index meets in scan
order), ``windows.h`` has the loops in C, which ``pooling.c`` compiles for each instruction set.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..blocks import in_blocks, written
from ..isa import instruction_set
from ..threads import threads_for
from ._windows import Windows, inside, run

if TYPE_CHECKING:
    from convt.problem import Problem

__all__ = ["indices_inside", "max_pool", "max_pool_backward", "max_unpool", "max_unpool_backward"]

_SERIAL_BELOW = 50_000  # elements that are done before a second thread has started


def max_pool(problem: Problem, fine: Any, coarse: Any, indices: Any) -> None:
    """Write coarse and indices; all of these as `convt.backend.Backend` says."""
    _run("pool", problem, [fine, coarse, indices], 2)


def max_pool_backward(problem: Problem, coarse: Any, indices: Any, fine: Any) -> None:
    """Write fine: sums."""
    _run("pool_backward", problem, [coarse, indices, fine], 1)


def max_unpool(problem: Problem, coarse: Any, indices: Any, fine: Any) -> None:
    """Write fine: values."""
    _run("unpool", problem, [coarse, indices, fine], 1)


def max_unpool_backward(problem: Problem, fine: Any, indices: Any, coarse: Any) -> None:
    """Write coarse: what is left of it in fine."""
    _run("unpool_backward", problem, [fine, indices, coarse], 1)


def indices_inside(problem: Problem, indices: Any) -> bool:
    """Whether all indices are those of fine elements."""
    blocks = in_blocks([indices], outputs=0)
    windows = _windows(problem, blocks.outer, blocks.inner, instruction_set())
    return bool(inside(windows, blocks.arrays[0], threads_for(indices.size, indices.size, _SERIAL_BELOW)))


def _run(name: str, problem: Problem, arrays: list[Any], outputs: int) -> None:
    blocks = in_blocks(arrays, outputs=outputs)
    windows = _windows(problem, blocks.outer, blocks.inner, instruction_set())
    work = max(array.size for array in arrays)
    tasks = windows.row_tasks if name == "pool" else windows.plane_tasks
    run(windows, name, *blocks.arrays, threads_for(work, tasks, _SERIAL_BELOW))
    written(blocks, arrays[-outputs:])


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
