"""Which engine computes a map: the one whose plan costs least.

``_cost.pyx`` says what a plan costs. ``CONVT_CPU_ALGORITHM`` forces one engine for all that it can do; im2col does the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _cost as cost
from . import im2col
from ._environment import variable
from .cells._engine import run as run_cells
from .cells._plan import cells_plan
from .correlate._engine import run as run_correlate
from .correlate._plan import correlate_plan
from .depthwise._engine import run as run_depthwise
from .depthwise._plan import depthwise_plan
from .direct._engine import run as run_direct
from .direct._plan import direct_plan
from .engine import Engine
from .thin._engine import run as run_thin
from .thin._plan import thin_plan
from .windows._engine import run as run_windows
from .windows._plan import windows_plan
from .winograd._engine import run as run_winograd
from .winograd._plan import winograd_plan
from .winograd_correlate._engine import run as run_winograd_correlate
from .winograd_correlate._plan import winograd_correlate_plan

if TYPE_CHECKING:
    from ._job import Job
    from ._plan import Plan

__all__ = ["ENGINES", "FALLBACK", "choose", "forced_engine"]

ENGINES = {
    "direct": Engine(direct_plan, run_direct, cost.direct_cycles),
    "winograd": Engine(winograd_plan, run_winograd, cost.winograd_cycles, cost.winograd_suits),
    "depthwise": Engine(depthwise_plan, run_depthwise, cost.depthwise_cycles, cost.depthwise_suits),
    "cells": Engine(cells_plan, run_cells, cost.cells_cycles, cost.cells_suits),
    "thin": Engine(thin_plan, run_thin, cost.thin_cycles, cost.thin_suits),
    "windows": Engine(windows_plan, run_windows, cost.windows_cycles, cost.windows_suits),
    "correlate": Engine(correlate_plan, run_correlate, cost.correlate_cycles),
    "winograd_correlate": Engine(
        winograd_correlate_plan, run_winograd_correlate, cost.winograd_correlate_cycles, cost.winograd_correlate_suits
    ),
    "im2col": Engine(im2col.im2col_plan, im2col.run, cost.im2col_cycles),
}
FALLBACK = ENGINES["im2col"]  # can do everything


def forced_engine() -> str | None:
    """The engine that ``CONVT_CPU_ALGORITHM`` names, read at every call; None leaves the choice to the cost model."""
    return variable(b"CONVT_CPU_ALGORITHM")


def choose(job: Job, forced: str | None) -> tuple[Engine, Plan]:
    """The engine of a map, and its plan.

    Raises
    ------
    ValueError
        ``CONVT_CPU_ALGORITHM`` names no engine.
    """
    if forced is not None:
        if forced not in ENGINES:
            raise ValueError(f"CONVT_CPU_ALGORITHM must be one of {', '.join(ENGINES)}, got {forced!r}")
        plan = ENGINES[forced].plan(job)
        return (FALLBACK, FALLBACK.plan(job)) if plan is None else (ENGINES[forced], plan)
    able = [(engine, plan) for engine in ENGINES.values() if engine.suits(job) and (plan := engine.plan(job)) is not None]
    return min(able, key=lambda pair: pair[0].cycles(pair[1], job))
