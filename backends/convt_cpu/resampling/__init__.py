"""Upsampling and its adjoint, row by row.

`_rows.pyx` cuts rows into blocks, keeps the tables of those, and runs over all rows in parallel; ``rows.h`` has the loops in
C, which ``resampling.c`` compiles for each instruction set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._threads import threads_for
from ..blocks import in_blocks
from ..caches import bounded_cache
from ..isa import instruction_set
from ._rows import Rows, run

if TYPE_CHECKING:
    from convt.backend import Problem

__all__ = ["upsample", "upsample_backward"]

_SERIAL_BELOW = 50_000  # fine elements that are done before a second thread has started
_KEPT = 1 << 25  # bytes of all plans that are kept
_PLAN = 1 << 10  # bytes of a plan but for its tables

_rows = bounded_cache(1024, _KEPT, lambda rows: rows.nbytes + _PLAN)(Rows)


def upsample(problem: Problem, mode: str, align_corners: bool, coarse: Any, fine: Any) -> None:
    """Write fine; as `convt.backend.Backend` says."""
    _run(problem, mode, align_corners, False, coarse, fine)


def upsample_backward(problem: Problem, mode: str, align_corners: bool, fine: Any, coarse: Any) -> None:
    """Write coarse, by the adjoint map."""
    _run(problem, mode, align_corners, True, fine, coarse)


def _run(problem: Problem, mode: str, align_corners: bool, backward: bool, given: Any, result: Any) -> None:
    ones = (1,) * (3 - len(problem.stride))
    isa, itemsize = instruction_set(), problem.dtype.itemsize
    for arrays, outer, inner, turned in in_blocks([given, result], turn=True):
        step = -1 if turned else 1
        size, scale = ones + problem.coarse_shape[::step], ones + problem.stride[::step]
        work = max(arrays[0].size, arrays[1].size)
        rows = _rows(size, scale, mode, align_corners, backward, outer, inner, isa, itemsize)
        run(rows, *arrays, threads_for(work, rows.tasks, _SERIAL_BELOW))
