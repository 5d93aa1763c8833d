"""Which engine computes a map: the one whose plan costs least.

`_cost.pxd` says what a plan costs. ``CONVT_CPU_ALGORITHM`` forces one engine for all that it can do. What no engine can do,
or what one has begun and could not treat as the definition does, im2col does; it is loaded when it is first needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._environment import variable
from .cells._plan import cells_plan, cells_suits
from .correlate._plan import correlate_plan
from .depthwise._plan import depthwise_plan, depthwise_suits
from .direct._plan import direct_plan
from .engine import Engine
from .im2col import im2col_plan
from .thin._plan import thin_plan, thin_suits
from .windows._plan import windows_plan, windows_suits
from .winograd._plan import winograd_plan, winograd_suits
from .winograd_correlate._plan import winograd_correlate_plan, winograd_correlate_suits

if TYPE_CHECKING:
    from ._job import Job
    from ._plan import Plan

__all__ = ["ENGINES", "FALLBACK", "choose", "forced_engine"]

FALLBACK = "im2col"


ENGINES = {
    "direct": Engine(direct_plan),
    "winograd": Engine(winograd_plan, winograd_suits),
    "depthwise": Engine(depthwise_plan, depthwise_suits),
    "cells": Engine(cells_plan, cells_suits),
    "thin": Engine(thin_plan, thin_suits),
    "windows": Engine(windows_plan, windows_suits),
    "correlate": Engine(correlate_plan),
    "winograd_correlate": Engine(winograd_correlate_plan, winograd_correlate_suits),
    FALLBACK: Engine(im2col_plan, lambda job: False),
}


def forced_engine() -> str | None:
    """The engine that ``CONVT_CPU_ALGORITHM`` names, read at every call; None leaves the choice to the cost model."""
    return variable(b"CONVT_CPU_ALGORITHM")


def choose(job: Job, forced: str | None) -> tuple[str, Plan]:
    """The name of a map's engine, and its plan.

    Raises
    ------
    ValueError
        ``CONVT_CPU_ALGORITHM`` names no engine.
    """
    if forced is not None and forced not in ENGINES:
        raise ValueError(f"CONVT_CPU_ALGORITHM must be one of {', '.join(ENGINES)}, got {forced!r}")
    asked = [forced] if forced else [name for name, engine in ENGINES.items() if engine.suits(job)]
    able = [(name, plan) for name in asked if (plan := ENGINES[name].plan(job)) is not None]
    if not able:
        return FALLBACK, ENGINES[FALLBACK].plan(job)
    return min(able, key=lambda pair: pair[1].cycles)
