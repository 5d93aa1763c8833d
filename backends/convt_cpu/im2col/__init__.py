"""The im2col engine: the three maps as matrix products by BLAS, tile by tile.

`_plan.pyx` cuts the work into tiles and tasks, ``_stages.pyx`` has the stages for both element types::

    _scatter.pxd  _gather.pxd  _correlate.pxd     the three maps
    _columns.pxd  _pixels.pxd  _panels.pxd        the three matrices of a tile
    _gemm.pxd                                     their product, by BLAS
    _geometry.pxd                                 boxes and runs of coarse positions

The stages are linked to SciPy, whose import takes longer than most calls: all of it is imported when first asked for a plan.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from convt.backend import loading

from ..blas import load_blas
from ..engine import Engine

if TYPE_CHECKING:
    from .._job import Job

__all__ = ["engine", "im2col_plan"]

_planner: list[Callable[[Job], Any]] = []
_NO_MEMORY = re.compile("cannot allocate|failed to map", re.IGNORECASE)  # what loaders say


def im2col_plan(job: Job) -> Any:
    """The plan of a map.

    Raises
    ------
    MemoryError
        There is none to load SciPy's BLAS.
    """
    if not _planner:
        _load()
    return _planner[0](job)


def _load() -> None:
    with loading:
        if _planner:
            return
        try:
            load_blas()
            from ._plan import im2col_plan
        except ImportError as error:
            if _NO_MEMORY.search(str(error)):
                raise MemoryError(f"cannot load SciPy's BLAS: {error}") from error
            raise
        _planner.append(im2col_plan)


engine = Engine(im2col_plan, lambda job: False)  # the others come first
