"""Which engine computes a map: the list of engines, and the rule.

The cheapest plan whose workspace stays within the limit is taken; "direct" needs none and can do everything.
``CONVT_CUDA_ALGORITHM`` forces an engine for all that it can do; the rest goes to "direct". ``CONVT_WORKSPACE_LIMIT`` is in
bytes, 512 MB unless set, "inf" for none.
"""

from __future__ import annotations

import math
import os
from functools import lru_cache
from typing import TYPE_CHECKING

from .engine import Engine, Map, Plan, Strides
from .own.plan import direct_plan, tile_plan

if TYPE_CHECKING:
    from convt.problem import Problem

__all__ = ["ENGINES", "choose", "workspace_limit"]

_WORKSPACE = 512 * 1024 * 1024

ENGINES = {"tile": Engine(tile_plan), "direct": Engine(direct_plan)}
_FALLBACK = "direct"


def choose(problem: Problem, data_map: Map, strides: Strides) -> tuple[str, Plan]:
    """The engine's name, and its plan.

    Raises
    ------
    ValueError
        An environment variable has a value that it cannot have.
    """
    forced = os.environ.get("CONVT_CUDA_ALGORITHM") or None
    if forced is not None and forced not in ENGINES:
        raise ValueError(f"CONVT_CUDA_ALGORITHM must be one of {', '.join(ENGINES)}, got {forced!r}")
    return _choose(problem, data_map, strides, forced, workspace_limit())


def workspace_limit() -> float:
    """Bytes of workspace that a call may use."""
    text = os.environ.get("CONVT_WORKSPACE_LIMIT")
    if not text:
        return _WORKSPACE
    try:
        limit = float(text)
    except ValueError:
        limit = -1.0
    if math.isnan(limit) or limit < 0:
        raise ValueError(f"CONVT_WORKSPACE_LIMIT must be a number of bytes or 'inf', got {text!r}")
    return limit


@lru_cache(maxsize=1024)
def _choose(problem: Problem, data_map: Map, strides: Strides, forced: str | None, limit: float) -> tuple[str, Plan]:
    names = ENGINES if forced is None else (forced, _FALLBACK)
    plans = [(name, ENGINES[name].plan(problem, data_map, strides)) for name in names]
    able = [(name, plan) for name, plan in plans if plan is not None and (plan.workspace <= limit or name == _FALLBACK)]
    return able[0] if forced is not None else min(able, key=lambda pair: pair[1].cost)
