"""The im2col engine: the three maps as matrix products by BLAS, tile by tile.

`_plan.pyx` cuts the work into tiles and tasks, the other modules do it::

    _scatter.pyx  _gather.pyx  _correlate.pyx     the three maps
    _columns.pxd  _pixels.pxd  _panels.pxd        the three matrices of a tile
    _gemm.pxd                                     their product, by BLAS
    _geometry.pxd                                 boxes and runs of coarse positions
    _repair.pyx                                   where the zeros of padding met an infinity

The maps are linked to SciPy, whose import takes longer than most calls: they are imported when first run, a plan is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from convt.backend import loading

from ..blas import load_blas
from ._plan import Im2colPlan, im2col_plan
from ._repair import repair_correlate, repair_gather

__all__ = ["im2col_plan", "run"]

_maps: dict[str, Callable[..., None]] = {}
_NO_MEMORY = re.compile("cannot allocate|failed to map", re.IGNORECASE)  # what loaders say
_REPAIRS = {"gather": repair_gather, "correlate": repair_correlate}


def run(plan: Im2colPlan, *arrays_and_threads: Any) -> bool:
    """See `convt_cpu.engine.Engine`."""
    if not _maps:
        _load()
    _maps[plan.data_map](plan, *arrays_and_threads)
    if plan.data_map in _REPAIRS:
        _REPAIRS[plan.data_map](plan, *arrays_and_threads)
    return True


def _load() -> None:
    with loading:
        if _maps:
            return
        try:
            load_blas()
            from ._correlate import correlate
            from ._gather import gather
            from ._scatter import scatter
        except ImportError as error:
            if _NO_MEMORY.search(str(error)):
                raise MemoryError(f"cannot load SciPy's BLAS: {error}") from error
            raise
        _maps.update(scatter=scatter, gather=gather, correlate=correlate)
